// build/porphyry.iso: GRUB's core image with the four modules it takes to load the kernel, and the kernel without its
// debug information. Boots from a CD by El Torito, and from a disk or a stick it was copied to, by BIOS.
//
// grub-mkrescue would do, but it dates its files and its volume by the clock and carries modules nobody loads;
// grub-mkimage and xorriso, which it calls, give 0.4 MB and the same bytes every time. docs/contract.md.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, cachedFile, filesIn, hashOf, writeWhole } from '../linker/cache.ts'
import { strippedKernel } from '../linker/link.ts'
import { verifyIso } from './verify.ts'

export const ISO = 'build/porphyry.iso'
/** Where GRUB's BIOS platform is on Debian. */
export const GRUB_DIRECTORY = '/usr/lib/grub/i386-pc'
/** Where they are on the medium. */
export const KERNEL_PATH = '/boot/porphyry.elf'
export const CORE_PATH = '/boot/grub/core.img'
const RAM_DISK_PATH = '/boot/ramdisk.cpio'
const MODULES = ['biosdisk', 'iso9660', 'multiboot2', 'boot']
/** Of every file and of the volume: a build has no date of its own. */
const DATE = '2026010100000000'
const TOOLS = ['iso/build.ts', 'iso/verify.ts', 'iso/grub.cfg']

/**
 * The command line as GRUB's parser wants it, each word in quotes of its own: nothing in them is special to it. Throws
 * for what can not be written so: a quote, or a character that is not printable.
 */
export function quoteForGrub(commandLine: string): string {
  if (/['\x00-\x1f\x7f-\uffff]/.test(commandLine)) {
    throw new Error(`a command line for the ISO can not hold a single quote or an unprintable character: ${commandLine}`)
  }
  return commandLine.split(' ').filter(word => word !== '').map(word => `'${word}'`).join(' ')
}

/** GRUB's script with the command line in place, and without comments: the parser of a core image knows none. */
export function grubScript(template: string, commandLine: string): string {
  const lines = template.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return lines.map(line => line.replace('@COMMAND_LINE@', () => quoteForGrub(commandLine)).trimEnd() + '\n').join('')
}

function makeCore(script: string, output: string): void {
  const config = `${output}.cfg`
  fs.writeFileSync(config, script)
  execFileSync('grub-mkimage', ['-O', 'i386-pc-eltorito', '-d', GRUB_DIRECTORY, '-p', '/boot/grub', '-c', config, '-o', output, ...MODULES])
  fs.rmSync(config)
}

/**
 * A RAM disk goes before the kernel: GRUB's biosdisk, which reads 32 KiB at a time, got the last 6,656 bytes of one wrong that
 * ended where the medium does.
 */
function makeImage(tree: string, output: string): void {
  const first = fs.existsSync(path.join(tree, RAM_DISK_PATH)) ? ['--sort-weight', '1', RAM_DISK_PATH] : []
  execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-V', 'PORPHYRY', '-no-pad', ...first,
    `--modification-date=${DATE}`, '--set_all_file_dates', DATE, '-uid', '0', '-gid', '0',
    '-b', CORE_PATH.slice(1), '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table',
    '--grub2-boot-info', '--grub2-mbr', path.join(GRUB_DIRECTORY, 'boot_hybrid.img'), '-o', output, tree],
  { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** The ISO of a kernel, a command line, and a RAM disk if there is one, in the cache. */
function imageOf(kernel: string, script: string, ramDisk: string | undefined): string {
  const grub = [...MODULES, 'kernel'].map(each => `${each}.${each === 'kernel' ? 'img' : 'mod'}`)
    .map(name => fs.readFileSync(path.join(GRUB_DIRECTORY, name)))
  const archive = ramDisk === undefined ? [] : [fs.readFileSync(ramDisk)]
  const key = hashOf('iso 1', script, filesIn(...TOOLS), fs.readFileSync(kernel), ...grub, ...archive)
  return cachedFile('iso', key, '.iso', draft => {
    const tree = fs.mkdtempSync(`${draft}.tree-`)
    try {
      fs.mkdirSync(path.join(tree, path.dirname(CORE_PATH)), { recursive: true })
      fs.copyFileSync(kernel, path.join(tree, KERNEL_PATH))
      if (ramDisk !== undefined) fs.copyFileSync(ramDisk, path.join(tree, RAM_DISK_PATH))
      makeCore(script, path.join(tree, CORE_PATH))
      const files = [KERNEL_PATH, CORE_PATH, ...ramDisk === undefined ? [] : [RAM_DISK_PATH]]
      for (const file of files) fs.chmodSync(path.join(tree, file), 0o644)
      makeImage(tree, draft)
      verifyIso(draft, { kernel, core: path.join(tree, CORE_PATH), ramDisk })
    } finally {
      fs.rmSync(tree, { recursive: true, force: true })
    }
  })
}

export interface IsoResult { readonly iso: string; readonly bytes: number }

export interface IsoOptions { elf: string, output?: string, commandLine?: string, ramDisk?: string }

/** Make `output` from the ELF at `elf`; the kernel gets `commandLine` from GRUB, and the archive `ramDisk` as a module. */
export function buildIso({ elf, output = ISO, commandLine = '', ramDisk }: IsoOptions): IsoResult {
  const template = fs.readFileSync(path.join(ROOT, 'iso', 'grub.cfg'), 'utf8')
  const script = grubScript(template, commandLine)
  const withModule = ramDisk === undefined ? script : script.replace(/^boot$/m, `module2 ${RAM_DISK_PATH}\nboot`)
  const image = fs.readFileSync(imageOf(strippedKernel(elf), withModule, ramDisk))
  const file = path.resolve(ROOT, output)
  if (!fs.existsSync(file) || !fs.readFileSync(file).equals(image)) writeWhole(file, image)
  return { iso: file, bytes: image.length }
}
