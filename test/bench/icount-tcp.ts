// Guest instructions a KiB of TCP on the wire, in QEMU with `-icount shift=0`: a stream into the guest's discard service, and
// one out of its character generator, eight of either, with all of the card's offloads and with none. Rounds of the main loop in which something
// was done count (test/kernel/boot-count.ts, `count=tcp`), four MiB a figure; waiting does not.

import { spawn } from 'node:child_process'
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

/** Both directions, with offloads and without. */
export async function benchIcountTcp(): Promise<Row[]> {
  return await withCountedWire(async wire => {
    const rows: Row[] = []
    for (const device of ['', NO_OFFLOADS]) {
      for (const [direction, [port, forEver]] of Object.entries(STREAMS)) {
        const script = `import socket\ns = socket.create_connection(('${addressOf(wire)}', ${port}))\n${forEver}`
        for (const peers of PEERS) {
          const work = `a KiB of TCP ${direction}${peers === 1 ? '' : `, ${peers} streams`}${device === '' ? '' : ', no offloads'}`
          rows.push(row(work, await streams({ ...wire, device }, script, peers)))
        }
      }
    }
    return rows
  })
}

/** Counts while so many peers run the script. */
async function streams(wire: Wire, script: string, peers: number): Promise<Count[]> {
  return await counting(wire, 'services=discard,chargen count=tcp', ICOUNT, async machine => {
    const spawned = Array.from({ length: peers }, () =>
      spawn('ip', ['netns', 'exec', wire.namespace.name, 'python3', '-c', script], { stdio: 'ignore' }))
    try {
      const counts: Count[] = []
      while (counts.length < WARM_UP + BATCHES) counts.push(await countOf(machine, async () => {}))
      return counts.slice(WARM_UP)
    } finally {
      for (const peer of spawned) peer.kill('SIGKILL')
    }
  })
}
