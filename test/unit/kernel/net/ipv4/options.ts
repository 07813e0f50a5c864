// kernel/net/ipv4/options.ts: what is recorded, what is refused, what goes back. RFC 791 §3.1, RFC 1122 §3.2.1.8,
// §3.2.2.6, RFC 1812 §5.3.13, RFC 7126 §4.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Engine } from '../../../../engine-instance.ts'
import { type Bytes, bytes, hex, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, Protocol, type Decoded, ethernet, icmp, ipv4 as packet } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting } from '../../../../wire/stack.ts'

const FAR = { ip: '10.1.0.9', mac: '02:00:00:00:00:19' }
const EGRESS = '10.1.0.2'

function router(e: Engine): Stack {
  const stack = new Stack(e, { two: true })
  stack.configure(`${GUEST.ip}/24`, 0)
  stack.configure(`${EGRESS}/24`, 1)
  stack.call('ipv4ForwardSet', 1)
  stack.receive(stack.arp())
  stack.receive(stack.arp({ senderMac: FAR.mac, senderIp: FAR.ip, targetIp: EGRESS }, BROADCAST, FAR.mac), { nic: 1 })
  stack.forget()
  return stack
}

const through = (options: Bytes) => ethernet({ destination: GUEST.mac, source: PEER.mac, type: 0x0800 },
  packet({ source: PEER.ip, destination: FAR.ip, protocol: Protocol.Icmp, options }, icmp({ type: 8 }, counting(8))))

/** The options of a frame that was sent, as hex. */
const optionsOf = (frame: Decoded | undefined) => frame && toHex(frame.frame.subarray(34, 14 + frame.ipv4!.headerLength))

const malformed: [string, string, number][] = [
  ['01010107', 'no room for a length', 23], ['07000000', 'length 0', 21], ['07010000', 'length 1', 21],
  ['01070400', 'past the header', 22],
  ['94050000', 'router alert past the header', 21], ['07030300', 'a pointer below the first address', 22],
  ['0707040000000000', 'the end', 0], ['0706040000000000', 'no room for an address', 22],
  ['44030500', 'no place for the flag', 21],
  ['440805000000000000000000', 'the end', 0], ['440805010000000000000000', 'no room for address and time', 22],
  ['4408040000000000', 'pointer 4', 22],
]

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 1122 §3.2.2.5: options that make no sense: a parameter problem at the byte, and nobody takes the packet', async t => {
      for (const [options, what, pointer] of malformed) {
        const stack = Stack.up(e)
        const [answer] = stack.exchange(stack.echo(counting(8), {}, { options: hex(options) }))
        if (pointer === 0) t.equal(answer!.icmp!.type, 0, what)
        else {
          t.match(answer!.icmp, { type: 12, code: 0, id: pointer << 8, checksumRight: true }, `${options}: ${what}`)
          t.same(stack.drops(), { 'ipv4-options': 1 })
        }
      }
    })

    t.test('RFC 7126 §4.3, §4.4: source routes: dropped by a host, answered with 3/5 by a router', async t => {
      for (const text of ['8307040a01000900', '8907040a01000900', '8307080a01000900', '018307040a010009']) {
        const options = hex(text)
        const host = Stack.up(e)
        t.equal(host.exchange(host.echo(counting(8), {}, { options })).length, 0)
        t.same(host.drops(), { 'ipv4-source-route': 1 })
        const stack = router(e)
        const [forUs] = stack.exchange(stack.echo(counting(8), {}, { options }))
        const [forOthers] = stack.exchange(through(options))
        for (const answer of [forUs, forOthers]) t.match(answer!.icmp, { type: 3, code: 5, checksumRight: true })
      }
    })

    t.test('RFC 1812 §5.3.13.5: a router records its address where the packet leaves', async t => {
      const stack = router(e)
      const record = (options: string) => {
        const [out] = stack.exchange(through(hex(options)))
        t.ok(out?.ipv4?.checksumRight)
        return optionsOf(out)
      }
      t.equal(record('0707040000000000'), '0707080a01000200')
      t.equal(record('070b080a0000090000000000'), '070b0c0a0000090a01000200')
      t.equal(record('0707080a00000900'), '0707080a00000900', 'full')
      t.equal(record('94040000'), '94040000', 'a router alert goes on as it is')
      t.equal(record('8203ff00'), '8203ff00', 'so does what is unknown')
      t.equal(record('01010100'), '01010100')
    })

    t.test('RFC 1812 §5.3.13.6: and its time, of a kind that says it is not that of the day', async t => {
      const stack = router(e)
      stack.advance(5000)
      const record = (options: string) => optionsOf(stack.exchange(through(hex(options)))[0])!
      const time = record('4408050000000000').slice(8)
      t.ok(parseInt(time, 16) >>> 31 === 1 && (parseInt(time, 16) & 0x7fffffff) >= 5000)
      t.equal(record('4408050000000000').slice(0, 8), '44080900', 'time only')
      t.match(record('440c05010000000000000000'), /^440c0d010a010002[89a-f]/, 'address and time')
      t.match(record('440c05030a00000200000000'), /^440c0d030a000002[89a-f]/, 'asked for by address: it is ours')
      t.equal(record('440c05030a00000700000000'), '440c05030a00000700000000', 'somebody else\'s')
      t.equal(record('4408090000000001'), '4408091000000001', 'full: one more who did not fit')
      t.equal(record('440809f000000001'), '440809f000000001', 'fifteen are counted')
    })

    t.test('RFC 1122 §3.2.2.6: an echo reply has what the request recorded, ourselves in it', async t => {
      const stack = Stack.up(e)
      const ask = (options: string) => {
        const [reply] = stack.exchange(stack.echo(counting(8), {}, { options: hex(options) }))
        t.match(reply!.icmp, { type: 0, checksumRight: true })
        t.match(reply!.ipv4, { source: GUEST.ip, destination: PEER.ip, ttl: 64, checksumRight: true })
        t.equal(toHex(reply!.icmp!.payload), toHex(counting(8)))
        return optionsOf(reply)
      }
      t.equal(ask('070b080a0000090000000000'), '070b0c0a0000090a00000200')
      const recorded = ask('940400000707040000000000')
      t.equal(recorded, '010101010707080a00000200', 'what says nothing about the way stays here')
      t.equal(ask('9404000001010101'), '', 'nothing recorded: no options')
      t.match(ask('4408050000000000'), /^44080900[89a-f]/)
    })

    t.test('options of a long echo request and of a fragment', async t => {
      const stack = Stack.up(e)
      const message = icmp({ type: 8 }, counting(3000))
      const options = hex('0707040000000000')
      const part = (from: number, to: number, more: number) =>
        stack.ipv4({ protocol: Protocol.Icmp, id: 5, flags: more | from >> 3, options }, message.subarray(from, to))
      stack.receive(part(0, 1472, 0x2000))
      stack.receive(part(1472, 2944, 0x2000))
      stack.receive(part(2944, 3008, 0))
      const sent = stack.sent()
      t.equal(optionsOf(sent[0]), '0707080a00000200')
      t.same(sent.slice(1).map(optionsOf), ['', ''], 'the first only: the option is not one that is copied')
      t.equal(toHex(bytes(...sent.map(each => each.ipv4!.payload)).subarray(8)), toHex(counting(3000)))
    })
  })
}
