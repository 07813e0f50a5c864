// Where the instructions of a packet go: `npx tsx test/bench/profile.ts WORK`, WORK a part of a name of icount.ts
// (`received`, `echoed`, `forwarded`, `ping`), or a stream: `tcp-in`, `tcp-out`, and then the number of peers and `none` for a card
// without offloads. QEMU writes down every instruction's address (-singlestep, -d exec,nochain) while
// the kernel of boot-count.ts takes one batch; here they are counted by function, those inlined under their own names.
// Needs root, and addr2line and nm of binutils. A tool, not a benchmark: it has no bar, and prints.

import { execFileSync } from 'node:child_process'
import { createReadStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Machine } from '../qemu.ts'
import { BATCH, COUNT_KERNEL, countingIncoming, countOf, incomingWorks, withCountedWire, type Count } from './icount.ts'
import { countingStreams } from './icount-tcp.ts'
import { NO_OFFLOADS } from './machine.ts'
import { benchDirectory } from './results.ts'

const WARM_UP = 2
const SHOWN = 40
const TRACE = join(benchDirectory(), 'trace.log')
/** The counted part of a batch begins and ends in these functions. */
const FIRST = 'f_loopOnce'
const LAST = 'f_logStart'

const QEMU = ['-singlestep', '-D', TRACE]

/** Have a batch traced into TRACE; what was counted in it. */
async function trace(work: string, peers: number, device: string): Promise<Count> {
  rmSync(TRACE, { force: true })
  return await withCountedWire(async (wire, blast) => {
    const direction = (['in', 'out'] as const).find(each => work === `tcp-${each}`)
    if (direction !== undefined) {
      return await countingStreams({ ...wire, device }, direction, peers, QEMU, async machine => await tracedBatch(machine, async () => {}))
    }
    const send = Object.entries(incomingWorks(wire, blast)).find(([name]) => name.includes(work))?.[1]
    if (send === undefined) throw new Error(`no work named ${work}`)
    return await countingIncoming(wire, blast, BATCH, QEMU, async machine => await tracedBatch(machine, () => send(BATCH)))
  })
}

async function tracedBatch(machine: Machine, send: () => Promise<unknown>): Promise<Count> {
  for (let i = 0; i < WARM_UP; i++) await countOf(machine, send)
  await machine.monitor('log exec,nochain')
  const count = await countOf(machine, send)
  await machine.monitor('log none')
  return count
}

/** The range of addresses of a function of the kernel. */
function rangeOf(name: string): { from: bigint, to: bigint } {
  const symbols = execFileSync('nm', ['-S', COUNT_KERNEL], { encoding: 'utf8' })
  const found = new RegExp(`^([0-9a-f]+) ([0-9a-f]+) t ${name}$`, 'm').exec(symbols)
  if (found === null) throw new Error(`${COUNT_KERNEL} has no ${name}`)
  const [from, size] = [BigInt(`0x${found[1]}`), BigInt(`0x${found[2]}`)]
  return { from, to: from + size }
}

/** How often each address was executed, from the first round of the batch to its report. */
async function addresses(): Promise<Map<bigint, number>> {
  const [first, last] = [rangeOf(FIRST), rangeOf(LAST)]
  const counts = new Map<bigint, number>()
  for await (const line of createInterface({ input: createReadStream(TRACE) })) {
    const text = /\[[0-9a-f]+\/([0-9a-f]+)\//.exec(line)?.[1]
    if (text === undefined) continue
    const pc = BigInt(`0x${text}`)
    if (counts.size === 0 && !(pc >= first.from && pc < first.to)) continue
    if (pc >= last.from && pc < last.to) break
    counts.set(pc, (counts.get(pc) ?? 0) + 1)
  }
  return counts
}

/** The same by function: an inlined one counts for itself. */
function functions(counts: Map<bigint, number>): Map<string, number> {
  const input = [...counts.keys()].map(pc => `0x${pc.toString(16)}`).join('\n')
  const out = execFileSync('addr2line', ['-f', '-e', COUNT_KERNEL], { input, encoding: 'utf8', maxBuffer: 1 << 28 }).split('\n')
  const sums = new Map<string, number>()
  let line = 0
  for (const count of counts.values()) {
    const name = out[line]!.replace(/^f_/, '')
    sums.set(name, (sums.get(name) ?? 0) + count)
    line += 2
  }
  return sums
}

const [work = 'received', peers = '1', offloads = ''] = process.argv.slice(2)
const { frames } = await trace(work, Number(peers), offloads === 'none' ? NO_OFFLOADS : '')
const counts = await addresses()
const each = (count: number): string => (count / frames).toFixed(1).padStart(9)
const all = [...counts.values()].reduce((sum, one) => sum + one, 0)
const most = [...functions(counts)].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)
console.log([`${each(all)} instructions a ${work.startsWith('tcp-') ? 'KiB' : 'packet'}, rounds and all`,
  ...most.map(([name, count]) => `${each(count)} ${name}`)].join('\n'))
