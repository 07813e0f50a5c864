// Sockets that wait, in a kernel that really halts: loopback, a timeout by the real clock, and datagrams of any size
// from the wire and back. The program is in test/kernel/boot-sockets.ts.
// Time limit: 180 s

import t from 'tap'
import { wired } from '../networked.ts'
import { testKernel } from '../test-kernel.ts'
import type { Decoded } from '../wire/frames.ts'

const KERNEL = await testKernel('sockets')

await wired(t, 'a program that waits at sockets', { image: KERNEL, append: 'test=sockets' }, async (t, { machine, peer, station }) => {
  await machine.until(/sockets: loopback result=5/)
  const timeout = /sockets: timeout result=-11 ms=(\d+)/.exec(await machine.until(/sockets: timeout /))
  t.ok(timeout, 'WouldBlock')
  t.ok(Number(timeout?.[1]) >= 150 && Number(timeout?.[1]) < 1000, `150 ms took ${timeout?.[1]}`)

  for (const size of [0, 1, 64, 1472]) {
    await new Promise(resolve => setTimeout(resolve, 100)) // long enough to halt
    const payload = Buffer.alloc(size).map((_, i) => (i * 13 + size) & 0xff)
    const reply = await peer.ask(station.udpFrame(6000 + size, 5000, payload), frame => frame.udp?.destinationPort === 6000 + size, { what: `echo of ${size} bytes` })
    t.same(reply.udp?.payload, Buffer.from(payload), `${size} bytes`)
    t.match(reply.udp, { sourcePort: 5000, checksumRight: true })
  }

  const from = peer.received.length
  for (let i = 0; i < 200; i++) await peer.send(station.udpFrame(7000, 5000, Buffer.from(`${i}`)))
  // A ping would be answered sooner than the program has answered what is queued.
  const isLast = ({ udp }: Decoded) => udp?.destinationPort === 7000 && Buffer.from(udp.payload).toString() === '199'
  await peer.next(isLast, { from, seconds: 20, what: 'answer to the last of the burst' })
  const back = peer.received.slice(from).filter(frame => frame.udp?.destinationPort === 7000)
  t.equal(back.length, 200, 'a burst is queued, and answered in order')
  t.same(back.map(frame => Number(Buffer.from(frame.udp!.payload).toString())), Array.from({ length: 200 }, (_, i) => i))
  t.notMatch(machine.log, /not-sent/)
})
