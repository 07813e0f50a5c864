// An ISO read back: what was written is what was meant. A build tool checks what it built.

import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Largest ISO that is let through; the bar of the project. */
export const SIZE_LIMIT = 1_500_000
/** What xorriso writes into the core image, where it lies: the boot information table, and GRUB's own block number. */
const BOOT_INFO: readonly Span[] = [[8, 64], [2548, 2556]]
/** All there is on the medium; the catalog is El Torito's. The last only if there is a RAM disk. */
const FILES = ['boot.catalog', 'boot/grub/core.img', 'boot/porphyry.elf', 'boot/ramdisk.cpio']

/** Bytes from the first up to the second, exclusive. */
type Span = readonly [number, number]

export interface IsoContents {
  /** What /boot/porphyry.elf was made from. */
  readonly kernel: string
  /** What /boot/grub/core.img was made from. */
  readonly core: string
  /** What /boot/ramdisk.cpio was made from, if there is one; its size is not counted. */
  readonly ramDisk?: string | undefined
}

/** Throws with what is wrong if the ISO does not boot `contents.core`, or does not hold exactly these files. */
export function verifyIso(iso: string, contents: IsoContents): void {
  const { ramDisk } = contents
  const size = fs.statSync(iso).size - (ramDisk === undefined ? 0 : fs.statSync(ramDisk).size)
  if (size > SIZE_LIMIT) throw new Error(`${iso} has ${size} bytes, more than ${SIZE_LIMIT}`)
  const boot = report(iso, ['-report_el_torito', 'plain'])
  if (!/^El Torito boot img :\s+1\s+BIOS\s+y\s+none/m.test(boot)) throw new Error(`${iso} has no bootable El Torito image:\n${boot}`)
  if (!/^El Torito img path :\s+1\s+\/boot\/grub\/core\.img$/m.test(boot)) throw new Error(`${iso} boots something else:\n${boot}`)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-iso-'))
  try {
    const extracted = path.join(folder, 'tree')
    execFileSync('xorriso', ['-osirrox', 'on', '-indev', iso, '-extract', '/', extracted], { stdio: 'ignore' })
    const files = fs.readdirSync(extracted, { recursive: true, withFileTypes: true }).filter(each => each.isFile())
      .map(each => path.relative(extracted, path.join(each.parentPath, each.name))).sort()
    if (files.join() !== FILES.slice(0, ramDisk === undefined ? 3 : 4).join()) throw new Error(`${iso} holds ${files.join(', ')}`)
    same(iso, path.join(extracted, 'boot/porphyry.elf'), contents.kernel, [])
    same(iso, path.join(extracted, 'boot/grub/core.img'), contents.core, BOOT_INFO)
    if (ramDisk !== undefined) same(iso, path.join(extracted, 'boot/ramdisk.cpio'), ramDisk, [])
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** What xorriso says about an ISO. */
function report(iso: string, command: readonly string[]): string {
  const done = spawnSync('xorriso', ['-indev', iso, ...command], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${iso} can not be read: ${done.stderr}`)
  return done.stdout
}

/** Throws unless two files are equal but for some spans. */
function same(iso: string, found: string, expected: string, but: readonly Span[]): void {
  const [a, b] = [fs.readFileSync(found), fs.readFileSync(expected)]
  for (const [start, end] of but) for (const each of [a, b]) each.fill(0, start, end)
  if (!a.equals(b)) throw new Error(`${iso}: ${path.basename(found)} is not what was put into it`)
}
