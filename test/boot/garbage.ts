// Any frame a peer can send is answered, dropped or ignored; none stops the kernel.
// Malformed, truncated, oversized and random frames; the kernel must answer a ping after each batch.

import t from 'tap'
import { wired } from '../networked.ts'
import type { Machine } from '../qemu.ts'
import { hostileFrame, randomFrom } from '../wire/garbage.ts'
import { LONGEST_FRAME } from '../wire/peer.ts'

const seed = Number(process.env.SEED ?? 20261123)
let asked = 0
const batches = process.env.LEVEL === 'all' ? 1000 : 60
/** Random ARP that claims the guest's address while it is being probed would take the address away: RFC 5227 §2.1.1. */
const append = 'acd=off'

await wired(t, `random frames, seed ${seed}`, { append }, async (t, { peer, station, machine }) => {
  const random = randomFrom(seed)
  for (let batch = 0; batch < batches; batch++) {
    for (let n = 0; n < 100; n++) await peer.send(hostileFrame(station, random))
    const reply = await station.ping(Buffer.from(`after batch ${batch}`)).catch((error: Error) => error)
    t.not(reply instanceof Error, true, `alive after batch ${batch}`)
    if (reply instanceof Error) throw reply
  }
  t.equal(machine.events.filter(event => event.level === 'error').length, 0, 'and nothing of it was an error')
})

await wired(t, 'frames too short and too long', {}, async (t, { peer, station }) => {
  const echo = station.echoFrame(Buffer.alloc(56))
  for (let length = 1; length < 60; length++) await peer.send(echo.subarray(0, length))
  await station.ping()
  for (const length of [1514, 1515, 1518, 1522, 2048, 4096, 9000, 16384, 32768, 65535, 65550, LONGEST_FRAME]) {
    await peer.send(Buffer.concat([echo, Buffer.alloc(length - echo.length, 0xff)]))
    t.ok(await station.ping(), `${length} bytes`)
  }
})

await wired(t, 'a flood of garbage does not exhaust the packet pool', { append }, async (t, { peer, station, machine }) => {
  await station.ping()
  const before = await packetsFree(machine)
  const random = randomFrom(seed + 1)
  const frames = Array.from({ length: 64 }, () => hostileFrame(station, random))
  for (let n = 0; n < 3000; n++) await peer.send(frames[n % frames.length]!)
  for (let n = 0; n < 50; n++) t.ok(await station.ping(Buffer.alloc(1400, n)))
  // What waits for an ARP answer or for more fragments (30 s) is given up in time; what was sent comes back with the next.
  let after = 0
  for (let tries = 0; tries < 80 && after < before; tries++) {
    await new Promise(resolve => setTimeout(resolve, 500))
    await station.ping()
    after = await packetsFree(machine)
  }
  t.ok(after >= before, `every packet buffer came back: ${before} were free, ${after} are`)
})

/** Free packet buffers, by the kernel's own count: the console's `memory`. */
async function packetsFree(machine: Machine): Promise<number> {
  machine.type('memory\r')
  asked++
  for (let tries = 0; tries < 100; tries++) {
    const answers = machine.eventsOf('console', 'memory')
    if (answers.length === asked) return Number(answers.at(-1)!.fields.packets_free)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('the console does not answer')
}
