// The library: test/kernel/packetdrill.ts in its host variant, and the adapter that makes packetdrill's interface of it.

import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../../linker/cache.ts'
import { hostObject } from '../../linker/host-program.ts'
import { linkLibrary } from '../../linker/native-module.ts'

const LIBRARY = join(ROOT, 'build/libporphyry-net.so')
const ENTRY = 'test/kernel/packetdrill.ts'
const ADAPTER = ['adapter.cc', 'device.h', 'files.h', 'interface.h', 'options.h', 'program.h', 'sysctls.h', 'transfer.h', 'waiting.h']

let built: Promise<string> | undefined

/** Build the library, once a process; its path in the cache. Throws what a stage of the toolchain throws. */
export function buildLibrary(): Promise<string> {
  return built ??= hostObject(ENTRY).then(object => linkLibrary(object, ADAPTER.map(file => `test/packetdrill/${file}`)))
}

/** The same at build/libporphyry-net.so. */
export async function installLibrary(): Promise<string> {
  const library = await buildLibrary()
  mkdirSync(dirname(LIBRARY), { recursive: true })
  copyFileSync(library, `${LIBRARY}.new`)
  renameSync(`${LIBRARY}.new`, LIBRARY) // whoever runs with the old one keeps it
  return LIBRARY
}
