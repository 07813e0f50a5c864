// kernel/net/link-local: an address of one's own where DHCP gives none. RFC 3927, in virtual time.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes } from '../../../../wire/bytes.ts'
import { type DhcpLease, MessageType, dhcpOf, dhcpReply, messageType } from '../../../../wire/dhcp.ts'
import { BROADCAST } from '../../../../wire/frames.ts'
import { GUEST, Stack, ipText } from '../../../../wire/stack.ts'

const LEASE: DhcpLease = { serverIp: '10.0.2.2', serverMac: '02:00:00:00:00:22', ip: '10.0.2.15', prefix: 24, gateway: '10.0.2.2' }
const OTHER = '02:00:00:00:00:66'
const AFTER = 30_000
const PROBING = 8000 // more than PROBE_WAIT + 2 PROBE_MAX + ANNOUNCE_WAIT, RFC 3927 §9
const [OPTIMISTIC, STRICT, OFF] = [0, 1, 2]

const count = (stack: Stack) => stack.call('netifField', 0, 3)
const ours = (stack: Stack) => ipText(stack.call('netifField', 0, 0) >>> 0)
const arps = (stack: Stack) => stack.sent().flatMap(each => each.arp ?? [])
const probes = (stack: Stack) => arps(stack).filter(each => each.senderIp === '0.0.0.0').map(each => each.targetIp)
const candidate = (stack: Stack, attempt: number, mac = bytes(GUEST.mac.replaceAll(':', ''))) =>
  ipText(stack.call('candidate', stack.put(mac), attempt) >>> 0)
