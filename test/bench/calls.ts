// What a program pays for the kernel: the same static program is the first one of a Linux guest and of Porphyry, in machines
// without card or disk, and prints nanoseconds.

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ramDisk } from '../../linker/ram-disk.ts'
import { Machine } from '../qemu.ts'
import { linuxGuest } from './linux-guest.ts'
import { PORPHYRY_ELF } from './porphyry.ts'
import { benchDirectory, figure, projectDirectory, rowAgainst, type Row } from './results.ts'

const BOOTS = 3
const MEMORY = '128M'
/** A run takes some ten seconds of a busy host. */
const LIMIT = 300
const BAR = 0.5

const FIGURES = [['null', 'a null system call'], ['fork', 'fork, exit and wait'], ['pipe', 'a switch of processes through a pipe'],
  ['touch', 'first touch of a page'], ['signal', 'a signal and its handler'], ['datagram', 'a datagram between two processes'],
  ['epoll', 'epoll_wait, one of 500 sockets ready']] as const

/** Both guests in turns; the figures of all rounds of all boots. */
export async function benchCalls(): Promise<Row[]> {
  mkdirSync(benchDirectory(), { recursive: true })
  const program = join(benchDirectory(), 'calls')
  execFileSync('musl-gcc', ['-static', '-O2', '-Wall', '-o', program, join(projectDirectory, 'test/bench/c/calls.c')])
  const initrd = ramDisk({ init: { from: program } })
  const theirs: Record<string, number[]> = {}
  const ours: Record<string, number[]> = {}
  for (let boot = 0; boot < BOOTS; boot++) {
    await measure(linuxGuest().kernel, 'console=ttyS0 quiet mitigations=off', initrd, theirs)
    await measure(PORPHYRY_ELF, 'eth0=off swap=none services=none init=/init', initrd, ours)
  }
  return FIGURES.map(([name, work]) => rowAgainst(work, 'Linux guest', figure('ns', theirs[name]!), figure('ns', ours[name]!), BAR))
}

async function measure(image: string, append: string, initrd: string, into: Record<string, number[]>): Promise<void> {
  const machine = new Machine({ image, append, memory: MEMORY, args: ['-initrd', initrd] })
  try {
    await machine.until(/calls: done/, LIMIT)
  } finally {
    await machine.end()
  }
  for (const line of machine.lines) {
    const [, name, nanoseconds] = /calls: (\w+) (\d+)/.exec(line) ?? []
    if (name !== undefined) (into[name] ??= []).push(Number(nanoseconds))
  }
}
