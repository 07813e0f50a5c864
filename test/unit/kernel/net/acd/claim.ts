// kernel/net/acd: probing, announcing, defending and giving up an address, in virtual time. RFC 5227, RFC 3927 §2.2.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { BROADCAST, type Decoded } from '../../../../wire/frames.ts'
import { GATEWAY, GUEST, PEER, Stack, ip, ipText } from '../../../../wire/stack.ts'

const Mode = { Optimistic: 0, Strict: 1, Off: 2 } as const
const Kind = { Configured: 0, Leased: 1, LinkLocal: 2 } as const
const [PROBING, ANNOUNCING, HELD, LOST, ABSENT] = [0, 1, 2, 3, 0xffffffff]
const EVENTS = ['usable', 'verified', 'conflict', 'refused']
const [ENOENT, EEXIST, EINVAL, ENOSPC] = [-2, -17, -22, -28]
const RIVAL = '02:00:00:00:00:66'
const ZERO = '00:00:00:00:00:00'
const ADDRESS = '10.0.0.7'

type Engine = Parameters<typeof Stack.up>[0]

/** eth0 up with an address that was not probed, and `acd=` as asked from now on. */
function fresh(e: Engine, mode: number): Stack {
  const stack = new Stack(e)
  stack.configure(`${GUEST.ip}/24`)
  stack.call('acdSetMode', mode)
  stack.forget()
  return stack
}
const claim = (stack: Stack, kind: number, address = ADDRESS, prefix = 24) => stack.call('claim', 0, ip(address), prefix, kind)
const state = (stack: Stack, address = ADDRESS) => stack.call('claimState', 0, ip(address)) >>> 0
const events = (stack: Stack) => Array.from({ length: stack.call('claimEvents') }, (_, i) => EVENTS[stack.call('claimEvent', i)])
const answers = (stack: Stack, address = ADDRESS) => stack.exchange(stack.arp({ targetIp: address })).length === 1
const isProbe = (frame: Decoded) => frame.arp?.operation === 1 && frame.arp.senderIp === '0.0.0.0'
const isAnnouncement = (frame: Decoded) => frame.arp?.operation === 1 && frame.arp.senderIp === frame.arp.targetIp
/** An ARP packet in which somebody else has the address. */
const rival = (stack: Stack, fields = {}) =>
  stack.receive(stack.arp({ senderIp: ADDRESS, senderMac: RIVAL, targetIp: ADDRESS, ...fields }, BROADCAST, RIVAL))

