// The initial RAM disk: an archive (cpio, newc) that the boot loader hands to the kernel, and the kernel unpacks as its root.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, hashOf, writeWhole } from './cache.ts'

/** What is at a path: contents, a file of this machine's, a symbolic link, a folder. */
export type RamDiskEntry = string | Buffer | { readonly from: string } | { readonly link: string } | { readonly folder: true }

/** What every root has. */
const FOLDERS = ['bin', 'dev', 'proc', 'tmp']

/** Pack these, files executable, all of it root's and /tmp for everybody; the path of the archive, in build/, named by what is in it. */
export function ramDisk(entries: Readonly<Record<string, RamDiskEntry>>): string {
  const build = path.join(ROOT, 'build')
  fs.mkdirSync(build, { recursive: true })
  const root = fs.mkdtempSync(path.join(build, 'ram-disk-'))
  try {
    for (const folder of FOLDERS) fs.mkdirSync(path.join(root, folder))
    fs.chmodSync(path.join(root, 'tmp'), 0o1777)
    for (const [name, entry] of Object.entries(entries)) put(path.join(root, name), entry)
    const archive = pack(root)
    const file = path.join(build, 'cache', 'ram-disk', `${hashOf(archive)}.cpio`)
    if (!fs.existsSync(file)) writeWhole(file, archive)
    return file
  } finally {
    fs.rmSync(root, { recursive: true })
  }
}

function put(file: string, entry: RamDiskEntry): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  if (typeof entry === 'string' || Buffer.isBuffer(entry)) fs.writeFileSync(file, entry, { mode: 0o755 })
  else if ('folder' in entry) fs.mkdirSync(file, { recursive: true })
  else if ('link' in entry) fs.symlinkSync(entry.link, file)
  else {
    fs.copyFileSync(entry.from, file)
    fs.chmodSync(file, 0o755)
  }
}

function pack(root: string): Buffer {
  const names = execFileSync('find', ['.', '-mindepth', '1', '-print0'], { cwd: root })
  const options = ['-o', '-0', '-H', 'newc', '--quiet', '--reproducible', '-R', '0:0']
  return execFileSync('cpio', options, { cwd: root, input: names, maxBuffer: 1 << 30 })
}
