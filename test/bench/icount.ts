// Guest instructions a packet: the whole kernel, from its driver to the socket or out of the other card, in QEMU with
// `-icount shift=0`, where the time-stamp counter counts instructions. Interrupts and halts are not in it, nor is waiting: the
// kernel (test/kernel/boot-count.ts) runs rounds of its main loop over frames that all are there, and counts those.
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
const BATCH = 64
const BYTES = 64
const PORT = { echo: 7, discard: 9 }
const BLAST_SOURCE_PORT = 40000
const PATIENCE = 20000 // milliseconds
const KERNEL = join(benchDirectory(), 'boot-count.elf')

interface Count { frames: number, all: number, idle: number }
/** What puts so many frames on the wire. */
type Send = (frames: number) => Promise<unknown>

/** Instructions per packet received, echoed, pinged, forwarded and sent. */
export async function benchIcount(): Promise<Row[]> {
  const blast = buildBlast()
  execFileSync(process.execPath, ['bin/porphyry.js', 'kernel', '--entry', 'test/kernel/boot-count.ts', '--out', KERNEL],
    { cwd: projectDirectory, stdio: ['ignore', 2, 2] })
  return await withWire(async wire => {
    await addSecondTap(wire)
    return await withListener(wire.namespace, [PORT.discard, BLAST_SOURCE_PORT], async () => {
      const [busy, quiet] = [await received(wire, blast, BATCH), await received(wire, blast, 1)]
      const idle = rowBelow('a round of the main loop with nothing to do', figure('instructions', busy.idle), null)
      return [...busy.rows, await sent(wire), ...quiet.rows, idle]
    })
  })
}

/** Everything that begins with a frame coming in, `frames` in a round. */
async function received(wire: Wire, blast: string, frames: number): Promise<{ rows: Row[], idle: number[] }> {
  const udp = (from: string, to: string, port: number): Send => async count =>
    await wire.namespace.must(blast, ['tap0', GUEST_MAC, from, to, String(port), String(BYTES), '1', String(-count)])
  const guest = addressOf(wire)
  const works: Array<[string, Send]> = [
    ['UDP received and read', udp(HOST, guest, PORT.discard)],
    ['UDP echoed', udp(HOST, guest, PORT.echo)],
    ['forwarded', udp(STRANGER, FAR, PORT.discard)],
    ['ping answered', async count => await wire.namespace.must('ping', ['-q', '-c', String(count), '-l', String(count), guest])],
  ]
  return await counting(wire, `services=echo forward=1 eth1=10.78.0.2/24 count=${frames}`, async machine => {
    await wire.namespace.must('ping', ['-c', '1', '-W', '20', guest]) // both know each other's MAC address
    await udp(STRANGER, FAR, PORT.discard)(1)
    const rows: Row[] = []
    const idle: number[] = []
    for (const [work, send] of works) {
      const counts: Count[] = []
      for (let batch = 0; batch < WARM_UP + BATCHES; batch++) {
        const next = nextCount(machine)
        await send(frames)
        counts.push(await next)
      }
      const good = counts.slice(WARM_UP)
      rows.push(row(`${work}, ${frames} in a round`, good))
      idle.push(...good.map(each => each.idle))
    }
    return { rows, idle }
  })
}

async function sent(wire: Wire): Promise<Row> {
  return await counting(wire, 'services=none count=send', async machine => {
    const counts: Count[] = []
    while (counts.length < WARM_UP + BATCHES) counts.push(await nextCount(machine))
    return row(`UDP sent, ${BATCH} in a round`, counts.slice(WARM_UP))
  })
}

async function counting<T>(wire: Wire, more: string, use: (machine: Machine) => Promise<T>): Promise<T> {
  const guest = porphyry(wire.guest, more, KERNEL)
  const args = [...guest.args, ...secondCard(), '-icount', 'shift=0']
  return await withMachine({ ...guest, args }, MEMORY, wire, async (_, machine) => await use(machine))
}

/** The guest's next line of figures. */
async function nextCount(machine: Machine): Promise<Count> {
  const lines = (): string[] => machine.lines.filter(line => /bench: instructions /.test(line))
  const before = lines().length
  const start = performance.now()
  while (lines().length === before) {
    if (performance.now() - start > PATIENCE) throw new Error('the guest counted nothing:\n' + machine.log)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const value = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(lines()[before]!)![1])
  return { frames: value('frames'), all: value('all'), idle: value('idle') }
}

/** Two rounds were run for a batch: without what two cost that have nothing to do. */
function row(work: string, counts: Count[]): Row {
  return rowBelow(work, figure('instructions', counts.map(each => (each.all - 2 * each.idle) / each.frames)), null)
}
