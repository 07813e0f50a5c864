// kernel/net/igmp: joining, leaving and answering, all three versions, in virtual time. RFC 3376, RFC 2236, RFC 1112.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import type { Decoded } from '../../../../wire/frames.ts'
import { IGMP, Igmp, type Query3, Record, igmp, igmpOf, query3 } from '../../../../wire/igmp.ts'
import { GATEWAY, GUEST, Stack, counting, ip } from '../../../../wire/stack.ts'

type Engine = Parameters<typeof Stack.up>[0]
const G = '239.1.2.3'
const H = '239.9.9.9'
const ALL = '224.0.0.1'
const [S1, S2, S3] = ['10.0.0.31', '10.0.0.32', '10.0.0.33']
const [EINVAL, EADDRNOTAVAIL, ENOBUFS] = [-22, -99, -105]
const ANY = ''
const groupMac = (group: string) => {
  const [, b, c, d] = group.split('.').map(Number)
  return [1, 0, 0x5e, b! & 0x7f, c!, d!].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

function fresh(e: Engine): Stack {
  const stack = new Stack(e)
  stack.configure(`${GUEST.ip}/24`)
  stack.advance(1)
  stack.forget()
  return stack
}
const act = (stack: Stack, what: string, group: string, source = ANY) => stack.call(what, 0, ip(group), source ? ip(source) : 0)
const join = (stack: Stack, group = G, source = ANY) => act(stack, 'groupJoin', group, source)
const leave = (stack: Stack, group = G, source = ANY) => act(stack, 'groupLeave', group, source)
const member = (stack: Stack, group = G) => stack.call('groupMember', 0, ip(group)) === 1
const frames = (stack: Stack) => stack.sent().filter(frame => frame.ipv4?.protocol === IGMP)
/** What was sent since the last time: a version 3 report as its records, others as name and group. */
function said(stack: Stack): unknown[] {
  const messages = frames(stack).map(frame => igmpOf(frame)!)
  stack.forget()
  return messages.flatMap(({ type, group, records }) => type === Igmp.Report3
    ? records.map(each => [each.type, each.group, ...each.sources.sort()]) : [[type, group]])
}
/** What is said within some milliseconds. */
function later(stack: Stack, milliseconds: number): unknown[] {
  stack.forget()
  stack.advance(milliseconds)
  return said(stack)
}
function ask(stack: Stack, message: Uint8Array, destination = ALL, from = GATEWAY.ip): void {
  const header = { protocol: IGMP, source: from, destination, ttl: 1, options: bytes('94040000') }
  stack.receive(stack.ipv4(header, message, groupMac(destination)))
}
const query = (stack: Stack, fields: Query3 = {}) => ask(stack, query3(fields), fields.group ?? ALL)
/** A datagram to a group, from somewhere: whether it is let in. */
function letIn(stack: Stack, group: string, source: string): boolean {
  const before = stack.drops()['udp-port'] ?? 0
  stack.receive(stack.udp(1000, 4000, counting(4), { source, destination: group }, {}, groupMac(group)))
  return (stack.drops()['udp-port'] ?? 0) > before
}
/** A member whose first reports are over. */
function settled(e: Engine, joins: [string, string][] = [[G, ANY]]): Stack {
  const stack = fresh(e)
  for (const [group, source] of joins) join(stack, group, source)
  stack.advance(3000)
  stack.forget()
  return stack
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 3376 §4: a report byte for byte: TTL 1, precedence 6, Router Alert, to 224.0.0.22', async t => {
      const stack = fresh(e)
      t.equal(join(stack), 0)
      const [report, ...more] = frames(stack) as [Decoded]
      t.same(more, [])
      t.same([report.destination, report.source], ['01:00:5e:00:00:16', GUEST.mac])
      t.match(report.ipv4, { headerLength: 24, totalLength: 40, flags: 0x4000, ttl: 1, checksumRight: true })
      t.same([report.ipv4!.source, report.ipv4!.destination], [GUEST.ip, '224.0.0.22'])
      t.equal(report.payload[1], 0xc0)
      t.equal(toHex(report.payload.subarray(20, 40)),
        '94040000' + '2200' + toHex(report.payload.subarray(26, 28)) + '00000001' + '04000000' + 'ef010203')
      t.ok(igmpOf(report)!.checksumRight)
      t.equal(report.frame.length, 60)
    })

    t.test('RFC 3376 §5.1, §8.11: a join is said twice, the second time within a second', async t => {
      const stack = fresh(e)
      join(stack)
      t.same(said(stack), [[Record.ToExclude, G]])
      t.same(later(stack, 1001), [[Record.ToExclude, G]])
      t.same(later(stack, 10_000), [])
    })

    t.test('RFC 3376 §5.1: leaving is said as often, then forgotten', async t => {
      const stack = settled(e)
      t.equal(leave(stack), 0)
      t.notOk(member(stack))
      t.same(said(stack), [[Record.ToInclude, G]])
      t.equal(stack.call('groupKnown', 0, ip(G)), 1)
      t.same(later(stack, 1001), [[Record.ToInclude, G]])
      t.equal(stack.call('groupKnown', 0, ip(G)), 0)
      t.same(later(stack, 10_000), [])
    })

    t.test('RFC 3376 §8.1: the querier\'s robustness says how often', async t => {
      const stack = fresh(e)
      query(stack, { robustness: 5 })
      join(stack)
      t.equal(said(stack).length + later(stack, 5000).length, 5)
      query(stack, { robustness: 1 })
      leave(stack)
      t.equal(said(stack).length, 1)
      t.same(later(stack, 5000), [])
    })

    t.test('the first member joins the Ethernet group, the last one leaves it', async t => {
      const stack = fresh(e)
      const groups = () => stack.call('netifField', 0, 9)
      const before = groups()
      t.notOk(letIn(stack, G, S1))
      join(stack)
      join(stack)
      t.equal(groups(), before + 1)
      said(stack)
      t.same(later(stack, 2000).length, 1, 'and one report for both')
      leave(stack)
      t.same(said(stack), [])
      t.ok(letIn(stack, G, S1))
      leave(stack)
      t.equal(groups(), before)
      t.equal(leave(stack), EADDRNOTAVAIL)
    })

    t.test('RFC 3376 §5: 224.0.0.1 is never reported, and always joined', async t => {
      const stack = fresh(e)
      t.ok(member(stack, ALL))
      t.equal(join(stack, ALL), 0)
      t.equal(leave(stack, ALL), 0)
      t.equal(leave(stack, ALL), EADDRNOTAVAIL)
      t.ok(member(stack, ALL))
      query(stack)
      t.same(later(stack, 30_000), [])
      t.ok(letIn(stack, ALL, S1))
    })

    t.test('RFC 3376 §3.2: INCLUDE: named sources are let in, ALLOW and BLOCK say so', async t => {
      const stack = fresh(e)
      join(stack, G, S1)
      t.same(said(stack), [[Record.Allow, G, S1]])
      t.ok(letIn(stack, G, S1))
      t.notOk(letIn(stack, G, S2))
      stack.advance(2000)
      stack.forget()
      join(stack, G, S2)
      t.same(said(stack), [[Record.Allow, G, S2]])
      t.same(later(stack, 1001), [[Record.Allow, G, S2]])
      leave(stack, G, S1)
      t.same(said(stack), [[Record.Block, G, S1]])
      t.notOk(letIn(stack, G, S1))
      t.ok(member(stack))
      leave(stack, G, S2)
      t.notOk(member(stack))
      t.same(said(stack), [[Record.Block, G, S1, S2]], 'RFC 3376 §5.1: changes that are still to be repeated go together')
    })

    t.test('RFC 3376 §3.2: EXCLUDE is what all exclude, less what anybody names', async t => {
      const stack = settled(e)
      t.equal(act(stack, 'groupBlock', G, S1), 0)
      t.same(said(stack), [[Record.Block, G, S1]])
      t.notOk(letIn(stack, G, S1))
      join(stack) // a second socket, which wants everything
      t.same(said(stack), [[Record.Allow, G, S1]])
      t.ok(letIn(stack, G, S1))
      act(stack, 'groupBlock', G, S1)
      t.same(said(stack), [[Record.Block, G, S1]])
      join(stack, G, S1) // a third, which wants only this one
      t.same(said(stack), [[Record.Allow, G, S1]])
      stack.advance(3000)
      stack.forget()
      leave(stack, G, S1)
      t.same(said(stack), [[Record.Block, G, S1]])
      t.equal(act(stack, 'groupUnblock', G, S1), 0)
      t.same(said(stack), [[Record.Allow, G, S1]])
      act(stack, 'groupUnblock', G, S1)
      t.equal(act(stack, 'groupUnblock', G, S1), EADDRNOTAVAIL)
      t.equal(act(stack, 'groupBlock', H, S1), EADDRNOTAVAIL)
    })

    t.test('RFC 3376 §5.1: from INCLUDE to EXCLUDE and back: the mode change says all', async t => {
      const stack = settled(e, [[G, S1]])
      join(stack)
      t.same(said(stack), [[Record.ToExclude, G]])
      act(stack, 'groupBlock', G, S2)
      t.same(said(stack), [[Record.ToExclude, G, S2]], 'while that is being repeated it carries the list of now')
      t.same(later(stack, 1001), [[Record.Block, G, S2]], 'and what it has not said often enough follows')
      act(stack, 'groupUnblock', G, S2)
      leave(stack)
      t.match(said(stack).slice(-1), [[Record.ToInclude, G, S1]])
      t.ok(letIn(stack, G, S1))
      t.notOk(letIn(stack, G, S2))
    })

    t.test('RFC 3376 §5.2: a general query is answered once, at a random time within its limit', async t => {
      const stack = settled(e, [[G, ANY], [H, S1]])
      const times = new Set<number>()
      for (let n = 0; n < 8; n++) {
        query(stack, { code: 50 })
        let at = -1
        for (let ms = 0; ms <= 5000; ms += 10) {
          stack.forget()
          stack.advance(10)
          const now = said(stack)
          if (now.length === 0) continue
          t.equal(at, -1, 'once')
          at = ms
          t.same(now.sort(), [[Record.IsExclude, G], [Record.IsInclude, H, S1]].sort())
        }
        t.ok(at >= 0)
        times.add(at)
      }
      t.ok(times.size >= 6, 'random')
    })

    t.test('RFC 3376 §5.2: a hundred queries, one answer', async t => {
      const stack = settled(e)
      for (let n = 0; n < 100; n++) query(stack, { code: 10 + n })
      t.same(later(stack, 15_000), [[Record.IsExclude, G]])
      for (let n = 0; n < 100; n++) query(stack, { group: G })
      t.same(later(stack, 15_000), [[Record.IsExclude, G]])
      t.equal(stack.call('linkCounter', 5), 200)
    })

    t.test('RFC 3376 §4.1.1: long response times are floats', async t => {
      const stack = settled(e)
      query(stack, { code: 0x80 | 3 << 4 | 5 }) // (5 + 16) << 6 tenths: 134.4 s
      let at = 0
      while (later(stack, 100).length === 0 && at < 134_400) at += 100
      t.ok(at < 134_400)
    })

    t.test('RFC 3376 §5.2: a group query, and one about sources', async t => {
      const stack = settled(e, [[G, ANY], [H, S1], [H, S2]])
      query(stack, { group: G, code: 10 })
      t.same(later(stack, 1001), [[Record.IsExclude, G]])
      query(stack, { group: H, code: 10 })
      t.same(later(stack, 1001), [[Record.IsInclude, H, S1, S2]])
      query(stack, { group: H, code: 10, sources: [S2, S3] })
      t.same(later(stack, 1001), [[Record.IsInclude, H, S2]])
      query(stack, { group: H, code: 10, sources: [S3] })
      t.same(later(stack, 1001), [], 'nothing to say')
      query(stack, { group: G, code: 10, sources: [S3, S1] })
      t.same(later(stack, 1001), [[Record.IsInclude, G, S1, S3]])
      query(stack, { group: '239.5.5.5', code: 10 })
      t.same(later(stack, 1001), [], 'not a member')
    })

    t.test('RFC 3376 §5.2: queries about a group that is being answered for widen the answer', async t => {
      const stack = settled(e, [[H, S1], [H, S2], [H, S3]])
      query(stack, { group: H, sources: [S1] })
      query(stack, { group: H, sources: [S2, S1] })
      t.same(later(stack, 10_001), [[Record.IsInclude, H, S1, S2]])
      query(stack, { group: H, sources: [S1] })
      query(stack, { group: H })
      query(stack, { group: H, sources: [S1] })
      t.same(later(stack, 10_001), [[Record.IsInclude, H, S1, S2, S3]])
      query(stack, { group: H, sources: Array.from({ length: 17 }, (_, i) => `10.0.1.${i}`) })
      t.same(later(stack, 10_001), [[Record.IsInclude, H, S1, S2, S3]], 'more than are remembered: all of the group')
    })

    t.test('RFC 3376 §4.2.16: many groups and sources fill several reports; a list of the excluded is cut', async t => {
      const stack = fresh(e)
      t.equal(stack.call('interfaceMtuSet', 0, 100), 0)
      for (let n = 1; n <= 20; n++) join(stack, G, `10.0.2.${n}`)
      stack.advance(3000)
      stack.forget()
      query(stack, { code: 1 })
      stack.advance(101)
      const parts = frames(stack)
      t.ok(parts.length > 1)
      for (const part of parts) t.ok(part.ipv4!.totalLength <= 100)
      const records = parts.flatMap(part => igmpOf(part)!.records)
      t.same([...new Set(records.flatMap(record => record.sources))].length, 20, 'every source is named')
      t.ok(records.every(record => record.type === Record.IsInclude && record.group === G))
      stack.forget()
      join(stack, H)
      for (let n = 1; n <= 20; n++) act(stack, 'groupBlock', H, `10.0.2.${n}`)
      stack.advance(3000)
      stack.forget()
      query(stack, { group: H, code: 1 })
      stack.advance(101)
      const cut = frames(stack)
      t.equal(cut.length, 1)
      t.same(igmpOf(cut[0]!)!.records.map(({ type, sources }) => [type, sources.length]), [[Record.IsExclude, 15]])
    })

    t.test('RFC 3376 §7.2.1: a version 2 router: its reports and leaves, until it has not been heard for 260 s', async t => {
      const stack = settled(e)
      t.equal(stack.call('groupVersion', 0), 3)
      ask(stack, igmp(Igmp.Query, 100, '0.0.0.0'))
      t.equal(stack.call('groupVersion', 0), 2)
      t.same(later(stack, 10_001), [[Igmp.Report2, G]])
      join(stack, H)
      const [report] = frames(stack)
      t.match(report, { destination: groupMac(H), ipv4: { headerLength: 24, ttl: 1, destination: H } },
        'RFC 2236 §2: to the group, with Router Alert')
      t.same(said(stack), [[Igmp.Report2, H]])
      t.same(later(stack, 10_001), [[Igmp.Report2, H]], 'RFC 2236 §3: once more within ten seconds')
      leave(stack, H)
      const [left] = frames(stack)
      t.match(left, { destination: '01:00:5e:00:00:02', ipv4: { destination: '224.0.0.2', ttl: 1 } })
      t.same(said(stack), [[Igmp.Leave, H]])
      stack.advance(260_000 - 20_002 - 1)
      t.equal(stack.call('groupVersion', 0), 2)
      stack.advance(1)
      t.equal(stack.call('groupVersion', 0), 3, 'RFC 3376 §8.12: robustness × interval and the response time')
      query(stack, { code: 10 })
      t.same(later(stack, 1001), [[Record.IsExclude, G]])
    })

    t.test('RFC 2236 §3: another member\'s report silences ours, and the leave is then theirs to say', async t => {
      const stack = settled(e)
      ask(stack, igmp(Igmp.Query, 100, '0.0.0.0'))
      ask(stack, igmp(Igmp.Report2, 0, G), G, S1)
      t.same(later(stack, 10_001), [])
      leave(stack)
      t.same(said(stack), [], 'not the last reporter')
      t.equal(stack.call('linkCounter', 6), 1)
    })

    t.test('RFC 3376 §5.2: with version 3 routers other members silence nobody', async t => {
      const stack = settled(e)
      query(stack)
      ask(stack, igmp(Igmp.Report2, 0, G), G, S1)
      t.same(later(stack, 10_001), [[Record.IsExclude, G]])
    })

    t.test('RFC 2236 §3: a shorter limit brings a version 2 answer forward, a longer one does not put it off', async t => {
      const stack = settled(e)
      ask(stack, igmp(Igmp.Query, 200, '0.0.0.0'))
      ask(stack, igmp(Igmp.Query, 5, G), G)
      ask(stack, igmp(Igmp.Query, 250, '0.0.0.0'))
      t.same(later(stack, 501), [[Igmp.Report2, G]])
      t.same(later(stack, 26_000), [])
    })

    t.test('RFC 1112 appendix I, RFC 3376 §7.2.1: a version 1 router: version 1 reports within ten seconds, no leaves', async t => {
      const stack = settled(e)
      ask(stack, igmp(Igmp.Query, 0, '0.0.0.0'))
      t.equal(stack.call('groupVersion', 0), 1)
      t.same(later(stack, 10_001), [[Igmp.Report1, G]])
      leave(stack)
      t.same(later(stack, 20_000), [])
      join(stack, H)
      t.same(said(stack), [[Igmp.Report1, H]])
      ask(stack, igmp(Igmp.Query, 100, '0.0.0.0'))
      t.equal(stack.call('groupVersion', 0), 1, 'the oldest router counts')
    })

    t.test('RFC 3376 §7.2.1: when the version changes what was pending is forgotten', async t => {
      const stack = settled(e)
      query(stack)
      join(stack, H)
      said(stack)
      ask(stack, igmp(Igmp.Query, 100, '0.0.0.0'))
      t.same(later(stack, 10_001).sort(), [[Igmp.Report2, G], [Igmp.Report2, H]], 'version 2 answers alone')
      ask(stack, igmp(Igmp.Query, 100, G), G)
      t.equal(stack.call('groupVersion', 0), 2)
    })

    t.test('a group-specific query of version 2 alone does not make the router old', async t => {
      const stack = settled(e)
      ask(stack, igmp(Igmp.Query, 10, G), G)
      t.equal(stack.call('groupVersion', 0), 3)
      t.same(later(stack, 1001), [[Record.IsExclude, G]])
    })

    t.test('a link that comes back, an interface that goes up: everything is said anew', async t => {
      const stack = settled(e, [[G, ANY], [H, S1]])
      ask(stack, igmp(Igmp.Query, 100, '0.0.0.0'))
      stack.call('fakeLink', 0, 0)
      stack.call('netPoll', 1)
      stack.forget()
      stack.call('fakeLink', 0, 1)
      stack.call('netPoll', 1)
      t.same(said(stack).sort(), [[Record.ToExclude, G], [Record.Allow, H, S1]].sort(), 'and the routers of before are forgotten')
      stack.advance(3000)
      stack.configure('off')
      stack.forget()
      t.same(later(stack, 3000), [])
      t.ok(member(stack), 'the sockets are still there')
      join(stack, '239.7.7.7')
      t.same(said(stack), [])
      stack.configure(`${GUEST.ip}/24`)
      t.equal(said(stack).length, 3)
    })

    t.test('a report without an address of our own comes from 0.0.0.0: RFC 3376 §4.2.13', async t => {
      const stack = new Stack(e)
      stack.configure('dhcp')
      stack.forget()
      join(stack)
      t.equal(frames(stack)[0]!.ipv4!.source, '0.0.0.0')
    })

    t.test('errors: no group, no source, not a member, too many', async t => {
      const stack = fresh(e)
      for (const bad of ['10.0.0.1', '255.255.255.255', '0.0.0.0', '240.0.0.1']) t.equal(join(stack, bad), EINVAL)
      for (const bad of ['224.0.0.5', '255.255.255.255', '127.0.0.1']) t.equal(join(stack, G, bad), EINVAL)
      t.equal(act(stack, 'groupBlock', G, '224.0.0.5'), EINVAL)
      t.equal(leave(stack), EADDRNOTAVAIL)
      t.equal(leave(stack, G, S1), EADDRNOTAVAIL)
      let joined = 0
      while (join(stack, `239.3.${joined >> 6}.${joined & 63}`) === 0) joined++
      t.equal(joined, 63, 'LINK_GROUP_LIMIT less 224.0.0.1')
      t.equal(join(stack, '239.3.200.1'), ENOBUFS)
      t.equal(stack.call('groupKnown', 0, ip('239.3.200.1')), 0, 'and nothing is left of it')
      let named = 0
      while (join(stack, '239.3.0.0', `10.5.${named >> 8}.${named & 255}`) === 0) named++
      t.equal(named, 512, 'MULTICAST_SOURCE_LIMIT')
      stack.call('groupForgetAll', 0)
      stack.advance(5000)
      t.equal(join(stack), 0)
      t.equal(stack.call('netifField', 0, 9), 2)
    })

    t.test('malformed queries are counted and change nothing', async t => {
      const stack = settled(e)
      const good = query3({ group: G, sources: [S1, S2] })
      ask(stack, good.subarray(0, 7))
      for (const length of [9, 10, 11]) {
        const short = Uint8Array.from(query3().subarray(0, length))
        short.set([0, 0], 2)
        ask(stack, sealed(short))
      }
      ask(stack, query3({ group: G, sources: [S1], count: 2 }))
      ask(stack, query3({ group: G, sources: [], count: 0xffff }))
      ask(stack, query3({ sources: [S1] }))
      ask(stack, igmp(Igmp.Query, 10, '10.0.0.1'))
      const flipped = query3()
      flipped[1]! ^= 1
      ask(stack, flipped)
      for (const type of [0, 0x13, 0x14, Igmp.Leave, Igmp.Report3, 0xff]) ask(stack, igmp(type, 0, G))
      t.same(later(stack, 30_000), [])
      t.same(Object.fromEntries(Object.entries(stack.drops()).filter(([name]) => name.startsWith('igmp'))), {
        'igmp-truncated': 1, 'igmp-checksum': 1, 'igmp-type': 6, 'igmp-query': 7,
      })
      t.equal(stack.call('linkCounter', 5), 0)
    })

    t.test('packets are neither lost nor leaked, whatever is said', async t => {
      const stack = fresh(e)
      const free = stack.free
      for (let n = 0; n < 40; n++) {
        join(stack, `239.4.0.${n}`, n % 2 ? S1 : ANY)
        query(stack, { code: n })
        if (n % 3 === 0) leave(stack, `239.4.0.${n}`, n % 2 ? S1 : ANY)
        stack.advance(300)
        stack.forget()
      }
      stack.advance(10_000)
      t.equal(stack.free, free)
    })
  })
}

/** A message with its checksum, whatever else it is. */
function sealed(message: Uint8Array): Uint8Array {
  let sum = 0
  for (let i = 0; i < message.length; i += 2) sum += message[i]! << 8 | (message[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  sum ^= 0xffff
  message.set([sum >>> 8, sum & 0xff], 2)
  return message
}
