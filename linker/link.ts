// Objects to build/porphyry.elf, and beside it .map (the linker's), .sym (addresses and names) and .asm (the code,
// with TypeScript lines).
//
// Linked twice: the table of symbols and lines for panics is made from the first result and goes into the second,
// at the end, where it moves nothing; that nothing moved is checked. So is what a loader and the kernel's page
// tables rely on: no segment both writable and executable, no undefined symbol, both entries where they belong.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT, cachedFile, filesIn, hashOf, writeWhole } from './cache.ts'
import { type Elf, type ElfSymbol, PT_LOAD, findNote, readElf } from './elf.ts'
import { CLANG, assemblyOf, run } from './object.ts'
import { functionsOf, inlinedOf, linesOf, symbolTable } from './symbols.ts'

const LINKER = 'ld.lld-19'
const SCRIPT = 'linker/kernel.ld'
const ASSEMBLY = ['kernel/arch/x86/entry.S', 'kernel/arch/x86/trap.S', 'kernel/arch/x86/syscall.S']
const TOOLS = ['linker/link.ts', 'linker/symbols.ts', 'linker/elf.ts', SCRIPT, ...ASSEMBLY]
/** XEN_ELFNOTE_PHYS32_ENTRY: where PVH enters. */
const PVH_ENTRY = 18
const MULTIBOOT2_MAGIC = 0xe85250d6
/** Multiboot2 specification §3.1: the header lies in the first 32 KiB of the file. */
const MULTIBOOT2_SEARCHED = 32768
/** What the table of symbols moves: its own end, and the image's. */
const MOVES = new Set(['symbol_table_end', 'kernel_image_end'])

/** Assemble one file; debug information names it as it is in the project. */
function assemble(source: string): string {
  const options = ['-c', '-g', '-x', 'assembler-with-cpp', `-ffile-prefix-map=${ROOT}/=`, `-ffile-prefix-map=${ROOT}=.`, `-I${ROOT}`]
  return cachedFile('assemble', hashOf(source, options.join(' '), filesIn(source)), '.o',
    draft => run(CLANG, [...options, source, '-o', draft]))
}

/** An object that is the symbol table and nothing else. */
function symbolsObject(table: Buffer): string {
  return cachedFile('symbols', hashOf('symbols 1', table), '.o', draft => {
    const bytes = `${draft}.bin`
    fs.writeFileSync(bytes, table)
    try {
      run(CLANG, ['-c', '-x', 'assembler', '-', '-o', draft], `.section .symbols, "a"\n.balign 16\n.incbin "${bytes}"\n`)
    } finally {
      fs.rmSync(bytes, { force: true })
    }
  })
}

function link(objects: readonly string[], output: string, map?: string): void {
  run(LINKER, ['-T', SCRIPT, '--build-id=none', '--fatal-warnings', '-z', 'max-page-size=4096', '--no-gc-sections',
    ...map === undefined ? [] : [`-Map=${map}`], '-o', output, ...objects])
}

/** Symbols of the first link that the second has elsewhere. */
export function moved(first: Elf, second: Elf): string[] {
  const now = new Map(second.symbols.map(each => [each.name, each.address]))
  return first.symbols.filter(each => each.name !== '' && !MOVES.has(each.name) && now.get(each.name) !== each.address)
    .map(each => each.name)
}

/** What is wrong with a kernel, as sentences; nothing for one that can boot. */
export function complaintsOf(elf: Elf): string[] {
  const complaints: string[] = []
  const loads = elf.segments.filter(each => each.type === PT_LOAD)
  loads.forEach((each, i) => {
    if (each.writable && each.executable) complaints.push(`segment ${i} is both writable and executable`)
    const within = each.virtual < 0x40000000n ? each.physical === each.virtual : each.physical === each.virtual - 0xffffffff80000000n
    if (!within) complaints.push(`segment ${i} is loaded at ${each.physical.toString(16)}, linked at ${each.virtual.toString(16)}`)
  })
  const undefinedSymbols = elf.symbols.filter(each => each.section === 0 && each.name !== '')
  if (undefinedSymbols.length > 0) complaints.push(`undefined: ${undefinedSymbols.map(each => each.name).join(', ')}`)
  const executable = (at: bigint) =>
    loads.some(each => each.executable && at >= each.physical && at < each.physical + BigInt(each.fileSize))
  if (!executable(elf.entry)) complaints.push(`the entry ${elf.entry.toString(16)} is not in an executable segment`)
  const note = findNote(elf, 'Xen', PVH_ENTRY)
  if (note === undefined || note.length < 4) complaints.push('there is no PVH entry note')
  else if (!executable(BigInt(note.readUInt32LE(0)))) complaints.push('the PVH entry is not in an executable segment')
  if (!hasMultibootHeader(elf.bytes)) complaints.push('there is no multiboot2 header in the first 32 KiB')
  return complaints
}