/** When frames of a kind left, in milliseconds from now, watched every `step` ms for `seconds`. */
function when(stack: Stack, wanted: (frame: Decoded) => boolean, seconds: number, step = 10): number[] {
  const times: number[] = []
  for (let ms = 0; ms <= seconds * 1000; ms += step) {
    stack.forget()
    if (ms > 0) stack.advance(step)
    for (const frame of stack.sent()) if (wanted(frame)) times.push(ms)
  }
  return times
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 5227 §1.1: a probe on the wire: broadcast request from 0.0.0.0, the target address zero', async t => {
      const stack = fresh(e, Mode.Strict)
      claim(stack, Kind.Configured)
      stack.advance(1001)
      const [probe] = stack.sent().filter(isProbe)
      t.match(probe, { destination: BROADCAST, source: GUEST.mac })
      t.same(probe!.arp, {
        hardware: 1, protocol: 0x0800, hardwareLength: 6, protocolLength: 4, operation: 1,
        senderMac: GUEST.mac, senderIp: '0.0.0.0', targetMac: ZERO, targetIp: ADDRESS,
      })
      t.equal(probe!.frame.length, 60)
    })

    t.test('RFC 5227 §2.1.1, §2.3: three probes one to two seconds apart, two seconds of silence, two announcements', async t => {
      const starts = new Set<number>()
      for (let run = 0; run < 6; run++) {
        const stack = fresh(e, Mode.Strict)
        for (let i = 0; i < run; i++) stack.call('seedRandom', run * 7 + i)
        claim(stack, Kind.Leased)
        t.notOk(answers(stack), 'not ours yet')
        const sent: [number, boolean][] = []
        for (let ms = 0; ms <= 11_000; ms += 10) {
          stack.forget()
          stack.advance(10)
          for (const frame of stack.sent()) if (isProbe(frame) || isAnnouncement(frame)) sent.push([ms + 10, isProbe(frame)])
        }
        t.same(sent.map(([, probe]) => probe), [true, true, true, false, false])
        const [first, second, third, announced, again] = sent.map(([ms]) => ms) as [number, number, number, number, number]
        starts.add(first)
        t.ok(first <= 1010, 'PROBE_WAIT')
        for (const gap of [second - first, third - second]) t.ok(gap >= 990 && gap <= 2010, `PROBE_MIN to PROBE_MAX: ${gap}`)
        t.ok(Math.abs(announced - third - 2000) <= 10, 'ANNOUNCE_WAIT')
        t.ok(Math.abs(again - announced - 2000) <= 10, 'ANNOUNCE_INTERVAL')
        t.same(events(stack), ['usable', 'verified'])
        t.equal(state(stack), HELD)
        t.ok(answers(stack))
      }
      t.ok(starts.size >= 3, 'the beginning is random')
    })

    t.test('acd=optimistic: usable at once, verified later, and answered for meanwhile', async t => {
      const stack = fresh(e, Mode.Optimistic)
      t.equal(claim(stack, Kind.Configured), 0)
      t.same(events(stack), ['usable'])
      t.equal(state(stack), PROBING)
      t.ok(answers(stack))
      stack.advance(7001)
      t.same(events(stack), ['usable', 'verified'])
      t.equal(stack.call('linkCounter', 0), 3)
    })

    t.test('acd=off: one announcement, no probe', async t => {
      const stack = fresh(e, Mode.Off)
      t.equal(claim(stack, Kind.Leased), 0)
      t.same(events(stack), ['usable'])
      t.equal(state(stack), HELD)
      const [announcement] = stack.sent()
      t.match(announcement,
        { destination: BROADCAST, arp: { operation: 1, senderIp: ADDRESS, targetIp: ADDRESS, targetMac: ZERO } }, 'RFC 5227 §1.1')
      t.same(when(stack, frame => frame.arp !== undefined, 12), [], 'and nothing after it')
    })

    t.test('RFC 3927 §2.2.1: a link-local address is probed first, whatever acd= says', async t => {
      for (const mode of Object.values(Mode)) {
        const stack = fresh(e, mode)
        t.equal(claim(stack, Kind.LinkLocal, '169.254.7.8', 16), 0)
        t.same(events(stack), [])
        t.notOk(answers(stack, '169.254.7.8'))
        stack.advance(7001)
        t.same(events(stack), ['usable', 'verified'])
      }
    })

    t.test('RFC 3927 §2.5: what is said in a link-local address is said to everybody', async t => {
      const stack = fresh(e, Mode.Off)
      claim(stack, Kind.LinkLocal, '169.254.7.8', 16)
      stack.advance(10_000)
      const [reply] = stack.exchange(stack.arp({ targetIp: '169.254.7.8' }))
      t.same([reply!.destination, reply!.arp!.operation, reply!.arp!.targetMac], [BROADCAST, 2, PEER.mac])
    })

    for (const [what, fields] of Object.entries({
      'a request in the address': {}, 'a reply in the address': { operation: 2, targetIp: '10.0.0.1' },
      'a question of its owner': { targetIp: PEER.ip },
    })) {
      for (const mode of [Mode.Strict, Mode.Optimistic]) {
        t.test(`RFC 5227 §2.1.1: ${what} while it is probed: it is taken (${mode === Mode.Strict ? 'strict' : 'optimistic'})`, async t => {
          const stack = fresh(e, mode)
          claim(stack, Kind.Leased)
          stack.advance(1500)
          rival(stack, fields)
          t.same(events(stack).slice(-1), ['conflict'])
          t.equal(state(stack), ABSENT)
          t.notOk(answers(stack))
          t.same(when(stack, frame => isProbe(frame) || isAnnouncement(frame), 10, 100).filter(ms => ms > 0), [], 'nothing more is said')
          t.equal(stack.drops()['arp-conflict'], 1)
          t.same(stack.logged('address-lost'), [`error net: address-lost if=eth0 ip=${ADDRESS}`])
        })
      }
    }

    t.test('RFC 5227 §2.1.1: up to the end of ANNOUNCE_WAIT', async t => {
      const stack = fresh(e, Mode.Strict)
      claim(stack, Kind.Leased)
      while (stack.call('linkCounter', 0) < 3) stack.advance(1)
      stack.advance(1999)
      rival(stack)
      t.same(events(stack), ['conflict'])
    })

    t.test('RFC 5227 §2.1.1: two that probe at the same time: neither gets it', async t => {
      const stack = fresh(e, Mode.Strict)
      claim(stack, Kind.Leased)
      stack.advance(1500)
      rival(stack, { senderIp: '0.0.0.0' })
      t.same(events(stack), ['conflict'])
    })

    t.test('in optimistic use the other one\'s probe is answered: it gives way', async t => {
      const stack = fresh(e, Mode.Optimistic)
      claim(stack, Kind.Leased)
      stack.advance(1500)
      stack.forget()
      rival(stack, { senderIp: '0.0.0.0' })
      const [reply] = stack.sent()
      t.match(reply, { destination: RIVAL, arp: { operation: 2, senderIp: ADDRESS, senderMac: GUEST.mac } })
      t.same(events(stack), ['usable'])
    })

    t.test('RFC 5227 §2.1.1: our own probe that comes back is no conflict, nor a question about the address', async t => {
      const stack = fresh(e, Mode.Strict)
      claim(stack, Kind.Leased)
      stack.advance(1500)
      stack.receive(stack.arp({ senderMac: GUEST.mac, senderIp: '0.0.0.0', targetIp: ADDRESS }, BROADCAST, GUEST.mac))
      stack.receive(stack.arp({ targetIp: ADDRESS }))
      stack.receive(stack.arp({ operation: 2, senderIp: '0.0.0.0', senderMac: RIVAL, targetIp: ADDRESS }, BROADCAST, RIVAL))
      stack.advance(6000)
      t.same(events(stack), ['usable', 'verified'])
    })

    t.test('RFC 5227 §2.4 (b): a leased address is defended once, and given up when that does not help', async t => {
      const stack = fresh(e, Mode.Optimistic)
      claim(stack, Kind.Leased)
      stack.advance(12_000)
      stack.forget()
      rival(stack)
      t.equal(stack.sent().filter(isAnnouncement).length, 1, 'defended')
      stack.advance(9999)
      rival(stack)
      t.same(events(stack).slice(-1), ['conflict'])
      t.notOk(answers(stack))
      t.match(stack.logged('address-conflict')[0], `warn  net: address-conflict if=eth0 ip=${ADDRESS} mac=${RIVAL}`)
    })

    t.test('RFC 5227 §2.4 (b): conflicts DEFEND_INTERVAL apart are defended each', async t => {
      const stack = fresh(e, Mode.Optimistic)
      claim(stack, Kind.Leased)
      stack.advance(12_000)
      for (let n = 0; n < 4; n++) {
        stack.forget()
        rival(stack)
        t.equal(stack.sent().filter(isAnnouncement).length, 1)
        stack.advance(10_000)
      }
      t.same(events(stack), ['usable', 'verified'])
    })

    t.test('RFC 5227 §2.4 (c): a configured address is kept, defended every DEFEND_INTERVAL at most; not with acd=strict', async t => {
      for (const mode of [Mode.Optimistic, Mode.Off, Mode.Strict]) {
        const stack = fresh(e, mode)
        claim(stack, Kind.Configured)
        stack.advance(12_000)
        let defences = 0
        for (let ms = 0; ms < 25_000; ms += 500) {
          stack.forget()
          rival(stack)
          defences += stack.sent().filter(isAnnouncement).length
          stack.advance(500)
        }
        if (mode === Mode.Strict) t.equal(state(stack), LOST)
        else {
          t.equal(defences, 3, 'at 0, 10 and 20 seconds')
          t.ok(answers(stack))
          t.notMatch(events(stack), ['conflict'])
        }
      }
    })

    t.test('a configured address that was lost is tried again every minute, and used when it is free', async t => {
      const stack = fresh(e, Mode.Optimistic)
      claim(stack, Kind.Configured)
      stack.advance(1500)
      rival(stack)
      t.same(events(stack), ['usable', 'conflict'])
      t.equal(state(stack), LOST)
      t.match(stack.logged('address-lost')[0], /retry=60/)
      rival(stack)
      t.equal(stack.call('linkCounter', 4), 1, 'it is theirs: no conflict')
      t.equal(stack.call('linkCounter', 0), 1)
      stack.advance(59_999)
      t.equal(stack.call('linkCounter', 0), 1)
      stack.advance(1002)
      t.equal(stack.call('linkCounter', 0), 2, 'RFC 5227 §2.1.1: RATE_LIMIT_INTERVAL')
      rival(stack)
      t.same(events(stack), ['usable', 'conflict', 'conflict'])
      stack.advance(70_000)
      t.same(events(stack).slice(3), ['usable', 'verified'])
      t.ok(answers(stack))
    })

    t.test('RFC 5227 §2.1.1: after MAX_CONFLICTS one new address a minute; a free one ends that', async t => {
      const stack = fresh(e, Mode.Off)
      stack.call('claimNext', ip('169.254.9.1'))
      t.equal(claim(stack, Kind.LinkLocal, '169.254.9.0', 16), 0)
      for (let n = 0; n < 10; n++) {
        stack.advance(1001)
        stack.receive(stack.arp({ senderIp: `169.254.9.${n}`, senderMac: RIVAL }, BROADCAST, RIVAL))
        t.equal(stack.call('linkCounter', 4), n + 1)
      }
      const probes = stack.call('linkCounter', 0)
      t.equal(probes, 10)
      stack.advance(59_999)
      t.equal(stack.call('linkCounter', 0), probes)
      stack.advance(10_000)
      t.same(events(stack).slice(10), ['usable', 'verified'])
      t.equal(ipText(stack.call('claimEventAddress', 10) >>> 0), '169.254.9.10')
      stack.call('claimRelease', 0, ip('169.254.9.10'))
      claim(stack, Kind.LinkLocal, '169.254.9.77', 16)
      stack.advance(1001)
      t.equal(stack.call('linkCounter', 0), probes + 4)
    })

    t.test('RFC 5227 §2.1: a link that comes back has the address probed again, without taking it away', async t => {
      const stack = fresh(e, Mode.Strict)
      claim(stack, Kind.Leased)
      stack.advance(12_000)
      t.equal(stack.call('linkCounter', 0), 3)
      stack.call('fakeLink', 0, 0)
      stack.call('netPoll', 1)
      stack.call('fakeLink', 0, 1)
      stack.call('netPoll', 1)
      t.equal(state(stack), PROBING)
      t.ok(answers(stack))
      stack.advance(7001)
      t.equal(stack.call('linkCounter', 0), 3 + 2 * 3, 'both of the interface\'s')
      t.same(events(stack), ['usable', 'verified', 'verified'])
    })

    t.test('without a link nothing is proved: probing waits', async t => {
      const stack = fresh(e, Mode.Strict)
      stack.call('fakeLink', 0, 0)
      stack.call('netPoll', 1)
      claim(stack, Kind.Leased)
      stack.advance(60_000)
      t.same(events(stack), [])
      stack.call('fakeLink', 0, 1)
      stack.call('netPoll', 1)
      stack.advance(7001)
      t.same(events(stack), ['usable', 'verified'])
    })

    t.test('errors: what is no host\'s address, claimed twice, there already, one too many, not there', async t => {
      const stack = fresh(e, Mode.Strict)
      for (const bad of ['10.0.0.255', '10.0.0.0', '224.0.0.1', '0.0.0.0']) t.equal(claim(stack, Kind.Leased, bad), EINVAL)
      t.equal(claim(stack, Kind.Leased, ADDRESS, 33), EINVAL)
      t.equal(claim(stack, Kind.Leased), 0)
      t.equal(claim(stack, Kind.Leased), EEXIST)
      t.equal(claim(stack, Kind.Leased, GUEST.ip), EEXIST)
      t.equal(claim(stack, Kind.Leased, '10.0.0.8'), 0)
      t.equal(claim(stack, Kind.Leased, '10.0.0.9'), 0)
      t.equal(claim(stack, Kind.Leased, '10.0.0.10'), ENOSPC, 'the interface has four')
      t.equal(stack.call('claimRelease', 0, ip('10.0.0.9')), 0)
      t.equal(stack.call('claimRelease', 0, ip('10.0.0.9')), ENOENT)
      t.equal(claim(stack, Kind.Leased, '10.0.0.10'), 0)
    })

    t.test('an interface that goes down, and an address that is removed, end the claim', async t => {
      const stack = fresh(e, Mode.Optimistic)
      claim(stack, Kind.Leased)
      t.equal(stack.call('removeAddress', 0, ip(ADDRESS)), 0)
      t.equal(state(stack), ABSENT)
      claim(stack, Kind.LinkLocal, '169.254.1.1', 16)
      stack.call('takeDown', 0)
      stack.forget()
      t.equal(state(stack, '169.254.1.1'), ABSENT)
      stack.advance(10_000)
      t.same(stack.sent(), [])
    })

    t.test('eth0=…, acd=optimistic: up at once; down when somebody has the address, and up when it is free', async t => {
      const stack = new Stack(e)
      stack.call('acdSetMode', Mode.Optimistic)
      stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`)
      t.match(stack.logged('net: up')[0], new RegExp(`up if=eth0 mac=\\S+ ip=${GUEST.ip}/24 gw=${GATEWAY.ip}`))
      stack.advance(1001)
      stack.receive(stack.arp({ senderIp: GUEST.ip, senderMac: RIVAL, targetIp: PEER.ip }, BROADCAST, RIVAL))
      t.same(stack.logged('net: down'), ['warn  net: down if=eth0 why="address in use"'])
      t.equal(stack.call('netifField', 0, 3), 0, 'no address')
      t.equal(stack.call('netifField', 0, 4), 0, 'no gateway')
      stack.advance(70_000)
      t.equal(stack.logged('net: up').length, 2)
      t.equal(ipText(stack.call('netifField', 0, 4) >>> 0), GATEWAY.ip)
    })

    t.test('eth0=…, acd=strict: up when the address is proved', async t => {
      const stack = new Stack(e)
      stack.call('acdSetMode', Mode.Strict)
      stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`)
      stack.advance(3900)
      t.same(stack.logged('net: up'), [])
      t.equal(stack.call('sendUdp', ip('8.8.8.8'), 9, 4000, stack.put(Uint8Array.of(1)), 1), -101, 'ENETUNREACH: not used before')
      stack.advance(3101)
      t.equal(stack.logged('net: up').length, 1)
      t.equal(state(stack, GUEST.ip), ANNOUNCING)
    })
  })
}
