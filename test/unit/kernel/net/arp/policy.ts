// kernel/net/arp/policy.ts, learn.ts, statistics.ts: what is believed of whom, what counts, what a caller may ask for.
// rustos.md §1.6 (ArpConfig, ArpTable, ArpTableStats); RFC 826, RFC 5227 §3.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { hex, toHex } from '../../../../wire/bytes.ts'
import { GUEST, PEER, Stack, ip } from '../../../../wire/stack.ts'

const [INCOMPLETE, REACHABLE, STALE, PROBE, FAILED, ABSENT] = [0, 1, 2, 4, 5, 0xffffffff]
const [VERIFIED, SUSPICIOUS, TRUSTED] = [1, 2, 4]
const [ENOENT, EACCES, EINVAL, EOPNOTSUPP] = [-2, -13, -22, -95]
const AS_IT_IS = 2
const ELSEWHERE = '02:00:00:00:00:66'
const names = [
  'totalEntries', 'staticEntries', 'reachableEntries', 'staleEntries', 'incompleteEntries', 'failedEntries',
  'requestsSent', 'repliesReceived', 'gratuitousArps', 'securityViolations', 'cacheHits', 'cacheMisses',
] as const

function fresh(e: Parameters<typeof Stack.up>[0], learned = true): Stack {
  const stack = new Stack(e)
  stack.configure(`${GUEST.ip}/24`)
  if (learned) stack.receive(stack.arp())
  stack.forget()
  return stack
}
const state = (stack: Stack, address = PEER.ip) => stack.call('arpStateOf', 0, ip(address)) >>> 0
const macOf = (stack: Stack, address = PEER.ip) =>
  toHex(stack.m.bytes(stack.call('arpMacOf', 0, ip(address)), 6)).replace(/..(?=.)/g, '$&:')
const field = (stack: Stack, which: number, address = PEER.ip) => stack.call('arpEntryField', 0, ip(address), which) >>> 0
const mac = (stack: Stack, text: string) => stack.put(hex(text))
const send = (stack: Stack, to = PEER.ip) => stack.call('sendUdp', ip(to), 9, 4000, stack.put(Uint8Array.of(1, 2, 3, 4)), 4)
const announce = (stack: Stack, from: string) => stack.receive(stack.arp({ senderMac: from, targetIp: PEER.ip }))
const policy = (stack: Stack, { maxAge = 0, maxEntries = 0, security = AS_IT_IS, gratuitous = AS_IT_IS, trusted = '' } = {}) =>
  stack.call('arpPolicyWith', maxAge, maxEntries, security, gratuitous, trusted ? ip(trusted) : 0)