function hasMultibootHeader(bytes: Buffer): boolean {
  for (let at = 0; at + 16 <= Math.min(bytes.length, MULTIBOOT2_SEARCHED); at += 8) {
    if (bytes.readUInt32LE(at) !== MULTIBOOT2_MAGIC) continue
    const sum = [0, 4, 8, 12].reduce((total, offset) => (total + bytes.readUInt32LE(at + offset)) >>> 0, 0)
    if (sum === 0) return true
  }
  return false
}

/** The linked ELF of a kernel object, in the cache; its map lies beside it. */
function linked(object: string): string {
  const key = hashOf(filesIn(...TOOLS), fs.readFileSync(object))
  return cachedFile('link', key, '.elf', draft => {
    const objects = [...ASSEMBLY.map(assemble), object]
    const first = `${draft}.first`
    try {
      link([...objects, symbolsObject(Buffer.alloc(0))], first)
      const before = readElf(first)
      const table = symbolTable(functionsOf(before), linesOf(first), inlinedOf(first))
      link([...objects, symbolsObject(table)], draft, path.join(path.dirname(draft), `${key}.map`))
      const after = readElf(draft)
      const elsewhere = moved(before, after)
      if (elsewhere.length > 0) throw new Error(`the second link moved ${elsewhere.slice(0, 5).join(', ')}`)
      const complaints = complaintsOf(after)
      if (complaints.length > 0) throw new Error(`the linked kernel can not be right:\n${complaints.join('\n')}`)
    } finally {
      fs.rmSync(first, { force: true })
    }
  })
}

/** Addresses and names, by address: what `nm -n` prints. */
export function symbolsText(elf: Elf): string {
  const line = ({ address, isFunction, size, name }: ElfSymbol): string =>
    `${address.toString(16).padStart(16, '0')} ${isFunction ? 'f' : 'd'} ${size.toString().padStart(7)} ${name}\n`
  return elf.symbols.filter(each => each.name !== '' && each.section !== 0 && !each.name.endsWith('.c'))
    .map(line).sort().join('')
}

export interface LinkResult { readonly elf: string; readonly textBytes: number; readonly memoryBytes: number }

/** Link `object` to `output`, with .map, .sym and .asm beside it; nothing is made anew that is there already. */
export function linkKernel({ object, output }: { object: string, output: string }): LinkResult {
  const built = linked(object)
  const stem = output.replace(/\.elf$/, '')
  const elf = readElf(built)
  const text = elf.sections.find(each => each.name === '.text')?.size ?? 0
  const memory = elf.segments.filter(each => each.type === PT_LOAD).reduce((sum, each) => sum + each.memorySize, 0)
  const result = { elf: output, textBytes: text, memoryBytes: memory }
  if (fs.existsSync(output) && fs.readFileSync(output).equals(elf.bytes) && fs.existsSync(`${stem}.asm`)) return result
  fs.rmSync(`${stem}.asm`, { force: true })
  writeWhole(output, elf.bytes)
  writeWhole(`${stem}.map`, fs.readFileSync(built.replace(/\.elf$/, '.map')))
  writeWhole(`${stem}.sym`, symbolsText(elf))
  writeWhole(`${stem}.asm`, assemblyOf(built).replaceAll(built, path.basename(output)))
  return result
}

/** A copy of `elf` without symbols and debug information: what goes into the ISO. */
export function strippedKernel(elf: string): string {
  const key = hashOf('strip 1', fs.readFileSync(elf))
  return cachedFile('strip', key, '.elf', draft => execFileSync('llvm-objcopy-19', ['--strip-all', elf, draft]))
}
