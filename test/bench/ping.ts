// `ping -f` over a tap: the average round trip of a Linux guest and of Porphyry, in turns, under one QEMU
// command line. A machine is booted for each run, and only one runs at a time: the two never compete.

import { pingResult } from '../namespace.ts'
import { linuxGuest } from './linux-guest.ts'
import { linux, porphyry, withMachine, withWire, type Guest, type Wire } from './machine.ts'
import { figure, rowAgainst, type Row } from './results.ts'

const RUNS = 5
const PINGS = 10000
const WARM_UP_PINGS = 500
const MEMORY = '512M'
const BAR = 0.5

/** Measure both guests, `RUNS` times each in turn. Throws if a single ping was lost. */
export async function benchPing(): Promise<Row[]> {
  const built = linuxGuest()
  return await withWire(async (wire) => {
    const theirs: number[] = []
    const ours: number[] = []
    for (let run = 0; run < RUNS; run++) {
      theirs.push(await floodGuest(linux(built, wire.guest), wire))
      ours.push(await floodGuest(porphyry(wire.guest), wire))
    }
    const work = 'ping -f, average round trip'
    return [rowAgainst(work, 'Linux guest', figure('ms', theirs), figure('ms', ours), BAR)]
  })
}

/** Boot a guest and flood it; the average round trip in milliseconds. */
async function floodGuest(guest: Guest, wire: Wire): Promise<number> {
  return await withMachine(guest, MEMORY, wire, async () => {
    await flood(wire, WARM_UP_PINGS)
    return await flood(wire, PINGS)
  })
}

async function flood(wire: Wire, count: number): Promise<number> {
  const address = wire.guest.replace(/\/.*/, '')
  const result = pingResult(await wire.namespace.must('ping', ['-f', '-q', '-c', String(count), address]))
  const lost = result.sent - result.received
  if (lost !== 0) throw new Error(`${lost} of ${result.sent} pings were lost`)
  return result.averageMilliseconds
}
