// From QEMU's start to a guest that serves: Porphyry by -kernel and from its ISO, Linux to its first program.
// And what a boot has to carry: the size of the ISO and of the kernel's text.

import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { linuxGuest } from './linux-guest.ts'
import { linux, porphyry, withMachine, type Guest } from './machine.ts'
import { PORPHYRY_ELF, PORPHYRY_ISO, PORPHYRY_READY } from './porphyry.ts'
import { figure, rowBelow, type Row } from './results.ts'

const RUNS = 5
const KERNEL_BOOT_BAR = 0.2 // seconds
const ISO_SIZE_BAR = 1_500_000 // bytes
const TEXT_SIZE_BAR = 700_000 // bytes; 300,000 was the bar before TCP and its services, 400,000 before files and programs
const SMALLEST_MEMORY = '16M'
const ORDINARY_MEMORY = '128M' // QEMU's own default

/** Boot each kind of machine `RUNS` times, in turn. */
export async function benchBoot(): Promise<Row[]> {
  const iso: Guest = { image: PORPHYRY_ISO, append: '', args: [], ready: PORPHYRY_READY }
  const kinds: Array<{ guest: Guest, memory: string, runs: number[] }> = [
    { guest: linux(linuxGuest(), null), memory: ORDINARY_MEMORY, runs: [] },
    { guest: porphyry(null), memory: SMALLEST_MEMORY, runs: [] },
    { guest: porphyry(null), memory: ORDINARY_MEMORY, runs: [] },
    { guest: iso, memory: ORDINARY_MEMORY, runs: [] },
  ]
  for (let run = 0; run < RUNS; run++) {
    for (const kind of kinds) kind.runs.push(await withMachine(kind.guest, kind.memory, null, (seconds) => seconds))
  }
  const [theirs, smallest, ordinary, fromIso] = kinds.map((kind) => figure('s', kind.runs))
  return [
    rowBelow('QEMU start to ready, -kernel, 16 MiB', smallest!, KERNEL_BOOT_BAR, theirs!),
    rowBelow('QEMU start to ready, -kernel, 128 MiB', ordinary!, KERNEL_BOOT_BAR, theirs!),
    rowBelow('QEMU start to ready, ISO', fromIso!, null, theirs!),
  ]
}

/** The sizes that have a bar: the ISO's, the kernel's text. */
export function benchSizes(): Row[] {
  return [
    rowBelow('size of the ISO', figure('bytes', [statSync(PORPHYRY_ISO).size]), ISO_SIZE_BAR),
    rowBelow('kernel text', figure('bytes', [textSize(PORPHYRY_ELF)]), TEXT_SIZE_BAR),
  ]
}

/** Bytes of executable code: the sections of an ELF that are both allocated and executable. */
function textSize(elf: string): number {
  const sections = execFileSync('readelf', ['-SW', elf], { encoding: 'utf8' })
  const executable = /\]\s+\S+\s+PROGBITS\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+AX\s/g
  const sizes = [...sections.matchAll(executable)].map((match) => Number.parseInt(match[1]!, 16))
  if (sizes.length === 0) throw new Error(`no executable section in ${elf}`)
  return sizes.reduce((sum, size) => sum + size, 0)
}