/** eth0 asks a DHCP server that is not there. */
function alone(e: Parameters<typeof Stack.up>[0], acd = OFF): Stack {
  const stack = new Stack(e)
  stack.call('acdSetMode', acd!)
  stack.configure('dhcp')
  return stack
}
function claimedBy(stack: Stack, address: string): void {
  stack.receive(stack.arp({ operation: 2, senderIp: address, senderMac: OTHER, targetIp: address }, BROADCAST, OTHER))
}
function answerDhcp(stack: Stack): void {
  for (const type of [MessageType.Offer, MessageType.Ack]) {
    const asked = stack.sent().flatMap(frame => dhcpOf(frame) ?? []).at(-1)!
    stack.receive(dhcpReply(LEASE, asked, type))
  }
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 3927 §1.9: only after DHCP has failed for 30 seconds; §2.2.1: three probes, whatever acd= says', async t => {
      for (const acd of [OPTIMISTIC, STRICT, OFF]) {
        const stack = alone(e, acd)
        stack.advance(AFTER - 100)
        t.same([probes(stack), stack.call('linkLocalIs', 0)], [[], 0])
        stack.forget()
        stack.advance(3000)
        t.equal(count(stack), 0, 'not before it was probed')
        stack.advance(PROBING - 3000)
        const wanted = candidate(stack, 0)
        t.same(probes(stack), [wanted, wanted, wanted])
        t.same([ours(stack), stack.call('netifField', 0, 1)], [wanted, 16])
        t.same(stack.logged('net: up'), [`info  net: up if=eth0 mac=${GUEST.mac} ip=${wanted}/16 mtu=1500 source=link-local`])
      }
    })

    t.test('RFC 3927 §2.1: candidates are spread over 169.254.1.0 to 169.254.254.255, the same for one card', async t => {
      const stack = alone(e)
      const seen = new Set<string>()
      for (let i = 0; i < 2000; i++) {
        const text = candidate(stack, i % 10, bytes(2, 0, 0, 0, i >> 8, i & 0xff))
        seen.add(text)
        const [, , third] = text.split('.').map(Number)
        if (!text.startsWith('169.254.') || third! < 1 || third! > 254) t.fail(text)
      }
      t.ok(seen.size > 1900, `${seen.size} of 2000 differ`)
      t.equal(candidate(stack, 0), candidate(stack, 0))
      t.not(candidate(stack, 0), candidate(stack, 1))
    })

    t.test('RFC 3927 §2.2.1: somebody has it, or probes for it too: the next candidate', async t => {
      const stack = alone(e)
      stack.advance(AFTER + 1500)
      claimedBy(stack, candidate(stack, 0))
      stack.forget()
      stack.advance(1100)
      t.same(probes(stack)[0], candidate(stack, 1))
      stack.receive(stack.arp({ operation: 1, senderIp: '0.0.0.0', senderMac: OTHER, targetIp: candidate(stack, 1) }, BROADCAST, OTHER))
      stack.advance(PROBING)
      t.equal(ours(stack), candidate(stack, 2))
      t.equal(stack.logged('net: up').length, 1)
    })

    t.test('RFC 3927 §2.2.1: after ten conflicts one attempt a minute', async t => {
      const stack = alone(e)
      stack.advance(AFTER + 1100)
      for (let i = 0; i < 10; i++) {
        claimedBy(stack, candidate(stack, i))
        stack.advance(1100)
      }
      stack.forget()
      stack.advance(50_000)
      t.same(probes(stack), [])
      stack.advance(12_000 + PROBING)
      t.equal(ours(stack), candidate(stack, 10))
    })

    t.test('RFC 3927 §2.5: one conflict is answered, a second within ten seconds costs the address', async t => {
      const stack = alone(e)
      stack.advance(AFTER + 2 * PROBING)
      const first = ours(stack)
      stack.forget()
      claimedBy(stack, first)
      t.equal(ours(stack), first)
      t.same(arps(stack).map(each => [each.senderIp, each.targetIp]), [[first, first]], 'defended')
      stack.advance(1000)
      claimedBy(stack, first)
      t.equal(count(stack), 0)
      t.same(stack.logged('net: down'), ['warn  net: down if=eth0 why="address in use"'])
      stack.advance(PROBING)
      t.equal(ours(stack), candidate(stack, 1))
    })

    t.test('RFC 3927 §1.9: DHCP is asked all the while, and its address replaces the other', async t => {
      const stack = alone(e)
      stack.advance(AFTER + PROBING)
      stack.forget()
      stack.advance(70_000)
      const asked = stack.sent().filter(frame => dhcpOf(frame))
      t.ok(asked.length >= 1)
      t.ok(asked.every(frame => messageType(dhcpOf(frame)!) === MessageType.Discover && frame.ipv4!.source === '0.0.0.0'))
      answerDhcp(stack)
      t.same([ours(stack), count(stack), stack.call('linkLocalIs', 0)], [LEASE.ip, 1, 0])
      t.match(stack.logged('net: up').at(-1)!, /ip=10\.0\.2\.15\/24 .*source=dhcp/)
      t.equal(stack.call('routeGateway', 0xa9fe0000, 16) >>> 0, 0xffffffff, 'nor is there a route')
    })

    t.test('an answer in time: there never is a link-local address; a lease that ends brings one, 30 seconds later', async t => {
      const stack = alone(e)
      stack.advance(AFTER - 5000)
      answerDhcp(stack)
      stack.call('advanceSeconds', 3500)
      t.equal(stack.call('linkLocalIs', 0), 0)
      stack.call('advanceSeconds', 120)
      t.equal(count(stack), 0)
      stack.advance(AFTER + PROBING)
      t.match(ours(stack), /^169\.254\./)
    })

    t.test('RFC 3927 §2.2: a link that comes back: probed again before it is used', async t => {
      const stack = alone(e)
      stack.advance(AFTER + 2 * PROBING)
      const before = ours(stack)
      for (const up of [0, 1]) {
        stack.call('fakeLink', 0, up)
        stack.call('netPoll', 8)
      }
      stack.forget()
      t.equal(count(stack), 0)
      stack.advance(PROBING)
      t.same(probes(stack), [before, before, before])
      t.equal(ours(stack), before)
    })

    t.test('other settings end it, while it is probed and afterwards', async t => {
      for (const wait of [AFTER + 1500, AFTER + 2 * PROBING]) {
        const stack = alone(e)
        stack.advance(wait)
        stack.configure('10.0.0.2/24')
        stack.forget()
        stack.advance(100_000)
        t.same([ours(stack), count(stack), stack.call('linkLocalIs', 0)], ['10.0.0.2', 1, 0])
        t.same(probes(stack), [])
      }
    })
  })
}
