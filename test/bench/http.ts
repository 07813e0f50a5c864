// HTTP over a tap, a Linux guest and Porphyry in turns: requests a second for the status JSON that wrk makes over connections
// it keeps.
//
// On Porphyry the document is written anew once a millisecond (/api/stats); on Linux it is a file of as many bytes that Debian's
// nginx serves, one worker on one processor: a program against a service in a kernel, which flatters us by the system calls.

import { linuxGuest } from './linux-guest.ts'
import { linux, porphyry, withMachine, withWire, type Guest, type Wire } from './machine.ts'
import { figure, rowAtLeast, type Row } from './results.ts'
import { addressOf } from './udp.ts'

const RUNS = 3
const MEMORY = '512M'
const SECONDS = 3
const WARM_UP_SECONDS = 1
/** How many connections wrk keeps, and the bar: over a single one it is the round trip that counts. */
const WORKS: Array<{ connections: number, bar: number | null }> = [{ connections: 1, bar: null }, { connections: 16, bar: 3 }]

/** Requests a second. */
export async function benchHttp(): Promise<Row[]> {
  const built = linuxGuest()
  return await withWire(async wire => {
    const ours = porphyry(wire.guest, 'services=http')
    const theirs = linux(built, wire.guest, `bench.http=${await lengthOf(ours, wire)}`)
    const rates = [theirs, ours].map(() => WORKS.map((): number[] => []))
    for (let run = 0; run < RUNS; run++) {
      for (const [i, guest] of [theirs, ours].entries()) {
        await withMachine(guest, MEMORY, wire, async () => {
          for (const [j, { connections }] of WORKS.entries()) rates[i]![j]!.push(await requests(wire, connections))
        })
      }
    }
    return WORKS.map(({ connections, bar }, j) => {
      const [linuxs, porphyrys] = rates.map(each => figure('requests/s', each[j]!))
      return rowAtLeast(`HTTP, status JSON, ${connections === 1 ? 'one connection' : `${connections} connections`}`, linuxs!, porphyrys!, bar)
    })
  })
}

const urlOf = (wire: Wire): string => `http://${addressOf(wire)}/api/stats`

/** Bytes of the document that Porphyry serves. */
async function lengthOf(guest: Guest, wire: Wire): Promise<number> {
  return await withMachine(guest, MEMORY, wire, async () => {
    const { length } = await wire.namespace.must('curl', ['-s', '--fail', urlOf(wire)])
    return length
  })
}

async function requests(wire: Wire, connections: number): Promise<number> {
  await wrk(wire, connections, WARM_UP_SECONDS)
  return await wrk(wire, connections, SECONDS)
}

/** Throws when an answer was an error or did not come. */
async function wrk(wire: Wire, connections: number, seconds: number): Promise<number> {
  const said = await wire.namespace.must('wrk', ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, urlOf(wire)])
  const rate = /^Requests\/sec: +([\d.]+)/m.exec(said)?.[1]
  if (rate === undefined || /Non-2xx|Socket errors/.test(said)) throw new Error(`wrk: ${said}`)
  return Number(rate)
}
