// `npx tsx test/bench/main.ts [NAME…]`: run the benchmarks named, or all, print one table, write
// build/bench/results.json. What is measured is built first, if it is not up to date. `make bench` does this.
//
// Ends with 1 if a bar was missed or a benchmark could not run, and says which.

import { benchBoot, benchSizes } from './boot.ts'
import { benchCalls } from './calls.ts'
import { benchHttp } from './http.ts'
import { benchIcountTcp } from './icount-tcp.ts'
import { benchIcount } from './icount.ts'
import { benchIdle } from './idle.ts'
import { benchInstructions } from './instructions.ts'
import { benchPing } from './ping.ts'
import { benchPrograms } from './programs.ts'
import { buildPorphyry } from './porphyry.ts'
import { benchSwap } from './swap.ts'
import { benchTcp } from './tcp.ts'
import { benchForward, benchUdp } from './udp.ts'
import { machineKind, table, writeResults, type Row } from './results.ts'

const benchmarks: Record<string, { what: string, run: () => Promise<Row[]> | Row[] }> = {
  instructions: { what: 'dialect TypeScript against C, instructions counted by callgrind', run: benchInstructions },
  sizes: { what: 'bytes of the ISO and of the kernel', run: benchSizes },
  boot: { what: "QEMU's start to a guest that serves, beside Linux", run: benchBoot },
  icount: { what: 'guest instructions a packet, under -icount (needs root)', run: benchIcount },
  'icount-tcp': { what: 'guest instructions a KiB of TCP, likewise', run: benchIcountTcp },
  udp: { what: 'UDP in and out, beside a Linux guest (needs root)', run: benchUdp },
  forward: { what: 'packets forwarded between two cards, likewise', run: benchForward },
  tcp: { what: 'iperf3 in and out, connections, beside a Linux guest (needs root)', run: benchTcp },
  programs: { what: 'a program that serves TCP, beside the same on a Linux guest (needs root)', run: benchPrograms },
  http: { what: 'HTTP requests a second, beside nginx on a Linux guest (needs root)', run: benchHttp },
  idle: { what: 'memory of an idle TCP connection, ten thousand of them (needs root)', run: benchIdle },
  calls: { what: 'system calls, fork, switches, page faults, beside a Linux guest', run: benchCalls },
  swap: { what: 'paging of 200 MiB in 128, beside a Linux guest', run: benchSwap },
  ping: { what: 'ping -f, beside a Linux guest (needs root)', run: benchPing },
}

function usage(): string {
  const lines = Object.entries(benchmarks).map(([name, each]) => `  ${name.padEnd(13)} ${each.what}`)
  return ['usage: npx tsx test/bench/main.ts [NAME…]', ...lines].join('\n')
}

async function main(names: string[]): Promise<number> {
  const unknown = names.filter((name) => !(name in benchmarks))
  if (unknown.length > 0) {
    console.error(`no benchmark named ${unknown.join(', ')}\n${usage()}`)
    return 2
  }
  buildPorphyry()
  const chosen = names.length > 0 ? names : Object.keys(benchmarks)
  const rows: Row[] = []
  const failed: string[] = []
  for (const name of chosen) {
    console.error(`bench: ${name}`)
    try {
      rows.push(...await benchmarks[name]!.run())
    } catch (error) {
      failed.push(name)
      console.error(`bench: ${name} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  console.log(`${machineKind()}; medians, and in parentheses the range of the runs\n`)
  console.log(table(rows))
  console.log(`\n${writeResults(rows)}`)
  const missed = rows.filter((row) => row.met === false).map((row) => row.work)
  if (missed.length > 0) console.log(`bars missed: ${missed.join('; ')}`)
  if (failed.length > 0) console.log(`could not be measured: ${failed.join(', ')}`)
  return missed.length + failed.length > 0 ? 1 : 0
}

process.on('SIGINT', () => process.exit(130)) // what was set up is taken down on exit
process.exitCode = await main(process.argv.slice(2))
