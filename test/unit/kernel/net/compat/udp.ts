// kernel/net/compat/udp*.ts: RustOS's UDP by address and port, its rules of binding and of who receives. RFC 768.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Face, GUEST, NetworkError, PEER, ip } from '../../../../wire/compat.ts'

const ANY = '0.0.0.0'
const GROUP = '224.1.2.3'
const GROUP_MAC = '01:00:5e:01:02:03'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('7. udp_bind returns; a second is AddressInUse, port 0 InvalidArgument', async t => {
      const f = Face.up(e)
      t.equal(f.call('uBind', f.at(ANY), 5000), 0)
      t.equal(f.call('uBind', f.at(ANY), 5000), NetworkError.AddressInUse)
      t.equal(f.call('uBind', f.at(ANY), 0), NetworkError.InvalidArgument)
      t.equal(f.call('uBind', f.at(ANY), 80), 0, 'ports below 1024 are unrestricted')
      t.equal(f.call('uBind', f.at('02:00:00:00:00:01'), 5001), NetworkError.InvalidAddress)
      t.equal(f.call('uClose', f.at(ANY), 5000), 0)
      t.equal(f.call('uClose', f.at(ANY), 5000), NetworkError.InvalidAddress)
      t.equal(f.call('uBind', f.at(ANY), 5000), 0)
    })

    t.test('bind: the same address needs reuse_addr and reuse_port on both, beside 0.0.0.0 reuse_addr on both', async t => {
      // [first address, its options, second address, its options, allowed]; options: 1 reuse_addr, 2 reuse_port.
      const cases: [string, number, string, number, boolean][] = []
      for (const [a, b, needed] of [[ANY, ANY, 3], [GUEST.ip, GUEST.ip, 3], [GUEST.ip, ANY, 1], [ANY, GUEST.ip, 1]] as const) {
        for (let first = 0; first < 4; first++) {
          for (let second = 0; second < 4; second++) {
            cases.push([a, first, b, second, (first & needed) === needed && (second & needed) === needed])
          }
        }
      }
      for (const [a, first, b, second, allowed] of cases) {
        const f = Face.up(e)
        t.equal(f.call('uBindWith', f.at(a), 5000, first & 1, first >> 1), 0)
        t.equal(f.call('uBindWith', f.at(b), 5000, second & 1, second >> 1),
          allowed ? 0 : NetworkError.AddressInUse, `${a} ${first}, ${b} ${second}`)
      }
    })

    t.test('udp_socket is 0.0.0.0 and a port of 32,768 or more that nobody has', async t => {
      const f = Face.up(e)
      const ports = new Set<string>()
      for (let i = 0; i < 20; i++) {
        t.equal(f.call('uSocket'), 0)
        ports.add(f.end())
      }
      t.equal(ports.size, 20)
      for (const each of ports) t.match(each, /^0\.0\.0\.0:\d{5}$/)
      t.ok([...ports].every(each => Number(each.split(':')[1]) >= 32768))
      t.ok(f.call('uAllocate') >= 32768)
    })

    t.test('send: InvalidAddress unknown, NotSupported unconnected; connected it goes out', async t => {
      const f = Face.up(e)
      t.equal(f.call('uSend', f.at(ANY), 5000, ...f.text('x')), NetworkError.InvalidAddress)
      f.call('uBind', f.at(ANY), 5000)
      t.equal(f.call('uSend', f.at(ANY), 5000, ...f.text('x')), NetworkError.NotSupported)
      t.equal(f.call('uConnect', f.at(ANY), 5001, f.at(PEER.ip), 7), NetworkError.InvalidAddress)
      t.equal(f.call('uConnect', f.at(ANY), 5000, f.at(PEER.ip), 7), 0)
      t.equal(f.call('uSend', f.at(ANY), 5000, ...f.text('hello')), 5, 'found by the address it was bound to')
      const sent = f.sent()[0]!
      t.same([sent.ipv4!.source, sent.udp!.sourcePort, sent.udp!.destinationPort], [GUEST.ip, 5000, 7])
      t.equal(f.call('uConnect', f.at(ANY), 5000, f.at(PEER.ip), 9), 0, 'another peer')
      f.call('uDisconnect', f.at(ANY), 5000)
      t.equal(f.call('uSend', f.at(ANY), 5000, ...f.text('x')), NetworkError.NotSupported)
      t.equal(f.call('uSendTo', f.at(ANY), 5000, f.at(PEER.ip), 53, ...f.text('to')), 2)
      t.equal(f.call('uSendTo', f.at(ANY), 9999, f.at(PEER.ip), 53, ...f.text('to')), NetworkError.InvalidAddress)
    })

    t.test('udp_recv: what came and from whom; Timeout for none; udp_has_data', async t => {
      const f = Face.up(e)
      t.equal(f.call('uHas', f.at(ANY), 5000), 0)
      t.equal(f.received('uRecv', f.at(ANY), 5000), 'Invalid address')
      f.call('uBind', f.at(ANY), 5000)
      t.equal(f.received('uRecv', f.at(ANY), 5000), 'Connection timeout')
      f.receive(f.udp(4000, 5000, Buffer.from('hello')))
      t.equal(f.call('uHas', f.at(ANY), 5000), 1)
      t.equal(f.received('uRecv', f.at(ANY), 5000), 'hello')
      t.equal(f.end(), '10.0.0.9:4000')
      f.receive(f.udp(4001, 5000, Buffer.from('again')))
      t.equal(f.received('uDatagram', f.at(ANY), 5000), 'again')
      t.same([f.call('aboutField', 0) >>> 0, f.call('aboutField', 1)], [ip(PEER.ip), 4001])
    })

    t.test('eleven options with RustOS\'s defaults; values out of range are refused', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      const at = (): number => f.at(ANY)
      t.same(Array.from({ length: 11 }, (_, option) => f.call('uGet', at(), 5000, option)), [0, 0, 0, 65536, 65536, 0, 0, 64, 1, 1, 0])
      const values = [1, 1, 1, 1000, 2000, 10, 20, 33, 7, 0, 46]
      values.forEach((value, option) => t.equal(f.call('uSet', at(), 5000, option, value), 0))
      t.same(values.map((_, option) => f.call('uGet', at(), 5000, option)), values)
      t.equal(f.call('uSet', at(), 5000, 7, 256), NetworkError.InvalidArgument, 'a TTL over 255')
      t.equal(f.call('uSet', at(), 5000, 10, 64), NetworkError.InvalidArgument, 'a DSCP of seven bits')
    })

    t.test('ttl and dscp are in the packets', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      f.call('uSet', f.at(ANY), 5000, 7, 9)
      f.call('uSet', f.at(ANY), 5000, 10, 46)
      f.call('uSendTo', f.at(ANY), 5000, f.at(PEER.ip), 7, ...f.text('x'))
      const frame = f.sent()[0]!
      t.equal(frame.ipv4!.ttl, 9)
      t.equal(frame.frame[15], 46 << 2)
    })

    t.test('broadcast: PermissionDenied until it is allowed', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      t.equal(f.call('uSendTo', f.at(ANY), 5000, f.at('10.0.0.255'), 7, ...f.text('x')), NetworkError.PermissionDenied)
      t.equal(f.call('uBroadcast', f.at(ANY), 9, 1), NetworkError.InvalidAddress)
      t.equal(f.call('uBroadcast', f.at(ANY), 5000, 1), 0)
      t.equal(f.call('uSendTo', f.at(ANY), 5000, f.at('10.0.0.255'), 7, ...f.text('x')), 1)
    })

    t.test('groups: joined once or twice they are heard, left they are not; what is no group is swallowed', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      const hear = (): void => f.receive(f.udp(4000, 5000, Buffer.from('all'), { destination: GROUP }, {}, GROUP_MAC))
      hear()
      t.equal(f.call('uHas', f.at(ANY), 5000), 0)
      t.equal(f.call('uJoin', f.at(ANY), 5000, f.at('10.0.0.9')), 0, 'swallowed')
      t.equal(f.call('uJoinOf', f.at(ANY), 5000, f.at('10.0.0.9')), NetworkError.InvalidAddress)
      t.equal(f.call('uJoin', f.at(ANY), 5000, f.at(GROUP)), 0)
      t.equal(f.call('uJoinOf', f.at(ANY), 5000, f.at(GROUP)), 0, 'twice is once')
      hear()
      t.equal(f.received('uRecv', f.at(ANY), 5000), 'all')
      t.equal(f.call('uLeave', f.at(ANY), 5000, f.at(GROUP)), 0)
      t.equal(f.call('uLeave', f.at(ANY), 5000, f.at(GROUP)), 0, 'always Ok')
      hear()
      t.equal(f.call('uHas', f.at(ANY), 5000), 0)
      t.equal(f.call('uJoin', f.at(ANY), 77, f.at(GROUP)), NetworkError.InvalidAddress)
    })

    t.test('who receives: the exact address, else 0.0.0.0, else broadcast and group listeners', async t => {
      const f = Face.up(e)
      const receivers = (to: string): string[] => {
        const count = f.call('uReceivers', f.at(to), 5000)
        return Array.from({ length: count }, (_, i) => (f.call('uReceiver', i) >>> 0) === ip(GUEST.ip) ? GUEST.ip : ANY).sort()
      }
      t.same(receivers(GUEST.ip), [])
      f.call('uBindWith', f.at(GUEST.ip), 5000, 1, 1)
      t.same(receivers(GUEST.ip), [GUEST.ip])
      t.same(receivers('255.255.255.255'), [])
      f.call('uBroadcast', f.at(GUEST.ip), 5000, 1)
      t.same(receivers('255.255.255.255'), [GUEST.ip])
      f.call('uJoin', f.at(GUEST.ip), 5000, f.at(GROUP))
      t.same(receivers(GROUP), [GUEST.ip])
      f.call('uBindWith', f.at(ANY), 5000, 1, 1)
      t.same(receivers(GUEST.ip), [GUEST.ip], 'all exact ones, and only those')
      f.call('uBindWith', f.at(GUEST.ip), 5000, 1, 1)
      t.same(receivers(GUEST.ip), [GUEST.ip, GUEST.ip])
      t.same(receivers('10.0.0.77'), [ANY])
    })

    t.test('30. the flow hash of 10.0.0.1:1000 to 10.0.0.2:2000, and who it chooses of two', async t => {
      const f = Face.up(e)
      t.equal(f.call('udpFlowHash', ip('10.0.0.1'), 1000, ip('10.0.0.2'), 2000) >>> 0, 3503662359)
      t.equal(f.call('uRouted', f.at(GUEST.ip), 2000, f.at('10.0.0.1'), 1000), 0)
      f.call('uBindWith', f.at(GUEST.ip), 2000, 1, 1)
      f.call('uBindWith', f.at(GUEST.ip), 2000, 1, 1)
      t.equal(f.call('uRouted', f.at(GUEST.ip), 2000, f.at('10.0.0.1'), 1000), 1 + 3503662359 % 2)
      const chosen = new Set(Array.from({ length: 40 }, (_, i) => f.call('uRouted', f.at(GUEST.ip), 2000, f.at('10.0.0.1'), 1000 + i)))
      t.same([...chosen].sort(), [1, 2], 'both have their share')
    })

    t.test('send_udp_packet: without a socket; too long is BufferOverflow', async t => {
      const f = Face.up(e, { packets: 64 })
      t.equal(f.call('uPacket', f.at(ANY), 1234, f.at(PEER.ip), 7, ...f.text('abc')), 0)
      const sent = f.sent()[0]!
      t.same([sent.ipv4!.source, sent.udp!.sourcePort, sent.udp!.length], [GUEST.ip, 1234, 11])
      t.ok(sent.udp!.checksumRight)
      t.equal(f.call('uPacket', f.at(ANY), 1234, f.at(PEER.ip), 7, f.m.alloc(65528), 65528), NetworkError.BufferOverflow)
      t.equal(f.call('uPacket', f.at('02:00:00:00:00:01'), 1234, f.at(PEER.ip), 7, ...f.text('abc')), NetworkError.InvalidAddress)
      const without = Face.up(e, { value: `${GUEST.ip}/24` })
      t.equal(without.call('uPacket', without.at(ANY), 1, without.at('192.168.7.7'), 7, ...without.text('abc')),
        NetworkError.NetworkUnreachable)
    })

    t.test('13. a port unreachable quotes the datagram from its IPv4 header on', async t => {
      const f = Face.up(e)
      const asked = f.udp(4000, 5999, Buffer.from('anybody?'))
      const reply = f.exchange(asked)[0]!
      t.same([reply.icmp!.type, reply.icmp!.code, reply.ipv4!.source], [3, 3, GUEST.ip])
      t.equal(reply.icmp!.payload[0], 0x45)
      t.same([...reply.icmp!.payload.subarray(0, 28)], [...asked.subarray(14, 42)])
    })

    t.test('cleanup_idle_sockets closes those that neither sent nor received for long', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      f.call('uBind', f.at(ANY), 5001)
      f.call('managerSocket', 1, 0)
      f.advance(600)
      f.receive(f.udp(4000, 5001, Buffer.from('x')))
      f.advance(500)
      t.equal(f.call('uCleanup', 1100), 0)
      t.equal(f.call('uCleanup', 1000), 1)
      t.same([f.call('uThere', f.at(ANY), 5000), f.call('uThere', f.at(ANY), 5001), f.call('socketThere', 3)], [0, 1, 1])
    })

    t.test('global statistics count what all did, and refusals', async t => {
      const f = Face.up(e)
      f.call('uBind', f.at(ANY), 5000)
      f.call('uBind', f.at(ANY), 5000)
      f.call('managerSocket', 1, 0)
      f.call('uSendTo', f.at(ANY), 5000, f.at(PEER.ip), 7, ...f.text('abcd'))
      f.receive(f.udp(4000, 5000, Buffer.from('xyz')))
      f.received('uRecv', f.at(ANY), 5000)
      t.same([0, 1, 2, 3, 4, 5, 6, 7].map(each => f.call('uGlobal', each)), [2, 1, 1, 1, 4, 3, 0, 1])
      f.call('uClose', f.at(ANY), 5000)
      t.same([0, 1, 2, 4].map(each => f.call('uGlobal', each)), [1, 0, 1, 4], 'what was done stays')
    })
  })
}
