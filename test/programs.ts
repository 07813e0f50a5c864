// Programs for the kernel to run, and the RAM disk they come on: C by musl-gcc, static; Debian's busybox; archives by cpio.
// A library; no test in it.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { hashOf, ROOT, writeWhole } from '../linker/cache.ts'

const FOLDER = path.join(ROOT, 'build', 'programs')
export const BUSYBOX = '/bin/busybox'

/** The executable of test/programs/NAME.c: static, for Linux on x86-64, by musl. Built when its source is new. */
export function program(name: string, options: readonly string[] = []): string {
  const source = path.join(ROOT, 'test', 'programs', `${name}.c`)
  const key = hashOf(fs.readFileSync(source), ...options)
  const file = path.join(FOLDER, `${name}-${key.slice(0, 16)}`)
  if (fs.existsSync(file)) return file
  fs.mkdirSync(FOLDER, { recursive: true })
  const draft = `${file}.${process.pid}`
  execFileSync('musl-gcc', ['-static', '-O1', '-Wall', '-Wextra', '-Werror', ...options, '-o', draft, source], { stdio: ['ignore', 'ignore', 'inherit'] })
  fs.renameSync(draft, file)
  return file
}

/** What is on a RAM disk: the contents of a file, a file of this machine's, a folder, or a link. */
export type Entry = string | Buffer | { from: string } | { link: string } | { folder: true }

/** busybox, and a link to it for each applet. */
export function busybox(...applets: readonly string[]): Record<string, Entry> {
  return { 'bin/busybox': { from: BUSYBOX }, ...Object.fromEntries(applets.map(each => [`bin/${each}`, { link: 'busybox' }])) }
}

/** An archive (cpio, newc) with these files, executable; the path of it, for QEMU's -initrd. */
export function ramDisk(entries: Readonly<Record<string, Entry>>): string {
  const root = fs.mkdtempSync(path.join(makeFolder(), 'root-'))
  for (const folder of ['dev', 'proc', 'tmp', 'bin']) fs.mkdirSync(path.join(root, folder))
  for (const [name, entry] of Object.entries(entries)) put(path.join(root, name), entry)
  const names = execFileSync('find', ['.', '-mindepth', '1', '-print0'], { cwd: root })
  const archive = execFileSync('cpio', ['-o', '-0', '-H', 'newc', '--quiet', '-R', '0:0'], { cwd: root, input: names, maxBuffer: 1 << 30 })
  fs.rmSync(root, { recursive: true })
  const file = path.join(FOLDER, `disk-${hashOf(archive).slice(0, 16)}.cpio`)
  writeWhole(file, archive)
  return file
}

function makeFolder(): string {
  fs.mkdirSync(FOLDER, { recursive: true })
  return FOLDER
}

function put(file: string, entry: Entry): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  if (typeof entry === 'string' || Buffer.isBuffer(entry)) fs.writeFileSync(file, entry, { mode: 0o755 })
  else if ('folder' in entry) fs.mkdirSync(file, { recursive: true })
  else if ('link' in entry) fs.symlinkSync(entry.link, file)
  else {
    fs.copyFileSync(entry.from, file)
    fs.chmodSync(file, 0o755)
  }
}
