// kernel/net/arp/input.ts: who is answered, and what is learned from whom. RFC 826, RFC 1122 §2.3.2, RFC 5227.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST } from '../../../../wire/frames.ts'
import { Checksum, GUEST, PEER, Stack, ip } from '../../../../wire/stack.ts'

const ABSENT = 0xffffffff
const [REACHABLE, STALE] = [1, 2]
const third = { ip: '10.0.0.77', mac: '02:00:00:00:00:77' }

/** eth0 with an address, nothing learned. */
function fresh(e: Parameters<typeof Stack.up>[0]): Stack {
  const stack = new Stack(e)
  stack.configure(`${GUEST.ip}/24`)
  stack.forget()
  return stack
}
const state = (stack: Stack, address: string) => stack.call('arpStateOf', 0, ip(address)) >>> 0
const macOf = (stack: Stack, address: string) => toHex(stack.m.bytes(stack.call('arpMacOf', 0, ip(address)), 6)).replace(/..(?=.)/g, '$&:')

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 826: a request for our address is answered with operation 2, to who asked', async t => {
      const stack = fresh(e)
      const replies = stack.exchange(stack.arp())
      t.equal(replies.length, 1)
      const reply = replies[0]!
      t.equal(reply.destination, PEER.mac)
      t.equal(reply.source, GUEST.mac)
      t.same(reply.arp, {
        hardware: 1, protocol: 0x0800, hardwareLength: 6, protocolLength: 4, operation: 2,
        senderMac: GUEST.mac, senderIp: GUEST.ip, targetMac: PEER.mac, targetIp: PEER.ip,
      })
      t.equal(reply.frame.length, 60)
      t.match(toHex(reply.frame.subarray(42)), /^(00){18}$/, 'padded with zeros')
    })

    t.test('a request for somebody else is not answered, and a stranger\'s teaches nothing', async t => {
      const stack = fresh(e)
      t.equal(stack.exchange(stack.arp({ targetIp: third.ip })).length, 0)
      t.equal(state(stack, PEER.ip), ABSENT)
      t.same(stack.drops(), { 'arp-not-for-us': 1 })
    })

    t.test('who asks for us is learned', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp())
      t.equal(state(stack, PEER.ip), REACHABLE)
      t.equal(macOf(stack, PEER.ip), PEER.mac)
    })

    t.test('RFC 826: what is known is brought up to date by any packet of the sender', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp())
      stack.receive(stack.arp({ senderMac: third.mac, targetIp: third.ip }))
      t.equal(macOf(stack, PEER.ip), third.mac)
    })

    t.test('an answer to no question teaches nothing', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp({ operation: 2, targetMac: GUEST.mac }, GUEST.mac))
      t.equal(state(stack, PEER.ip), ABSENT)
    })

    t.test('RFC 5227 §3: an announcement of a stranger teaches nothing; of a neighbour it brings the entry up to date', async t => {
      const stack = fresh(e)
      const announce = stack.arp({ targetIp: PEER.ip })
      stack.receive(announce)
      t.equal(state(stack, PEER.ip), ABSENT)
      stack.receive(stack.arp())
      stack.advance(30_000)
      t.equal(state(stack, PEER.ip), STALE)
      stack.receive(announce)
      t.equal(state(stack, PEER.ip), REACHABLE)
    })

    t.test('RFC 5227 §2.1.1: a probe is answered and teaches nothing', async t => {
      const stack = fresh(e)
      const [reply] = stack.exchange(stack.arp({ senderIp: '0.0.0.0' }))
      t.equal(reply!.arp!.operation, 2)
      t.equal(reply!.arp!.targetIp, '0.0.0.0')
      t.equal(stack.call('arpEntryCount'), 0)
    })

    t.test('RFC 5227 §2.4: somebody else with our address: logged once a second, defended every ten, not learned', async t => {
      const stack = fresh(e)
      const claim = stack.arp({ senderIp: GUEST.ip, targetIp: GUEST.ip })
      const [defence, ...more] = stack.exchange(claim)
      const { operation, senderIp, targetIp } = defence!.arp!
      t.same([defence!.destination, operation, senderIp, targetIp], [BROADCAST, 1, GUEST.ip, GUEST.ip])
      t.equal(defence!.arp!.senderMac, GUEST.mac)
      t.same(more, [])
      t.equal(stack.exchange(claim).length, 0)
      t.same(stack.logged('conflict'), [`warn  net: address-conflict if=eth0 ip=${GUEST.ip} mac=${PEER.mac}`])
      stack.advance(1000)
      stack.receive(claim)
      t.equal(stack.logged('conflict').length, 2)
      t.equal(stack.call('counter', 2), 3)
      t.equal(stack.call('arpEntryCount'), 0)
      t.same(stack.drops(), { 'arp-conflict': 3 })
      stack.advance(8999)
      t.equal(stack.exchange(claim).length, 0, 'DEFEND_INTERVAL is not over')
      stack.advance(1)
      t.equal(stack.exchange(claim).length, 1)
    })

    t.test('our own frame that comes back is no conflict', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp({ senderMac: GUEST.mac, senderIp: GUEST.ip, targetIp: PEER.ip }, BROADCAST, GUEST.mac))
      t.equal(stack.call('counter', 2), 0)
      t.same(stack.drops(), { 'arp-sender': 1 })
    })

    t.test('a permanent entry is not learned over', async t => {
      const stack = fresh(e)
      t.equal(stack.call('arpPermanent', 0, ip(PEER.ip), stack.put(bytes('020000000099'))), 0)
      stack.receive(stack.arp())
      t.equal(macOf(stack, PEER.ip), '02:00:00:00:00:99')
    })

    t.test('a request whose card asks for a checksum to be completed, as no honest one does, is answered as any other', async t => {
      const stack = fresh(e)
      const { free } = stack
      for (const piece of [2000, 500]) {
        const [reply] = stack.exchange(bytes(stack.arp(), new Uint8Array(960).fill(0x5a)), { checksum: Checksum.Partial, piece })
        t.match(reply?.arp, { operation: 2, senderMac: GUEST.mac, senderIp: GUEST.ip, targetIp: PEER.ip })
        t.equal(reply?.frame.length, 60, 'what followed the request is not sent back')
      }
      t.equal(stack.free, free)
    })

    t.test('packets that are not ARP for Ethernet and IPv4, too short, or from nobody', async t => {
      const stack = fresh(e)
      const wrong = [{ hardware: 6 }, { protocol: 0x86dd }, { hardwareLength: 8 }, { protocolLength: 16 }]
      for (const fields of wrong) stack.receive(stack.arp(fields))
      t.equal(stack.drops()['arp-format'], 4)
      for (const operation of [0, 3, 8, 0xffff]) stack.receive(stack.arp({ operation }))
      t.equal(stack.drops()['arp-operation'], 4)
      const nobody = [
        { senderMac: BROADCAST }, { senderMac: '00:00:00:00:00:00' }, { senderMac: '01:00:5e:00:00:01' }, { senderIp: '255.255.255.255' },
        { senderIp: '224.0.0.1' }, { senderIp: '127.0.0.1' }, { senderIp: '240.0.0.1' },
      ]
      for (const fields of nobody) stack.receive(stack.arp(fields))
      t.equal(stack.drops()['arp-sender'], 7)
      for (const length of [14, 15, 41]) stack.receive(stack.arp().subarray(0, length))
      t.equal(stack.drops()['arp-truncated'], 3)
      t.equal(stack.sent().length, 0)
      t.equal(stack.call('arpEntryCount'), 0)
    })
  })
}
