// TCP over a tap, a Linux guest and Porphyry in turns: what Debian's iperf3 client measures into the guest, out of it and
// over eight streams, with all of the card's offloads and without any, and connections made and closed one after another.
//
// The iperf3 server is Debian's on Linux, and the kernel's own on Porphyry: a service in a kernel against a program, which
// flatters us by the system calls. Connections end at a program that accepts and closes (tcp-guest.c), on Porphyry at the
// discard service. Figures are those of the receiving end.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { linuxGuest } from './linux-guest.ts'
import { linux, NO_OFFLOADS, porphyry, withMachine, withWire, type Guest, type Wire } from './machine.ts'
import { benchDirectory, figure, projectDirectory, rowAtLeast, type Row } from './results.ts'
import { addressOf } from './udp.ts'

const RUNS = 3
const MEMORY = '512M'
const SECONDS = 3
const OMITTED = 1
const CONNECT_SECONDS = 3
const ATTEMPTS = 10
const PORT = 9 // discard
const BAR = 2
/** The client's congestion control, whatever this machine's default is; the servers have their own, CUBIC on both guests. */
const CONTROL = ['-C', 'cubic']
/** What the client is told, and the bar of the same work with offloads and without. */
const WORKS: Array<{ work: string, args: string[], bars: [number | null, number | null] }> = [
  { work: 'iperf3 TCP in', args: CONTROL, bars: [BAR, null] },
  { work: 'iperf3 TCP out', args: ['-R'], bars: [BAR, null] },
  { work: 'iperf3 TCP in, 8 streams', args: ['-P', '8', ...CONTROL], bars: [null, null] },
  { work: 'iperf3 TCP out, 8 streams', args: ['-P', '8', '-R'], bars: [null, null] },
]

/** Of what the client prints, what is read here. */
interface Report { error?: string, end: { sum_received?: { bits_per_second: number } } }

/** Megabits a second, and connections. */
export async function benchTcp(): Promise<Row[]> {
  const built = linuxGuest()
  const connect = join(benchDirectory(), 'connect')
  execFileSync('gcc', ['-O2', '-Wall', '-o', connect, join(projectDirectory, 'test/bench/c/connect.c')])
  return await withWire(async wire => {
    await reusePorts(wire)
    const guests = [linux(built, wire.guest, `bench.tcp=${PORT}`), porphyry(wire.guest, 'services=iperf3,discard')]
    const rows: Row[] = []
    for (const [i, device] of ['', NO_OFFLOADS].entries()) {
      const { rates, connections } = await inTurns(guests, { ...wire, device }, connect)
      const how = i === 0 ? '' : ', no offloads'
      for (const [j, { work, bars }] of WORKS.entries()) {
        const [theirs, ours] = rates.map(each => figure('Mbit/s', each[j]!))
        rows.push(rowAtLeast(work + how, theirs!, ours!, bars[i]!))
      }
      const [theirs, ours] = connections.map(each => figure('connections/s', each))
      rows.push(rowAtLeast(`TCP connections made and closed${how}`, theirs!, ours!, null))
    }
    return rows
  })
}

/** A client that closes first keeps its ports for a minute: let it have them back at once. */
export async function reusePorts({ namespace }: Wire): Promise<void> {
  await namespace.must('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'])
}

/** By guest: megabits a second of each work, and connections a second, of all runs. */
async function inTurns(guests: Guest[], wire: Wire, connect: string): Promise<{ rates: number[][][], connections: number[][] }> {
  const rates = guests.map(() => WORKS.map((): number[] => []))
  const connections = guests.map((): number[] => [])
  for (let run = 0; run < RUNS; run++) {
    for (const [i, guest] of guests.entries()) {
      await withMachine(guest, MEMORY, wire, async () => {
        for (const [j, { args }] of WORKS.entries()) rates[i]![j]!.push(await iperf(wire, args))
        const [made, microseconds] = (await wire.namespace.must(connect, [addressOf(wire), String(PORT), String(CONNECT_SECONDS)])).split(' ').map(Number)
        connections[i]!.push(made! / (microseconds! / 1e6))
      })
    }
  }
  return { rates, connections }
}

/** Megabits a second that arrived, as the receiving end counted them. Debian's server is deaf for a moment between two tests. */
async function iperf(wire: Wire, args: string[]): Promise<number> {
  const all = ['-c', addressOf(wire), '-J', '-t', String(SECONDS), '-O', String(OMITTED), ...args]
  for (let attempt = 1; ; attempt++) {
    const report = JSON.parse((await wire.namespace.run('iperf3', all, { seconds: 60 })).out) as Report
    const rate = report.end.sum_received?.bits_per_second
    if (report.error === undefined && rate !== undefined) return rate / 1e6
    if (attempt === ATTEMPTS) throw new Error(`iperf3 ${all.join(' ')}: ${report.error}`)
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}
