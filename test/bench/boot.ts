// From QEMU's start to a guest that serves: Porphyry by -kernel and from its ISO, Linux to its first program.
// And what a boot has to carry: the size of the ISO and of the kernel's text.

import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { LINUX_READY, linuxCommandLine, linuxGuest } from './linux-guest.ts'
import { startMachine, type MachineOptions } from './machine.ts'
import { PORPHYRY_ELF, PORPHYRY_ISO, PORPHYRY_READY } from './porphyry.ts'
import { figure, rowBelow, type Row } from './results.ts'

const RUNS = 5
const KERNEL_BOOT_BAR = 0.2 // seconds
const ISO_SIZE_BAR = 1_500_000 // bytes
const TEXT_SIZE_BAR = 300_000 // bytes
const SMALLEST_MEMORY = 16 // MiB

/** Boot each kind of machine `RUNS` times, in turn. */
export async function benchBoot(): Promise<Row[]> {
  const linux = linuxGuest()
  const append = 'eth0=off swap=none'
  const kernel = ['-kernel', PORPHYRY_ELF, '-append', append]
  const kinds: Array<{ options: MachineOptions, ready: RegExp, runs: number[] }> = [
    {
      options: { boot: ['-kernel', linux.kernel, '-initrd', linux.initramfs, '-append', linuxCommandLine(null)] },
      ready: LINUX_READY, runs: [],
    },
    { options: { boot: kernel, memory: SMALLEST_MEMORY }, ready: PORPHYRY_READY, runs: [] },
    { options: { boot: kernel }, ready: PORPHYRY_READY, runs: [] },
    { options: { boot: ['-cdrom', PORPHYRY_ISO] }, ready: PORPHYRY_READY, runs: [] },
  ]
  for (let run = 0; run < RUNS; run++) {
    for (const kind of kinds) kind.runs.push(await bootOnce(kind.options, kind.ready))
  }
  const [theirs, small, ordinary, iso] = kinds.map((kind) => figure('s', kind.runs))
  return [
    rowBelow('QEMU start to ready, -kernel, 16 MiB', small!, KERNEL_BOOT_BAR, theirs!),
    rowBelow('QEMU start to ready, -kernel, 128 MiB', ordinary!, KERNEL_BOOT_BAR, theirs!),
    rowBelow('QEMU start to ready, ISO', iso!, null, theirs!),
  ]
}

/** The sizes that have a bar: the ISO's, the kernel's text. */
export function benchSizes(): Row[] {
  return [
    rowBelow('size of the ISO', figure('bytes', [statSync(PORPHYRY_ISO).size]), ISO_SIZE_BAR),
    rowBelow('kernel text', figure('bytes', [textSize(PORPHYRY_ELF)]), TEXT_SIZE_BAR),
  ]
}

async function bootOnce(options: MachineOptions, ready: RegExp): Promise<number> {
  const machine = startMachine(options)
  try {
    return await machine.until(ready, 60)
  } finally {
    await machine.stop()
  }
}

/** Bytes of executable code: the sections of an ELF that are both allocated and executable. */
function textSize(elf: string): number {
  const sections = execFileSync('readelf', ['-SW', elf], { encoding: 'utf8' })
  const executable = /\]\s+\S+\s+PROGBITS\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+AX\s/g
  const sizes = [...sections.matchAll(executable)].map((match) => Number.parseInt(match[1]!, 16))
  if (sizes.length === 0) throw new Error(`no executable section in ${elf}`)
  return sizes.reduce((sum, size) => sum + size, 0)
}
