// Programs for the kernel to run: C by musl-gcc, static; Debian's busybox. A library; no test in it.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, cachedFile, hashOf } from '../linker/cache.ts'
import type { RamDiskEntry } from '../linker/ram-disk.ts'

export { buildProgram } from '../linker/program.ts'
export { ramDisk } from '../linker/ram-disk.ts'

const C_OPTIONS = ['-static', '-O1', '-Wall', '-Wextra', '-Werror']

/** The executable of test/programs/NAME.c: static, for Linux on x86-64. Built when its source is new. */
export function program(name: string): string {
  const source = path.join(ROOT, 'test', 'programs', `${name}.c`)
  const shared = fs.readFileSync(path.join(ROOT, 'test', 'programs', 'check.h'))
  return cachedFile('test-program', hashOf(fs.readFileSync(source), shared, ...C_OPTIONS), '', draft => {
    execFileSync('musl-gcc', [...C_OPTIONS, '-o', draft, source], { stdio: ['ignore', 'ignore', 'inherit'] })
  })
}

/** These of our programs, in /bin. */
export function programs(...names: readonly string[]): Record<string, RamDiskEntry> {
  return Object.fromEntries(names.map(name => [`bin/${name}`, { from: program(name) }]))
}

/** busybox, and a link to it for each applet. */
export function busybox(...applets: readonly string[]): Record<string, RamDiskEntry> {
  const links = applets.map((each): [string, RamDiskEntry] => [`bin/${each}`, { link: 'busybox' }])
  return { 'bin/busybox': { from: '/bin/busybox' }, ...Object.fromEntries(links) }
}