const statistics = (stack: Stack) => {
  const at = stack.call('arpStatisticsAt')
  const view = Buffer.from(stack.m.bytes(at, 48))
  return Object.fromEntries(names.map((name, i) => [name, view.readUInt32LE(4 * i)]))
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('security: an announcement does not move a neighbour; it is asked where it was, and stays if it answers', async t => {
      const stack = fresh(e)
      stack.advance(2000)
      announce(stack, ELSEWHERE)
      t.equal(macOf(stack), PEER.mac)
      t.equal(field(stack, 0), SUSPICIOUS)
      t.equal(state(stack), PROBE)
      const [question] = stack.sent()
      t.same([question!.destination, question!.arp!.targetIp], [PEER.mac, PEER.ip])
      stack.receive(stack.arp({ operation: 2, targetMac: GUEST.mac }, GUEST.mac))
      t.equal(state(stack), REACHABLE)
      t.equal(statistics(stack).securityViolations, 1)
    })

    t.test('and if it does not answer, the next question finds the new one', async t => {
      const stack = fresh(e)
      stack.advance(2000)
      announce(stack, ELSEWHERE)
      stack.advance(3000)
      t.equal(state(stack), FAILED)
      announce(stack, ELSEWHERE)
      t.equal(macOf(stack), ELSEWHERE, 'nobody is left to protect')
    })

    t.test('a flood of announcements asks once a second at most', async t => {
      const stack = fresh(e)
      stack.advance(2000)
      for (let ms = 0; ms < 5000; ms += 10) {
        announce(stack, ELSEWHERE)
        const asked = stack.sent().filter(frame => frame.arp?.operation === 1)
        for (const _ of asked) stack.receive(stack.arp({ operation: 2, targetMac: GUEST.mac }, GUEST.mac))
        stack.forget()
        stack.advance(10)
      }
      const { requestsSent } = statistics(stack)
      t.ok(requestsSent! >= 5 && requestsSent! <= 7, `${requestsSent} questions in five seconds, the announcement of boot included`)
    })

    t.test('without security an announcement moves the neighbour: RFC 5227 §3', async t => {
      const stack = fresh(e)
      t.equal(policy(stack, { security: 0 }), 0)
      announce(stack, ELSEWHERE)
      t.equal(macOf(stack), ELSEWHERE)
      t.equal(field(stack, 0), SUSPICIOUS | VERIFIED)
      t.equal(statistics(stack).securityViolations, 0, 'what is allowed is no violation')
    })

    t.test('allowGratuitous off: announcements change nothing and are an error', async t => {
      const stack = fresh(e)
      policy(stack, { gratuitous: 0 })
      stack.advance(30_000)
      announce(stack, PEER.mac)
      t.equal(state(stack), STALE)
      t.equal(stack.call('arpGratuitousOn', 0, ip(PEER.ip), mac(stack, PEER.mac)), EOPNOTSUPP)
      t.equal(statistics(stack).gratuitousArps, 2)
    })

    t.test('arpGratuitous: NotSupported, NoSuchEntry, AccessDenied, verified', async t => {
      const stack = fresh(e)
      t.equal(stack.call('arpGratuitousOn', 0, ip('10.0.0.50'), mac(stack, ELSEWHERE)), ENOENT)
      t.equal(stack.call('arpGratuitousOn', 0, ip(PEER.ip), mac(stack, ELSEWHERE)), EACCES)
      t.equal(stack.call('arpGratuitousOn', 0, ip(PEER.ip), mac(stack, PEER.mac)), 0)
      t.equal(field(stack, 0) & VERIFIED, VERIFIED)
    })

    t.test('a changed address is believed from who speaks to us, and counted, but for trusted prefixes', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp({ senderMac: ELSEWHERE }))
      t.equal(macOf(stack), ELSEWHERE)
      t.equal(statistics(stack).securityViolations, 1)
      policy(stack, { trusted: '10.0.0.0' })
      stack.receive(stack.arp())
      t.equal(macOf(stack), PEER.mac)
      t.equal(statistics(stack).securityViolations, 1)
      policy(stack, { trusted: '10.0.1.0' })
      stack.receive(stack.arp({ senderMac: ELSEWHERE }))
      t.equal(statistics(stack).securityViolations, 2)
    })

    t.test('rustos.md §5 (6): a static entry is immutable, whoever says what', async t => {
      const stack = fresh(e)
      t.equal(stack.call('arpPermanent', 0, ip(PEER.ip), mac(stack, '020000000099')), 0)
      t.equal(field(stack, 0), TRUSTED)
      for (const security of [0, 1]) {
        policy(stack, { security })
        announce(stack, ELSEWHERE)
        stack.receive(stack.arp({ senderMac: ELSEWHERE }))
        stack.receive(stack.arp({ operation: 2, senderMac: ELSEWHERE, targetMac: GUEST.mac }, GUEST.mac))
        t.equal(stack.call('arpUpdateOn', 0, ip(PEER.ip), mac(stack, ELSEWHERE)), 0)
        t.equal(stack.call('arpGratuitousOn', 0, ip(PEER.ip), mac(stack, ELSEWHERE)), EACCES)
      }
      stack.call('arpAskOn', 0, ip(PEER.ip))
      t.equal(macOf(stack), '02:00:00:00:00:99')
      t.equal(state(stack), REACHABLE)
      t.equal(stack.call('arpPermanent', 0, ip(PEER.ip), mac(stack, '020000000098')), 0, 'but configuration may')
      t.equal(macOf(stack), '02:00:00:00:00:98')
    })

    t.test('maxAge: trusted for so long, kept twice as long', async t => {
      const stack = fresh(e, false)
      policy(stack, { maxAge: 10_000 })
      stack.receive(stack.arp())
      stack.advance(9999)
      t.equal(state(stack), REACHABLE)
      stack.advance(1)
      t.equal(state(stack), STALE)
      stack.advance(19_999)
      t.equal(state(stack), STALE)
      stack.advance(1)
      t.equal(state(stack), ABSENT)
    })

    t.test('maxEntries: in force at once, the least recently used go, static ones stay', async t => {
      const stack = fresh(e, false)
      for (let i = 10; i < 20; i++) stack.receive(stack.arp({ senderIp: `10.0.0.${i}` }))
      stack.call('arpPermanent', 0, ip('10.0.0.10'), mac(stack, PEER.mac))
      t.equal(policy(stack, { maxEntries: 3 }), 0)
      t.equal(stack.call('arpEntryCount'), 3)
      t.same(['10', '17', '18', '19'].map(last => state(stack, `10.0.0.${last}`)), [REACHABLE, ABSENT, REACHABLE, REACHABLE])
      stack.receive(stack.arp({ senderIp: '10.0.0.30' }))
      t.equal(stack.call('arpEntryCount'), 3)
      t.equal(state(stack, '10.0.0.30'), REACHABLE)
      send(stack, '10.0.0.40')
      t.equal(stack.call('arpEntryCount'), 3)
      t.equal(stack.call('arpPermanent', 0, ip('10.0.0.41'), mac(stack, PEER.mac)), 0)
      t.equal(stack.call('arpEntryCount'), 3, 'the limit holds for every way in')
    })

    t.test('when all are static there is no room, and whoever wants another is told', async t => {
      const stack = fresh(e, false)
      policy(stack, { maxEntries: 1 })
      stack.call('arpPermanent', 0, ip(PEER.ip), mac(stack, PEER.mac))
      t.equal(send(stack, '10.0.0.50'), -113, 'EHOSTUNREACH')
      t.equal(stack.call('arpUpdateOn', 0, ip('10.0.0.50'), mac(stack, PEER.mac)), -28, 'ENOSPC')
      t.equal(stack.call('arpAskOn', 0, ip('10.0.0.50')), -113)
    })

    t.test('a policy that can not be is refused, and the old one stays', async t => {
      const stack = fresh(e, false)
      policy(stack, { maxEntries: 2 })
      for (const which of [0, 1, 2, 3]) t.equal(stack.call('arpPolicyBad', which), EINVAL)
      for (let i = 10; i < 20; i++) stack.receive(stack.arp({ senderIp: `10.0.0.${i}` }))
      t.equal(stack.call('arpEntryCount'), 2)
    })

    t.test('ArpTableStats: every number counts', async t => {
      const stack = fresh(e, false)
      t.same(statistics(stack), Object.fromEntries(names.map(name => [name, name === 'requestsSent' ? 1 : 0])), 'the announcement of boot')
      stack.call('arpPermanent', 0, ip('10.0.0.10'), mac(stack, PEER.mac))
      stack.receive(stack.arp({ senderIp: '10.0.0.11' }))
      stack.advance(30_000)
      stack.receive(stack.arp({ senderIp: '10.0.0.12' }))
      send(stack, '10.0.0.13')
      stack.advance(3000)
      send(stack, '10.0.0.14')
      send(stack, '10.0.0.14')
      send(stack, '10.0.0.12')
      stack.receive(stack.arp({ operation: 2, senderIp: '10.0.0.12', targetMac: GUEST.mac }, GUEST.mac))
      stack.receive(stack.arp({ senderIp: '10.0.0.99', targetIp: '10.0.0.99' }))
      t.same(statistics(stack), {
        totalEntries: 5, staticEntries: 1, reachableEntries: 2, staleEntries: 1, incompleteEntries: 1, failedEntries: 1,
        requestsSent: 5, repliesReceived: 1, gratuitousArps: 1, securityViolations: 0, cacheHits: 1, cacheMisses: 3,
      }, 'rustos.md §2.6: a look-up that has to wait is a miss')
    })

    t.test('an entry remembers how often and when it was used', async t => {
      const stack = fresh(e)
      stack.advance(1000)
      for (let i = 0; i < 3; i++) send(stack)
      t.equal(field(stack, 1), 3)
      t.equal(field(stack, 2), 1000)
      stack.advance(500)
      stack.receive(stack.arp())
      t.equal(field(stack, 3), 1500)
    })

    t.test('asking and forgetting on request', async t => {
      const stack = fresh(e, false)
      t.equal(stack.call('arpAskOn', 0, ip(PEER.ip)), 0)
      t.equal(state(stack), INCOMPLETE)
      t.equal(stack.sent().length, 1)
      t.equal(stack.call('arpAskOn', 0, ip(PEER.ip)), 0)
      t.equal(stack.sent().length, 1, 'that is being asked')
      stack.receive(stack.arp({ operation: 2, targetMac: GUEST.mac }, GUEST.mac))
      t.equal(stack.call('arpAskOn', 0, ip(PEER.ip)), 0)
      t.equal(state(stack), PROBE)
      t.equal(stack.call('arpForgetOn', 0, ip(PEER.ip)), 0)
      t.equal(state(stack), ABSENT)
      t.equal(stack.call('arpForgetOn', 0, ip(PEER.ip)), ENOENT)
    })
  })
}
