// A program as a Node add-on for the native engine of the tests: its host object linked with test/native/glue.cc.

import fs from 'node:fs'
import path from 'node:path'
import { cachedFile, filesIn, hashOf, ROOT } from './cache.ts'
import { CLANG, run } from './object.ts'

const GLUE = 'test/native/glue.cc'

const LIKE_NODE = ['-std=gnu++17', '-O2', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror']

/** The directory of node_api.h: next to the running Node, or where Debian and nodesource put it. */
export function nodeHeaders(): string {
  const beside = path.resolve(fs.realpathSync(process.execPath), '..', '..', 'include', 'node')
  const candidates = [process.env['NODE_INCLUDE'] ?? beside, beside, '/usr/include/node', '/usr/include/nodejs/src']
  const found = candidates.find(each => fs.existsSync(path.join(each, 'node_api.h')))
  if (found === undefined) {
    throw new Error(`no node_api.h in ${candidates.join(', ')}: install Node with its headers, or set NODE_INCLUDE`)
  }
  return found
}

/** Link the host object `object` into an add-on; the path of a .node file in the cache. */
export function linkModule(object: string): string {
  const glue = cachedFile('glue', hashOf(filesIn(GLUE), LIKE_NODE.join(' '), process.version), '.o', draft =>
    run(CLANG, [...LIKE_NODE, '-I', nodeHeaders(), '-c', path.join(ROOT, GLUE), '-o', draft]))
  return cachedFile('module', hashOf(fs.readFileSync(object), fs.readFileSync(glue)), '.node', draft =>
    run(CLANG, ['-shared', '-fuse-ld=lld', '-Wl,--gc-sections', '-o', draft, object, glue]))
}
