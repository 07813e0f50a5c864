// Where the instructions of a packet go: `npx tsx test/bench/profile.ts WORK`, WORK a part of a name of icount.ts
// (`received`, `echoed`, `forwarded`, `ping`). QEMU writes down every instruction's address (-singlestep, -d exec,nochain) while
// the kernel of boot-count.ts takes one batch; here they are counted by function, those inlined under their own names.
// Needs root, and addr2line and nm of binutils. A tool, not a benchmark: it has no bar, and prints.

import { execFileSync } from 'node:child_process'
import { createReadStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BATCH, COUNT_KERNEL, countingIncoming, countOf, incomingWorks, withCountedWire } from './icount.ts'
import { benchDirectory } from './results.ts'

const WARM_UP = 2
const SHOWN = 40
const TRACE = join(benchDirectory(), 'trace.log')
/** The counted part of a batch begins and ends in these functions. */
const FIRST = 'f_loopOnce'
const LAST = 'f_logStart'

/** Have a batch traced into TRACE. */
async function trace(work: string): Promise<void> {
  rmSync(TRACE, { force: true })
  await withCountedWire(async (wire, blast) => {
    const send = Object.entries(incomingWorks(wire, blast)).find(([name]) => name.includes(work))?.[1]
    if (send === undefined) throw new Error(`no work named ${work}`)
    await countingIncoming(wire, blast, BATCH, ['-singlestep', '-D', TRACE], async machine => {
      for (let i = 0; i < WARM_UP; i++) await countOf(machine, () => send(BATCH))
      await machine.monitor('log exec,nochain')
      await countOf(machine, () => send(BATCH))
      await machine.monitor('log none')
    })
  })
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

await trace(process.argv[2] ?? 'received')
const counts = await addresses()
const perPacket = (count: number): string => (count / BATCH).toFixed(1).padStart(9)
const all = [...counts.values()].reduce((sum, each) => sum + each, 0)
const most = [...functions(counts)].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)
console.log([`${perPacket(all)} instructions a packet, rounds and all`,
  ...most.map(([name, count]) => `${perPacket(count)} ${name}`)].join('\n'))
