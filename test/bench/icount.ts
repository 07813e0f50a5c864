// Guest instructions a packet: the whole kernel, from its driver to the socket or out of the other card, in QEMU with
// `-icount shift=0`, where the time-stamp counter counts instructions. Interrupts and halts are not in it, nor is waiting: the
// kernel (test/kernel/boot-test.ts) runs rounds of its main loop over frames that all are there, and counts those.
//
// Both ways of arriving are counted: 64 frames in one round, which is a busy machine, and one frame in a round. What a
// round costs that has nothing to do is subtracted, and is a row of its own.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Machine } from '../qemu.ts'
import { GUEST_MAC, porphyry, withMachine, withWire, type Wire } from './machine.ts'
import { benchDirectory, figure, projectDirectory, rowBelow, type Row } from './results.ts'
import { addressOf, addSecondTap, buildBlast, FAR, HOST, secondCard, STRANGER, withListener } from './udp.ts'

const BATCHES = 5
const WARM_UP = 2
const MEMORY = '512M'
/** Frames of a batch on a busy machine. */
export const BATCH = 64
const BYTES = 64
const PORT = { echo: 7, discard: 9 }
const BLAST_SOURCE_PORT = 40000
const PATIENCE = 20000 // milliseconds
export const ICOUNT = ['-icount', 'shift=0']
/** The kernel that counts. */
export const COUNT_KERNEL = join(benchDirectory(), 'boot-count.elf')

export interface Count { frames: number, all: number, idle: number }
/** What puts so many frames on the wire. */
type Send = (frames: number) => Promise<unknown>

/** Instructions per packet received, echoed, pinged, forwarded and sent. */
export async function benchIcount(): Promise<Row[]> {
  return await withCountedWire(async (wire, blast) => {
    const [busy, quiet] = [await received(wire, blast, BATCH), await received(wire, blast, 1)]
    const idle = rowBelow('a round of the main loop with nothing to do', figure('instructions', busy.idle), null)
    return [...busy.rows, await sent(wire), ...quiet.rows, idle]
  })
}

/** What both this and the profile need: the kernel, two taps, ports that take what comes, the program that sends frames. */
export async function withCountedWire<T>(use: (wire: Wire, blast: string) => Promise<T>): Promise<T> {
  const blast = buildBlast()
  execFileSync(process.execPath, ['bin/porphyry.js', 'kernel', '--entry', 'test/kernel/boot-test.ts', '--out', COUNT_KERNEL],
    { cwd: projectDirectory, stdio: ['ignore', 2, 2] })
  return await withWire(async wire => {
    await addSecondTap(wire)
    return await withListener(wire.namespace, [PORT.discard, BLAST_SOURCE_PORT], async () => await use(wire, blast))
  })
}

/** Everything that begins with a frame coming in: by name, what sends the frames. */
export function incomingWorks(wire: Wire, blast: string): Record<string, Send> {
  const udp = (from: string, to: string, port: number): Send => async count =>
    await wire.namespace.must(blast, ['tap0', GUEST_MAC, from, to, String(port), String(BYTES), '1', String(-count)])
  const guest = addressOf(wire)
  return {
    'UDP received and read': udp(HOST, guest, PORT.discard),
    'UDP echoed': udp(HOST, guest, PORT.echo),
    forwarded: udp(STRANGER, FAR, PORT.discard),
    'ping answered': async count => await wire.namespace.must('ping', ['-q', '-c', String(count), '-l', String(count), guest]),
  }
}

/** A guest that counts batches of `frames` that come in; it and its neighbours know each other's MAC addresses. */
export async function countingIncoming<T>(
  wire: Wire, blast: string, frames: number, args: string[], use: (machine: Machine) => Promise<T>,
): Promise<T> {
  return await counting(wire, `services=echo forward=1 eth1=10.78.0.2/24 count=${frames}`, args, async machine => {
    await wire.namespace.must('ping', ['-c', '1', '-W', '20', addressOf(wire)])
    await incomingWorks(wire, blast).forwarded!(1)
    return await use(machine)
  })
}

async function received(wire: Wire, blast: string, frames: number): Promise<{ rows: Row[], idle: number[] }> {
  return await countingIncoming(wire, blast, frames, ICOUNT, async machine => {
    const rows: Row[] = []
    const idle: number[] = []
    for (const [work, send] of Object.entries(incomingWorks(wire, blast))) {
      const counts: Count[] = []
      for (let batch = 0; batch < WARM_UP + BATCHES; batch++) counts.push(await countOf(machine, () => send(frames)))
      const good = counts.slice(WARM_UP)
      rows.push(row(`${work}, ${frames} in a round`, good))
      idle.push(...good.map(each => each.idle))
    }
    return { rows, idle }
  })
}

async function sent(wire: Wire): Promise<Row> {
  return await counting(wire, 'services=none count=send', ICOUNT, async machine => {
    const counts: Count[] = []
    while (counts.length < WARM_UP + BATCHES) counts.push(await countOf(machine, async () => {}))
    return row(`UDP sent, ${BATCH} in a round`, counts.slice(WARM_UP))
  })
}

export async function counting<T>(wire: Wire, more: string, args: string[], use: (machine: Machine) => Promise<T>): Promise<T> {
  const guest = porphyry(wire.guest, more, COUNT_KERNEL)
  return await withMachine({ ...guest, args: [...guest.args, ...secondCard(), ...args] }, MEMORY, wire,
    async (_, machine) => await use(machine))
}

/** Send a batch: what the guest says of it, in its next line of figures. */
export async function countOf(machine: Machine, send: () => Promise<unknown>): Promise<Count> {
  const lines = (): string[] => machine.lines.filter(line => /bench: instructions /.test(line))
  const before = lines().length
  await send()
  const start = performance.now()
  while (lines().length === before) {
    if (performance.now() - start > PATIENCE) throw new Error('the guest counted nothing:\n' + machine.log)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const value = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(lines()[before]!)![1])
  return { frames: value('frames'), all: value('all'), idle: value('idle') }
}

/** Two rounds were run for a batch: without what two cost that have nothing to do. */
export function row(work: string, counts: Count[]): Row {
  return rowBelow(work, figure('instructions', counts.map(each => (each.all - 2 * each.idle) / each.frames)), null)
}
