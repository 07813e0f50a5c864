// A program as a shared object of the machine the tests run on: its host object linked with test/native/glue.cc, a Node
// add-on for the native engine, or with an adapter of its own.

import fs from 'node:fs'
import path from 'node:path'
import { cachedFile, filesIn, hashOf, ROOT } from './cache.ts'
import { CLANG, run } from './object.ts'

const GLUE = 'test/native/glue.cc'

const LIKE_NODE = ['-std=gnu++17', '-O2', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror']

/** Node-API's headers, an npm package of their own: not every installation of Node comes with its headers. */
const HEADERS = path.join(ROOT, 'node_modules/node-api-headers/include')

/** Link the host object `object` into an add-on; the path of a .node file in the cache. */
export function linkModule(object: string): string {
  const glue = cachedFile('glue', hashOf(filesIn(GLUE), LIKE_NODE.join(' '), process.version), '.o', draft =>
    run(CLANG, [...LIKE_NODE, '-I', HEADERS, '-c', path.join(ROOT, GLUE), '-o', draft]))
  return cachedFile('module', hashOf(fs.readFileSync(object), fs.readFileSync(glue)), '.node', draft =>
    run(CLANG, ['-shared', '-fuse-ld=lld', '-Wl,--gc-sections', '-o', draft, object, glue]))
}

/** A C program loads it, without C++'s library: local statics have to be made under a lock of the adapter's. */
const WITHOUT_LIBRARY = ['-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics']

/** Link the host object `object` with the first of the C++ files `adapter`, relative to the project; the path of a file in the cache. */
export function linkLibrary(object: string, adapter: readonly string[]): string {
  const options = [...LIKE_NODE, ...WITHOUT_LIBRARY, '-pthread', '-shared', '-fuse-ld=lld', '-Wl,--gc-sections', '-Wl,-z,defs']
  return cachedFile('library', hashOf(fs.readFileSync(object), filesIn(...adapter), options.join(' ')), '.so', draft =>
    run(CLANG, [...options, path.join(ROOT, adapter[0]!), '-x', 'none', object, '-o', draft]))
}
