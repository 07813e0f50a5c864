// Paging: the same static program touches 200 MiB in a machine of 128, on the same disk, with a Linux guest's kernel under it and
// with Porphyry. On both the disk is a swap area before it starts.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ramDisk } from '../../linker/ram-disk.ts'
import { Machine } from '../qemu.ts'
import { linuxCommandLine, linuxGuest } from './linux-guest.ts'
import { PORPHYRY_ELF } from './porphyry.ts'
import { benchDirectory, figure, projectDirectory, rowAtLeast, type Row } from './results.ts'

const RUNS = 5
const MEMORY = '128M'
const DISK = 512 << 20
/** Seconds that a run may take on a busy host. */
const LIMIT = 300

const FIGURES = [['out', 'swap out, in order', 'MB/s', 4], ['in', 'swap in, in order', 'MB/s', 4], ['random', 'swap in, pages at random', 'pages/s', 2]] as const

/** Both guests in turns. */
export async function benchSwap(): Promise<Row[]> {
  mkdirSync(benchDirectory(), { recursive: true })
  const program = join(benchDirectory(), 'swap-guest')
  execFileSync('musl-gcc', ['-static', '-O2', '-o', program, join(projectDirectory, 'test/bench/c/swap-guest.c')])
  const initrd = ramDisk({ 'bin/swap-guest': { from: program } })
  const linux = linuxGuest()
  const theirs: Record<string, number[]> = {}
  const ours: Record<string, number[]> = {}
  for (let run = 0; run < RUNS; run++) {
    await measure(linux.kernel, linuxCommandLine(null, 'bench.swap=200,20000'), linux.initramfs, theirs)
    await measure(PORPHYRY_ELF, 'eth0=off services=none swap=vda init=/bin/swap-guest 200 20000', initrd, ours)
  }
  return FIGURES.map(([name, work, unit, bar]) => rowAtLeast(work, figure(unit, theirs[name]!), figure(unit, ours[name]!), bar))
}

async function measure(image: string, append: string, initrd: string, into: Record<string, number[]>): Promise<void> {
  const disk = swapArea()
  const drive = `file=${disk},if=none,id=disk,format=raw,cache=writeback`
  const machine = new Machine({ image, append, memory: MEMORY, args: ['-initrd', initrd, '-drive', drive, '-device', 'virtio-blk-pci,drive=disk'] })
  try {
    await machine.until(/swap: done/, LIMIT)
  } finally {
    await machine.end()
    rmSync(disk, { force: true })
  }
  for (const line of machine.lines) {
    const [, name, value] = /swap: (out|in|random) ([\d.]+)/.exec(line) ?? []
    if (name !== undefined) (into[name] ??= []).push(Number(value))
  }
}

/** A sparse disk that mkswap has made a swap area. */
function swapArea(): string {
  const path = join(benchDirectory(), `swap-${process.pid}.img`)
  writeFileSync(path, '')
  truncateSync(path, DISK)
  execFileSync('mkswap', [path], { stdio: 'ignore' })
  return path
}
