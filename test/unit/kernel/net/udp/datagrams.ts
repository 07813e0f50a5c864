// kernel/net/udp: ports, lengths, checksums in software and left to the card. RFC 768, RFC 1122 §4.1.3.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { address, be16, bytes, checksum, read16, toHex } from '../../../../wire/bytes.ts'
import { Checksum, GUEST, NicFeature, PEER, Stack, counting, ip, ipText } from '../../../../wire/stack.ts'

const taken = (stack: Stack, field: number) => stack.call('takenField', field) >>> 0
const data = (stack: Stack) => toHex(stack.m.bytes(taken(stack, 4), taken(stack, 1)))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a datagram reaches the function that was bound to its port, without its headers', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      t.equal(stack.call('listen', 5000), 0)
      for (const length of [0, 1, 33, 1472]) {
        stack.receive(stack.udp(4000, 5000, counting(length)))
        t.equal(data(stack), toHex(counting(length)))
      }
      t.equal(taken(stack, 0), 4)
      t.equal(ipText(taken(stack, 2)), PEER.ip)
      t.equal(taken(stack, 3), 4000)
      t.equal(stack.free, free)
    })

    t.test('bind: port 0 and 65536 are invalid, one in use is in use, sixty-four are all', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('listen', 0), -22, 'InvalidArgument')
      t.equal(stack.call('listen', 65536), -22)
      t.equal(stack.call('listen', 68), -98, 'AddressInUse: the DHCP client')
      t.equal(stack.call('listen', 5000), 0)
      t.equal(stack.call('listen', 5000), -98)
      t.equal(stack.call('udpUnbind', 5000), 0)
      t.equal(stack.call('udpUnbind', 5000), -2, 'NoSuchEntry')
      t.equal(stack.call('listen', 5000), 0, 'free again')
      for (let port = 6000; port < 6062; port++) t.equal(stack.call('listen', port), 0)
      t.equal(stack.call('listen', 7000), -28, 'NoSpace')
    })

    t.test('ports that share a bucket are told apart, in every order of leaving', async t => {
      const stack = Stack.up(e)
      for (const port of [100, 164, 228]) t.equal(stack.call('listen', port), 0)
      const hears = (port: number) => {
        const before = taken(stack, 0)
        stack.receive(stack.udp(4000, port, counting(4)))
        return taken(stack, 0) - before
      }
      t.same([100, 164, 228, 292].map(hears), [1, 1, 1, 0])
      stack.call('udpUnbind', 164)
      t.same([100, 164, 228].map(hears), [1, 0, 1])
      stack.call('udpUnbind', 228)
      t.same([100, 164, 228].map(hears), [1, 0, 0])
    })

    t.test('the length says where the data ends; one that can not be is refused', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      const frame = (length: number, checksum = 0) => stack.udp(4000, 5000, counting(20), {}, { length, checksum })
      for (const length of [0, 7, 29, 0xffff]) stack.receive(frame(length))
      t.same(stack.drops(), { 'udp-length': 4 })
      stack.receive(frame(8 + 5))
      t.equal(data(stack), toHex(counting(5)))
      for (const length of [0, 7]) stack.receive(stack.ipv4({ protocol: 17 }, counting(length)))
      t.equal(stack.drops()['udp-truncated'], 2)
    })

    t.test('RFC 1122 §4.1.3.4: a wrong checksum is dropped in silence; none is none', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      t.equal(stack.exchange(stack.udp(4000, 5000, counting(20), {}, { checksum: 0x1234 })).length, 0)
      t.equal(stack.exchange(stack.udp(4000, 4242, counting(20), {}, { checksum: 0x1234 })).length, 0)
      t.same(stack.drops(), { 'udp-checksum': 2 })
      stack.receive(stack.udp(4000, 5000, counting(20), {}, { checksum: 0 }))
      t.equal(taken(stack, 0), 1)
    })

    t.test('what the card vouches for, or never put on a wire, is not summed again', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      const wrong = stack.udp(4000, 5000, counting(20), {}, { checksum: 0x1234 })
      stack.receive(wrong, { checksum: Checksum.Valid })
      stack.receive(wrong, { checksum: Checksum.Partial })
      t.equal(taken(stack, 0), 2)
      t.same(stack.drops(), {})
    })

    t.test('a datagram in a chain of buffers of any size is summed right', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      for (const piece of [42, 43, 51, 64, 101]) stack.receive(stack.udp(4000, 5000, counting(1400)), { piece })
      t.equal(taken(stack, 0), 5)
      t.equal(data(stack), toHex(counting(1400)))
      t.same(stack.drops(), {})
    })

    t.test('what is sent has a right checksum, made here for a card that can not', async t => {
      const stack = Stack.up(e)
      for (const length of [0, 1, 2, 3, 17, 18, 1472]) {
        stack.forget()
        t.equal(stack.call('sendUdp', ip(PEER.ip), 9, 4000, stack.put(counting(length)), length), 0)
        const [frame] = stack.sent()
        t.match(frame!.udp, { sourcePort: 4000, destinationPort: 9, length: 8 + length, checksumRight: true })
        t.not(frame!.udp!.checksum, 0)
        t.equal(stack.call('fakeSentChecksum', 0), Checksum.None)
        t.equal(toHex(frame!.udp!.payload), toHex(counting(length)))
      }
    })

    t.test('RFC 768: a checksum that comes out as 0 is sent as ffff', async t => {
      const stack = Stack.up(e)
      // The two bytes of data that make the sum of everything else ffff.
      stack.call('sendUdp', ip(PEER.ip), 9, 4000, stack.put(Uint8Array.of(0, 0)), 2)
      const checksum = stack.sent()[0]!.udp!.checksum
      stack.forget()
      stack.call('sendUdp', ip(PEER.ip), 9, 4000, stack.put(Uint8Array.of(checksum >> 8, checksum & 0xff)), 2)
      const [frame] = stack.sent()
      t.equal(frame!.udp!.checksum, 0xffff)
      t.ok(frame!.udp!.checksumRight)
    })

    t.test('virtio 1.2 §5.1.6.2: for a card that can, the field holds the pseudo header\'s sum and the packet says where', async t => {
      const stack = Stack.up(e, { features: NicFeature.TransmitChecksum })
      stack.call('sendUdp', ip(PEER.ip), 9, 4000, stack.put(counting(100)), 100)
      t.equal(stack.call('fakeSentChecksum', 0), Checksum.Partial)
      t.equal(stack.call('fakeSentChecksumStart', 0), 14 + 20)
      t.equal(stack.call('fakeSentChecksumOffset', 0), 6)
      const pseudo = [0x0a00, 0x0002, 0x0a00, 0x0009, 17, 108].reduce((sum, word) => sum + word)
      t.equal(read16(stack.sentBytes()[0]!, 34 + 6), pseudo)
    })

    t.test('a packet that waited for ARP keeps its place for the checksum', async t => {
      const stack = Stack.up(e, { features: NicFeature.TransmitChecksum })
      stack.call('sendUdp', ip('10.0.0.50'), 9, 4000, stack.put(counting(10)), 10)
      stack.receive(stack.arp({ operation: 2, senderIp: '10.0.0.50', targetMac: GUEST.mac }, GUEST.mac))
      t.equal(stack.call('fakeSentChecksumStart', 1), 34)
    })

    t.test('RFC 1122 §3.3.3: too much for the MTU leaves in fragments, the checksum over all of it', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('sendUdp', ip(PEER.ip), 9, 4000, stack.put(counting(1473)), 1473), 0)
      const [first, second, ...more] = stack.sentBytes()
      t.same([first!.length, second!.length - 14 >= 29, more.length], [1514, true, 0])
      const whole = Buffer.concat([first!.subarray(34), second!.subarray(34, 35)])
      const sum = checksum(bytes(address(GUEST.ip), address(PEER.ip), be16(17), be16(1481), whole))
      t.equal(sum, 0, 'a message with its checksum sums up to nothing')
    })
  })
}
