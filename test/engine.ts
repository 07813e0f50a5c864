// The two engines that run kernel code on the host: the pinned program as JavaScript in this Node, and as native
// code out of Porffor and clang, loaded as an add-on. Both have the same interface, the same memory map and the
// same messages for faults, so a unit test runs every case on both:
//
//   for (const e of await engines('test/kernel/net.ts')) {
//     t.test(e.kind, t => { const m = e.start(); … })
//   }
//
// The entry is a file in the dialect that exports what the test calls. ENGINES=node or ENGINES=node,native says
// which engines there are; both if it is not set.

import fs from 'node:fs'
import path from 'node:path'
import { hashOf, ROOT, writeWhole } from '../linker/cache.ts'
import { NativeEngine, NodeEngine, type Engine } from './engine-instance.ts'

export type { Engine, Instance } from './engine-instance.ts'

export type EngineKind = 'node' | 'native'

/** What building an entry gave, and what it was built from. */
interface Built {
  readonly sources: readonly (readonly [file: string, hash: string])[]
  readonly javascript: string
  readonly module: string | null
}

/** What makes a program for the host: folders and files. */
const TOOLCHAIN = [
  'linker/lower', 'linker/pin', 'linker/intrinsics', 'linker/bundle.ts', 'linker/c-program.ts', 'linker/compile.ts',
  'linker/host-program.ts', 'linker/native-module.ts', 'linker/object.ts', 'test/native/glue.cc',
  'kernel/tsconfig.json', 'package-lock.json',
]
const building = new Map<string, Promise<Built>>()

/** The engines for the program that `entry` (relative to the project) exports; built if the sources are new. */
export async function engines(entry: string, kinds: readonly EngineKind[] = engineKinds()): Promise<Engine[]> {
  const native = kinds.includes('native')
  const key = `${entry} ${native}`
  const build = building.get(key) ?? builtOrBuild(entry, native)
  building.set(key, build)
  const { javascript, module } = await build
  return kinds.map(kind => kind === 'node' ? new NodeEngine(javascript) : new NativeEngine(module!))
}

/** The engines that ENGINES names. */
export function engineKinds(): EngineKind[] {
  const wanted = (process.env['ENGINES'] ?? 'node,native').split(',').map(each => each.trim())
  for (const each of wanted) {
    if (each !== 'node' && each !== 'native') throw new Error(`ENGINES=${process.env['ENGINES']}: node and native exist`)
  }
  return wanted as EngineKind[]
}

async function builtOrBuild(entry: string, native: boolean): Promise<Built> {
  const record = path.join(ROOT, 'build', 'test', `${hashOf(entry, toolchainHash(), String(native))}.json`)
  const known = readRecord(record)
  if (known !== null && isCurrent(known)) return known
  const { buildForHost } = await import('../linker/host-program.ts')
  const { sources, javascript, module } = await buildForHost(entry, native)
  const built: Built = { sources: sources.map(file => [file, fileHash(file)]), javascript, module }
  writeWhole(record, JSON.stringify(built))
  return built
}

function readRecord(file: string): Built | null {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) as Built : null
}

function isCurrent({ sources, javascript, module }: Built): boolean {
  return [javascript, module].every(each => each === null || fs.existsSync(each))
    && sources.every(([file, hash]) => fs.existsSync(path.join(ROOT, file)) && fileHash(file) === hash)
}

function fileHash(file: string): string {
  return hashOf(fs.readFileSync(path.join(ROOT, file)))
}

let toolchain: string | null = null

/** Of everything that makes programs from sources. */
function toolchainHash(): string {
  toolchain ??= hashOf(...TOOLCHAIN.flatMap(filesBelow).map(each => `${each} ${fileHash(each)}`))
  return toolchain
}

function filesBelow(name: string): string[] {
  const place = path.join(ROOT, name)
  if (!fs.statSync(place).isDirectory()) return [name]
  return fs.readdirSync(place, { recursive: true, encoding: 'utf8' }).sort()
    .map(each => path.join(name, each)).filter(each => fs.statSync(path.join(ROOT, each)).isFile())
}
