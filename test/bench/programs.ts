// A program that serves: the same static one in a Linux guest and on Porphyry, by the system calls of each. Octets into it, out of it,
// there and back, and connections made and closed. tcp.ts has the kernel's own services, which pay for no calls.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ramDisk } from '../../linker/ram-disk.ts'
import { linuxGuest } from './linux-guest.ts'
import { linux, porphyry, withMachine, withWire, type Guest, type Wire } from './machine.ts'
import { benchDirectory, figure, projectDirectory, rowAtLeast, type Row } from './results.ts'
import { reusePorts } from './tcp.ts'
import { addressOf } from './udp.ts'

const RUNS = 3
const MEMORY = '512M'
const SECONDS = '3'
const PORT = 9000
const READY = /stream-guest: ready/

interface Work { work: string, unit: string, port: number, program: string, args: string[], perSecond: (counted: number) => number }

const WORKS: Work[] = [
  { work: 'a program takes a stream', unit: 'Mbit/s', port: PORT, program: 'stream', args: ['in'], perSecond: octets => octets * 8 / 1e6 },
  { work: 'a program gives a stream', unit: 'Mbit/s', port: PORT + 1, program: 'stream', args: ['out'], perSecond: octets => octets * 8 / 1e6 },
  { work: 'a program answers, 100 octets', unit: 'turns/s', port: PORT + 2, program: 'stream', args: ['turns'], perSecond: turns => turns },
  { work: 'a program accepts and closes', unit: 'connections/s', port: PORT, program: 'connect', args: [], perSecond: made => made },
]

/** Both guests in turns. */
export async function benchPrograms(): Promise<Row[]> {
  const built = linuxGuest()
  for (const name of ['stream', 'connect']) build('gcc', name)
  build('musl-gcc', 'stream-guest', '-static')
  const initrd = ramDisk({ init: { from: join(benchDirectory(), 'stream-guest') } })
  return await withWire(async wire => {
    await reusePorts(wire)
    const ours = porphyry(wire.guest, 'services=none init=/init')
    const guests: Guest[] = [linux(built, wire.guest, `bench.stream=${PORT}`), { ...ours, args: [...ours.args, '-initrd', initrd], ready: READY }]
    const rates = guests.map(() => WORKS.map((): number[] => []))
    for (let run = 0; run < RUNS; run++) {
      for (const [i, guest] of guests.entries()) {
        await withMachine(guest, MEMORY, wire, async () => {
          for (const [j, work] of WORKS.entries()) rates[i]![j]!.push(await measure(wire, work))
        })
      }
    }
    return WORKS.map(({ work, unit }, j) => {
      const [theirs, mine] = rates.map(each => figure(unit, each[j]!))
      return rowAtLeast(work, theirs!, mine!, null)
    })
  })
}

function build(compiler: string, name: string, ...more: string[]): void {
  execFileSync(compiler, ['-O2', '-Wall', ...more, '-o', join(benchDirectory(), name), join(projectDirectory, `test/bench/c/${name}.c`)])
}

async function measure(wire: Wire, { program, args, port, perSecond }: Work): Promise<number> {
  const line = await wire.namespace.must(join(benchDirectory(), program), [...args, addressOf(wire), String(port), SECONDS])
  const [counted, microseconds] = line.split(' ').map(Number)
  return perSecond(counted!) / (microseconds! / 1e6)
}
