// Guest instructions a KiB of TCP on the wire, in QEMU with `-icount shift=0`: a stream into the guest's discard service, and
// one out of its character generator, eight of either, with all of the card's offloads and with none. Rounds of the main loop in which something
// was done count (test/kernel/boot-count.ts, `count=tcp`), four MiB a figure; waiting does not.

import { spawn } from 'node:child_process'
import type { Machine } from '../qemu.ts'
import { ICOUNT, countOf, counting, row, withCountedWire, type Count } from './icount.ts'
import { NO_OFFLOADS, type Wire } from './machine.ts'
import type { Row } from './results.ts'
import { addressOf } from './udp.ts'

const BATCHES = 5
const WARM_UP = 2
const PEERS = [1, 8]
/** By the direction, as the guest sees it: its port, and what the peer does with its connection `s` for ever. */
const STREAMS = {
  in: [9, 'while True: s.sendall(bytes(1 << 17))'],
  out: [19, 'b = bytearray(1 << 18)\nwhile s.recv_into(b): pass'],
} as const
export type Direction = keyof typeof STREAMS

/** Both directions, one stream and eight, with offloads and without. */
export async function benchIcountTcp(): Promise<Row[]> {
  return await withCountedWire(async wire => {
    const rows: Row[] = []
    for (const device of ['', NO_OFFLOADS]) {
      for (const direction of ['in', 'out'] as const) {
        for (const peers of PEERS) {
          const work = `a KiB of TCP ${direction}${peers === 1 ? '' : `, ${peers} streams`}${device === '' ? '' : ', no offloads'}`
          rows.push(row(work, await countingStreams({ ...wire, device }, direction, peers, ICOUNT, counts)))
        }
      }
    }
    return rows
  })
}

async function counts(machine: Machine): Promise<Count[]> {
  const all: Count[] = []
  while (all.length < WARM_UP + BATCHES) all.push(await countOf(machine, async () => {}))
  return all.slice(WARM_UP)
}

/** A guest that counts while so many peers have a stream each; for the profile too. */
export async function countingStreams<T>(
  wire: Wire, direction: Direction, peers: number, args: string[], use: (machine: Machine) => Promise<T>,
): Promise<T> {
  const [port, forEver] = STREAMS[direction]
  const script = `import socket\ns = socket.create_connection(('${addressOf(wire)}', ${port}))\n${forEver}`
  return await counting(wire, 'services=discard,chargen count=tcp', args, async machine => {
    const spawned = Array.from({ length: peers }, () =>
      spawn('ip', ['netns', 'exec', wire.namespace.name, 'python3', '-c', script], { stdio: 'ignore' }))
    try {
      return await use(machine)
    } finally {
      for (const peer of spawned) peer.kill('SIGKILL')
    }
  })
}
