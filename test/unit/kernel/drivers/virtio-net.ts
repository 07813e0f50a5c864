// virtio-net against a device of the test's: frames both ways, offloads, and everything a device could get wrong.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { place, Register, virtioDevice, type VirtioOptions } from '../../../pci-double.ts'
import { ringDevice, type Chain } from '../../../ring-device.ts'

const enum Feature {
  Version1AndCsum = 1, GuestCsum = 2, Mtu = 8, Mac = 0x20, GuestTso4 = 0x80, GuestTso6 = 0x100, GuestEcn = 0x200, HostTso4 = 0x800,
  HostTso6 = 0x1000, HostEcn = 0x2000, HostUfo = 0x4000, Mergeable = 0x8000, Status = 0x10000, EventIndex = 0x20000000,
}
const SEGMENTATION = Feature.GuestTso4 | Feature.GuestTso6 | Feature.GuestEcn | Feature.HostTso4 | Feature.HostTso6 | Feature.HostEcn
  | Feature.HostUfo
const CUTTING = { features: 0x20018023 | SEGMENTATION, queueSize: 64, packets: 1024 }
const ALL = Feature.Version1AndCsum | Feature.GuestCsum | Feature.Mac | Feature.Mergeable | Feature.Status | Feature.EventIndex
const HEADER = 12
const ROOM = 22
const BUFFER = 2048 - ROOM
const PACKETS = 64
const MAC = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
const LINK_UP = [1, 0]
const enum NicField { LinkUp, Pending, Features, Mtu, HeadRoom, ReceivedFrames, ReceivedBytes, ReceiveErrors, ReceiveDropped,
  TransmittedFrames, TransmittedBytes, TransmitErrors, TransmitDropped }
const enum PacketField { Length, Head, TotalLength, Checksum, ChecksumStart, ChecksumOffset, NextFragment, Base, SegmentSize }
const enum ChecksumKind { None, Valid, Partial }
const enum Errno { NetworkDown = -100, NoBufferSpace = -105 }
const NEEDS_RESET = 64

interface Header { flags?: number, gso?: number, size?: number, length?: number, start?: number, offset?: number, buffers?: number }

class Card {
  readonly receive
  readonly transmit
  readonly device
  constructor(readonly m: Instance, o: VirtioOptions & { packets?: number } = {}) {
    m.call('setUp', 16, 3)
    const frames = m.alloc(1 << 20, 1 << 20)
    m.call('framesAddRegion', frames - 0x80000000, frames - 0x80000000 + (1 << 20))
    const packets = o.packets ?? PACKETS
    m.call('poolFill', m.alloc(128 * packets), m.alloc(2048 * packets, 2048), packets, 2048)
    m.call('randomSeed', m.alloc(4), 4)
    this.device = virtioDevice(m, place(0, 3), 0x1041, 1, { features: ALL, configuration: [...MAC, ...LINK_UP], vectors: 3, ...o })
    m.call('pciProbe')
    if (m.call('driversProbe') !== 1) throw new Error('the card was refused')
    m.call('nicAttach')
    this.receive = ringDevice(m, m.call('nicQueue', 0) >>> 0)
    this.transmit = ringDevice(m, m.call('nicQueue', 1) >>> 0)
  }
  field(f: NicField) { return this.m.call('nicField', f) >>> 0 }
  poll(budget = 64) { return this.m.call('nicPoll', budget) }
  free() { return this.m.call('packetsFree') }
  /** Write a frame with its header into the first of `chains` and as many more as it takes; stages them as used. */
  deliver(chains: Chain[], frame: number[], header: Header = {}) {
    const start = header.start ?? 0
    const offset = header.offset ?? 0
    const needed = Math.ceil((HEADER + frame.length) / BUFFER)
    const buffers = header.buffers ?? needed
    const [size, length] = [header.size ?? 0, header.length ?? 0]
    let left = [header.flags ?? 0, header.gso ?? 0, length & 255, length >> 8, size & 255, size >> 8, start & 255, start >> 8,
      offset & 255, offset >> 8, buffers & 255, buffers >> 8, ...frame]
    for (let i = 0; i < needed; i++) {
      const chain = chains.shift()!
      const part = left.slice(0, BUFFER)
      left = left.slice(BUFFER)
      this.m.write(chain.elements[0]!.address, part)
      this.receive.stage(chain.head, part.length)
    }
    this.receive.publish()
  }
  /** What was handed up: the bytes of each packet, chains joined, and the packets, which stay allocated. */
  kept() {
    const out: { packet: number, bytes: number[], field: (f: PacketField) => number }[] = []
    while (this.m.call('keptPackets') > 0) {
      const packet = this.m.call('keptTake') >>> 0
      const bytes: number[] = []
      for (let each = packet; each !== 0; each = this.m.call('packetField', each, PacketField.NextFragment) >>> 0) {
        const head = this.m.call('packetField', each, PacketField.Head) >>> 0
        bytes.push(...this.m.bytes(head, this.m.call('packetField', each, PacketField.Length)))
      }
      out.push({ packet, bytes, field: f => this.m.call('packetField', packet, f) >>> 0 })
    }
    return out
  }
  /** Transmit a packet with these bytes; the result. */
  send(bytes: number[], headRoom = 64, partial?: [number, number]) {
    const from = this.m.alloc(bytes.length)
    this.m.write(from, bytes)
    const packet = this.m.call('packetMake', headRoom, from, bytes.length)
    if (packet === 0) throw new Error('the pool is empty')
    if (partial) this.m.call('packetPartial', packet, ...partial)
    return this.m.call('nicTransmit', packet)
  }
  log() {
    const out = this.m.alloc(8192)
    return Buffer.from(this.m.bytes(out, this.m.call('logText', out, 8192))).toString()
  }
}

const frame = (length: number, seed = 1) => Array.from({ length }, (_, i) => i * seed + seed & 255)

for (const e of await engines('test/kernel/virtio.ts')) {
  t.test(`${e.kind}: what a card says of itself`, t => {
    const card = new Card(e.start())
    t.same([...card.m.bytes(card.m.call('nicMac') >>> 0, 6)], MAC)
    t.same([NicField.LinkUp, NicField.Features, NicField.Mtu, NicField.HeadRoom].map(f => card.field(f)), [1, 3, 1500, 12])
    t.match(card.log(), /info {2}virtio-net: found if=eth0 pci=00:03.0 mac=52:54:00:12:34:56 mtu=1500 link=up interrupts=msix buffers=8/)
    const plain = new Card(e.start(), { features: Feature.Version1AndCsum, vectors: 0 })
    t.same([NicField.LinkUp, NicField.Features, NicField.Mtu].map(f => plain.field(f)), [1, 1, 1500], 'no STATUS: always up')
    const mac = [...plain.m.bytes(plain.m.call('nicMac') >>> 0, 6)]
    t.equal(mac[0]! & 3, 2, 'no MAC: a random one, unicast and local')
    t.notSame(mac, MAC)
    const down = new Card(e.start(), { configuration: [...MAC, 0, 0] })
    t.equal(down.field(NicField.LinkUp), 0)
    t.end()
  })

  const mtu = (said: number, features: number, packets = PACKETS) => {
    const configuration = [...MAC, ...LINK_UP, 0, 0, said & 255, said >> 8]
    return new Card(e.start(), { features: features | Feature.Mtu, configuration, packets }).field(NicField.Mtu)
  }
  // Eight mergeable buffers of 2026 bytes hold no more than 16,178 and the headers.
  const jumbo = [[1400, 1400], [68, 68], [67, 1500], [1500, 1500], [9000, 9000], [16178, 16178], [16179, 16178], [65535, 16178]]
  for (const [said, used] of jumbo as [number, number][]) {
    t.test(`${e.kind}: virtio 1.2 §5.1.4.2: MTU ${said} of the device is ${used}`, t => {
      t.equal(mtu(said, ALL), used)
      t.end()
    })
  }
  t.test(`${e.kind}: virtio 1.2 §5.1.4.2: without mergeable buffers a frame must fit one; with few buffers, those`, t => {
    const single = ALL & ~Feature.Mergeable
    t.same([1500, 1996, 1997, 9000].map(said => mtu(said, single)), [1500, 1996, 1996, 1996])
    t.equal(mtu(9000, ALL, 12), 3 * BUFFER - 30, 'three buffers in the ring')
    t.end()
  })

  t.test(`${e.kind}: receive buffers: as many as the ring, packets of the pool, one descriptor each`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    t.equal(chains.length, 8)
    t.ok(chains.every(each => each.elements.length === 1 && each.elements[0]!.write && each.elements[0]!.length === BUFFER))
    t.equal(card.free(), PACKETS - 8)
    const small = new Card(e.start(), { packets: 12 })
    t.equal(small.receive.take().length, 3, 'a quarter of the pool')
    t.end()
  })

  t.test(`${e.kind}: frames come up as they are, in order, and their buffers are replaced`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    card.deliver(chains, frame(60, 3))
    card.deliver(chains, frame(1514, 5))
    card.deliver(chains, frame(14, 7))
    t.equal(card.poll(), 3)
    const kept = card.kept()
    t.same(kept.map(each => each.bytes), [frame(60, 3), frame(1514, 5), frame(14, 7)])
    t.ok(kept.every(each => each.field(PacketField.TotalLength) === each.bytes.length))
    t.equal((kept[0]!.field(PacketField.Head) + 14) % 4, 0, 'the IPv4 header is aligned')
    t.equal(card.receive.take().length, 3, 'fresh buffers')
    t.equal(card.free(), PACKETS - 8 - 3)
    t.same([NicField.ReceivedFrames, NicField.ReceivedBytes].map(f => card.field(f)), [3, 60 + 1514 + 14])
    t.end()
  })

  t.test(`${e.kind}: a thousand frames through a ring of eight lose nothing`, t => {
    const card = new Card(e.start())
    const free = card.receive.take()
    for (let i = 0; i < 250; i++) {
      for (let k = 0; k < 4; k++) card.deliver(free, frame(100 + k, i + 1))
      if (card.poll() !== 4) t.fail(`round ${i}`)
      for (const each of card.kept()) card.m.call('packetFree', each.packet)
      free.push(...card.receive.take())
      if (free.length !== 8) t.equal(free.length, 8, `round ${i}`)
    }
    t.equal(card.field(NicField.ReceivedFrames), 1000)
    t.equal(card.free(), PACKETS - 8)
    t.end()
  })

  t.test(`${e.kind}: a frame over several buffers is a chain`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    const long = frame(5000, 11)
    card.deliver(chains, long)
    card.deliver(chains, frame(64, 13))
    t.equal(card.poll(), 2)
    const kept = card.kept()
    t.same(kept.map(each => each.bytes), [long, frame(64, 13)])
    t.equal(kept[0]!.field(PacketField.TotalLength), 5000)
    t.equal(card.receive.take().length, 4, 'three and one replaced')
    card.m.call('packetFree', kept[0]!.packet)
    t.equal(card.free(), PACKETS - 8 - 1)
    t.end()
  })

  for (const [what, length, header] of [
    ['a runt of 13 bytes', 13, {}],
    ['a frame of nothing', 0, {}],
    ['num_buffers of 0', 60, { buffers: 0 }],
    ['a segmentation type nobody asked for', 60, { gso: 1 }],
    ['a checksum field past the end', 60, { flags: 1, start: 34, offset: 25 }],
    ['a checksum start past the end', 60, { flags: 1, start: 65535, offset: 65535 }],
    ['a checksum start in the Ethernet header', 60, { flags: 1, start: 10, offset: 0 }],
  ] as const) {
    t.test(`${e.kind}: ${what} is counted, its buffer goes back, and the next frame is taken`, t => {
      const card = new Card(e.start())
      const chains = card.receive.take()
      card.deliver(chains, frame(length), header)
      card.deliver(chains, frame(60))
      t.equal(card.poll(), 2)
      t.same(card.kept().map(each => each.bytes), [frame(60)])
      t.equal(card.field(NicField.ReceiveErrors), 1)
      t.equal(card.field(NicField.ReceivedFrames), 1)
      t.equal(card.receive.take().length, 2)
      t.end()
    })
  }

  t.test(`${e.kind}: a used length below the header is counted`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    card.receive.use(chains[0]!.head, 11)
    t.equal(card.poll(), 1)
    t.equal(card.field(NicField.ReceiveErrors), 1)
    t.end()
  })

  t.test(`${e.kind}: a buffer in the middle that is not full is counted, all of the frame's buffers go back`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    card.m.write(chains[0]!.elements[0]!.address, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, ...frame(100)])
    card.receive.stage(chains[0]!.head, 112)
    card.receive.use(chains[1]!.head, 50)
    t.equal(card.poll(), 1)
    t.equal(card.field(NicField.ReceiveErrors), 1)
    t.equal(card.receive.take().length, 2)
    t.equal(card.free(), PACKETS - 8)
    t.end()
  })

  t.test(`${e.kind}: num_buffers means nothing without mergeable buffers`, t => {
    const card = new Card(e.start(), { features: ALL & ~Feature.Mergeable })
    card.deliver(card.receive.take(), frame(60), { buffers: 7 })
    t.equal(card.poll(), 1)
    t.same(card.kept().map(each => each.bytes), [frame(60)])
    t.end()
  })

  t.test(`${e.kind}: received checksums: none, vouched for, partial; flags not negotiated mean nothing`, t => {
    const card = new Card(e.start())
    const chains = card.receive.take()
    card.deliver(chains, frame(60))
    card.deliver(chains, frame(60), { flags: 2 })
    card.deliver(chains, frame(60), { flags: 1, start: 34, offset: 16 })
    card.deliver(chains, frame(60), { flags: 1, start: 34, offset: 24 })
    card.deliver(chains, frame(60), { flags: 0xf8 })
    card.poll()
    const kept = card.kept()
    t.same(kept.map(each => each.field(PacketField.Checksum)),
      [ChecksumKind.None, ChecksumKind.Valid, ChecksumKind.Partial, ChecksumKind.Partial, ChecksumKind.None])
    t.same([kept[2]!.field(PacketField.ChecksumStart), kept[2]!.field(PacketField.ChecksumOffset)], [34, 16])
    const plain = new Card(e.start(), { features: ALL & ~Feature.GuestCsum })
    plain.deliver(plain.receive.take(), frame(60), { flags: 2 })
    plain.poll()
    t.same(plain.kept().map(each => each.field(PacketField.Checksum)), [ChecksumKind.None])
    t.end()
  })

  const agreed: [string, Partial<typeof CUTTING>, number][] = [
    ['all of it', {}, 31],
    ['no HOST_TSO4, and so no HOST_ECN', { features: CUTTING.features & ~Feature.HostTso4 }, 11],
    ['no GUEST_CSUM, and so no GUEST_TSO4', { features: CUTTING.features & ~Feature.GuestCsum }, 21],
    ['no mergeable buffers, and so no GUEST_TSO4', { features: CUTTING.features & ~Feature.Mergeable }, 23],
    ['no GUEST_TSO4', { features: CUTTING.features & ~Feature.GuestTso4 }, 23],
    ['no ECN', { features: CUTTING.features & ~(Feature.HostEcn | Feature.GuestEcn) }, 15],
    ['a small pool', { packets: 1023 }, 23],
    ['small rings', { queueSize: 32 }, 3],
    ['none offered', { features: CUTTING.features & ~SEGMENTATION }, 3],
  ]
  for (const [what, options, features] of agreed) {
    t.test(`${e.kind}: virtio 1.2 §5.1.3.1: segmentation agreed on: ${what}`, t => {
      t.equal(new Card(e.start(), { ...CUTTING, ...options }).field(NicField.Features), features)
      t.end()
    })
  }

  t.test(`${e.kind}: virtio 1.2 §5.1.6.4: TCP not yet cut comes up in one packet, as large as there is`, t => {
    const card = new Card(e.start(), CUTTING)
    const chains = card.receive.take()
    t.equal(chains.length, 64)
    const header = { flags: 1, gso: 1, size: 1448, length: 66, start: 34, offset: 16 }
    const most = frame(65_535 + 14, 3)
    card.deliver(chains, most, header)
    card.deliver(chains, frame(60))
    card.deliver(chains, frame(3000, 5), { ...header, gso: 0x81, size: 536, length: 0xffff })
    t.equal(card.poll(), 3)
    const kept = card.kept()
    t.ok(Buffer.from(most).equals(Buffer.from(kept[0]!.bytes)))
    t.same(kept.map(each => each.field(PacketField.SegmentSize)), [1448, 0, 536], 'hdr_len is not relied on: §5.1.6.4.2')
    t.same(kept.map(each => each.field(PacketField.Checksum)), [ChecksumKind.Partial, ChecksumKind.None, ChecksumKind.Partial])
    t.equal(card.receive.take().length, 33 + 1 + 2)
    for (const each of kept) card.m.call('packetFree', each.packet)
    t.equal(card.free(), 1024 - 64)
    t.end()
  })

  for (const [what, header, features] of [
    ['a type there is not', { gso: 2 }],
    ['UDP', { gso: 3 }],
    ['TCP over IPv6, which was not agreed on', { gso: 4 }],
    ['ECN and nothing else', { gso: 0x80 }],
    ['ECN, which was not agreed on', { gso: 0x81 }, CUTTING.features & ~Feature.GuestEcn],
    ['no size', { size: 0 }],
    ['no open checksum', { flags: 0 }],
    ['a checksum said to be right', { flags: 2 }],
    ['a checksum past the end', { start: 65_535, offset: 65_535 }],
    ['TCP, which was not agreed on', {}, CUTTING.features & ~Feature.GuestTso4],
    ['TCP without anything agreed on', {}, CUTTING.features & ~(Feature.GuestTso4 | Feature.GuestCsum)],
  ] as const) {
    t.test(`${e.kind}: virtio 1.2 §5.1.6.4.1: a header with ${what} is counted, the buffers go back`, t => {
      const card = new Card(e.start(), { ...CUTTING, features: features ?? CUTTING.features })
      const chains = card.receive.take()
      card.deliver(chains, frame(5000), { flags: 1, gso: 1, size: 1448, length: 66, start: 34, offset: 16, ...header })
      card.deliver(chains, frame(60))
      t.equal(card.poll(), 2)
      t.same(card.kept().map(each => [each.bytes, each.field(PacketField.SegmentSize)]), [[frame(60), 0]])
      t.equal(card.field(NicField.ReceiveErrors), 1)
      t.equal(card.receive.take().length, 4)
      t.equal(card.free(), 1024 - 64 - 1)
      t.end()
    })
  }

  t.test(`${e.kind}: a frame longer than IPv4 can be is counted`, t => {
    const card = new Card(e.start(), CUTTING)
    const chains = card.receive.take()
    const header = { flags: 1, gso: 1, size: 1448, start: 34, offset: 16 }
    card.deliver(chains, frame(65_535 + 18), header)
    t.equal(card.poll(), 1)
    t.equal(card.kept().length, 1, 'with a VLAN tag')
    card.deliver(card.receive.take(), frame(65_535 + 19), header)
    t.equal(card.poll(), 1)
    t.equal(card.kept().length, 0)
    t.equal(card.field(NicField.ReceiveErrors), 1)
    t.end()
  })

  t.test(`${e.kind}: the device hears of fresh buffers in the middle of a batch of large frames`, t => {
    const card = new Card(e.start(), CUTTING)
    const chains = card.receive.take()
    const header = { flags: 1, gso: 1, size: 1448, start: 34, offset: 16 }
    for (let i = 0; i < 3; i++) card.deliver(chains, frame(39_000), header)
    t.equal(card.poll(1), 1)
    t.equal(card.receive.take().length, 20)
    t.equal(card.poll(64), 2)
    t.equal(card.receive.take().length, 40)
    t.end()
  })

  const sendLarge = (card: Card, flags: number, fragments = 2) => {
    const { m } = card
    const p = m.alloc(2000)
    m.write(p, frame(66))
    m.write(p + 34 + 13, [flags])
    const first = m.call('packetMake', 64, p, 66)
    let last = first
    for (let i = 0; i < fragments; i++) {
      const next = m.call('packetMake', 0, p, 1448)
      m.call('packetChain', last, next)
      last = next
    }
    m.call('packetPartial', first, 34, 16)
    m.call('packetSegments', first, 1448, 66)
    return m.call('nicTransmit', first)
  }

  t.test(`${e.kind}: virtio 1.2 §5.1.6.2: segments are asked for in the header, with CWR as such`, t => {
    const card = new Card(e.start(), CUTTING)
    t.equal(sendLarge(card, 0x18), 0)
    t.equal(sendLarge(card, 0x98), 0)
    t.equal(card.send(frame(60)), 0)
    card.m.call('nicFlush')
    const chains = card.transmit.take()
    t.same(chains.map(each => each.elements.map(d => d.length)), [[78, 1448, 1448], [78, 1448, 1448], [72]])
    t.same(chains.map(each => [...card.m.bytes(each.elements[0]!.address, 12)]), [
      [1, 1, 66, 0, 1448 & 255, 1448 >> 8, 34, 0, 16, 0, 0, 0],
      [1, 0x81, 66, 0, 1448 & 255, 1448 >> 8, 34, 0, 16, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ])
    t.end()
  })

  t.test(`${e.kind}: 46 buffers of one packet are one chain; what does not fit the ring is turned away, and fits later`, t => {
    const card = new Card(e.start(), CUTTING)
    const free = card.free()
    t.equal(sendLarge(card, 0x10, 45), 0)
    t.equal(sendLarge(card, 0x10, 45), Errno.NoBufferSpace)
    t.equal(sendLarge(card, 0x10, 17), 0, '18 are left')
    t.equal(free - card.free(), 46 + 18)
    const chains = card.transmit.take()
    t.same(chains.map(each => each.elements.length), [46])
    card.transmit.use(chains[0]!.head, 0)
    t.equal(sendLarge(card, 0x10, 45), 0)
    t.equal(card.field(NicField.TransmitDropped), 1)
    card.m.call('nicFlush')
    for (const each of card.transmit.take()) card.transmit.use(each.head, 0)
    card.poll()
    t.equal(card.free(), free)
    t.end()
  })

  t.test(`${e.kind}: segments, or CWR, that were not agreed on are a panic: the contract says who cuts`, t => {
    t.throws(() => sendLarge(new Card(e.start(), { ...CUTTING, features: CUTTING.features & ~Feature.HostTso4 }), 0x10), { message: /trap/ })
    t.throws(() => sendLarge(new Card(e.start(), { ...CUTTING, features: CUTTING.features & ~Feature.HostEcn }), 0x90), { message: /trap/ })
    t.end()
  })

  t.test(`${e.kind}: with no packet free frames are dropped, and the ring stays full`, t => {
    const card = new Card(e.start(), { packets: 36 })
    const free = card.receive.take()
    while (card.free() > 1) card.m.call('packetMake', 0, card.m.alloc(1), 1)
    card.deliver(free, frame(60, 2))
    card.deliver(free, frame(60, 3))
    card.deliver(free, frame(60, 4))
    t.equal(card.poll(), 3)
    t.same(card.kept().map(each => each.bytes), [frame(60, 2)], 'the one that could be replaced')
    t.equal(card.field(NicField.ReceiveDropped), 2)
    free.push(...card.receive.take())
    t.equal(free.length, 8)
    t.end()
  })

  t.test(`${e.kind}: a budget is kept, and interrupts come only when they were asked for`, t => {
    const card = new Card(e.start())
    card.poll()
    t.equal(card.receive.usedEvent(), 0xffff, 'not armed by a poll')
    t.equal(card.m.call('nicReady'), 0)
    card.m.call('nicArm')
    t.equal(card.receive.usedEvent(), 0)
    const free = card.receive.take()
    for (let i = 0; i < 6; i++) card.deliver(free, frame(60))
    t.equal(card.m.call('nicReady'), 1, 'frames are seen without an interrupt')
    t.equal(card.poll(4), 4)
    t.equal(card.m.call('nicReady'), 1)
    t.equal(card.poll(4), 2)
    t.equal(card.poll(4), 0)
    t.equal(card.m.call('nicReady'), 0)
    card.m.call('nicArm')
    t.equal(card.receive.usedEvent(), 6, 'armed at the next frame')
    card.m.call('raiseVector', 0x31)
    t.equal(card.m.call('nicReady'), 1, 'an interrupt is something to poll for')
    card.poll()
    t.equal(card.receive.usedEvent(), 5, 'disarmed again')
    t.end()
  })

  t.test(`${e.kind}: an interrupt sets pending, a poll clears it`, t => {
    const card = new Card(e.start())
    card.poll()
    t.equal(card.field(NicField.Pending), 0)
    card.m.call('raiseVector', 0x31)
    t.equal(card.field(NicField.Pending), 1)
    card.poll()
    t.equal(card.field(NicField.Pending), 0)
    t.end()
  })

  t.test(`${e.kind}: sent frames: header and frame in one descriptor, not told before the flush`, t => {
    const card = new Card(e.start())
    t.equal(card.send(frame(60, 3)), 0)
    t.equal(card.send(frame(1514, 5)), 0)
    t.same(card.transmit.take(), [])
    card.m.call('nicFlush')
    const chains = card.transmit.take()
    t.same(chains.map(each => each.elements.map(d => [d.length, d.write])), [[[72, false]], [[1526, false]]])
    const bytes = [...card.m.bytes(chains[0]!.elements[0]!.address, 72)]
    t.same(bytes, [...new Array<number>(12).fill(0), ...frame(60, 3)])
    t.same([NicField.TransmittedFrames, NicField.TransmittedBytes].map(f => card.field(f)), [2, 1574])
    t.end()
  })

  t.test(`${e.kind}: a partial checksum is asked for in the header`, t => {
    const card = new Card(e.start())
    card.send(frame(60), 12, [34, 16])
    card.m.call('nicFlush')
    const [chain] = card.transmit.take()
    t.same([...card.m.bytes(chain!.elements[0]!.address, 12)], [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0])
    t.end()
  })

  t.test(`${e.kind}: head room too short is a panic: the contract says how much`, t => {
    t.throws(() => new Card(e.start()).send(frame(60), 11), { message: /trap/ })
    t.end()
  })

  t.test(`${e.kind}: a chain is sent as one frame of several descriptors`, t => {
    const card = new Card(e.start())
    const m = card.m
    const p = m.alloc(64)
    m.write(p, frame(50))
    const first = m.call('packetMake', 12, p, 20)
    const second = m.call('packetMake', 0, p, 50)
    m.call('packetChain', first, second)
    t.equal(m.call('nicTransmit', first), 0)
    m.call('nicFlush')
    t.same(card.transmit.take().map(each => each.elements.map(d => d.length)), [[32, 50]])
    t.equal(card.field(NicField.TransmittedBytes), 70)
    t.end()
  })

  t.test(`${e.kind}: a full ring turns frames away until what was sent is reclaimed`, t => {
    const card = new Card(e.start())
    for (let i = 0; i < 8; i++) t.equal(card.send(frame(60, i + 1)), 0)
    const before = card.free()
    t.equal(card.send(frame(60)), Errno.NoBufferSpace)
    t.equal(card.field(NicField.TransmitDropped), 1)
    t.equal(card.free(), before, 'freed')
    const chains = card.transmit.take()
    t.equal(chains.length, 8, 'the device was told all the same: else nothing would ever be sent')
    for (const each of chains) card.transmit.use(each.head, 0)
    t.equal(card.send(frame(60)), 0)
    t.equal(card.free(), before + 8 - 1)
    t.end()
  })

  t.test(`${e.kind}: a poll reclaims what was sent, and asks for no interrupt for it`, t => {
    const card = new Card(e.start())
    card.send(frame(60))
    card.m.call('nicFlush')
    t.equal(card.transmit.usedEvent(), 0xffff)
    const before = card.free()
    card.transmit.use(card.transmit.take()[0]!.head, 0)
    card.poll()
    t.equal(card.free(), before + 1)
    t.equal(card.transmit.usedEvent(), 0)
    t.end()
  })

  t.test(`${e.kind}: with half the ring in flight, what was sent wakes a processor that sleeps: somebody may wait for room`, t => {
    const card = new Card(e.start())
    const { m } = card
    for (let i = 0; i < 3; i++) card.send(frame(60))
    m.call('nicFlush')
    m.call('nicArm')
    t.equal(card.transmit.usedEvent(), 0xffff, 'three of eight: nobody waits')
    card.send(frame(60))
    m.call('nicFlush')
    t.equal(m.call('nicReady'), 0, 'nothing was sent yet')
    m.call('nicArm')
    t.equal(card.transmit.usedEvent(), 0, 'armed at the first')
    for (const each of card.transmit.take()) card.transmit.use(each.head, 0)
    t.equal(m.call('nicReady'), 1)
    card.poll()
    t.equal(card.transmit.usedEvent(), 3, 'disarmed')
    t.equal(m.call('nicReady'), 0)
    t.end()
  })

  t.test(`${e.kind}: the link goes down and up: logged, and nothing is sent meanwhile`, t => {
    const card = new Card(e.start())
    const change = (up: number) => {
      card.device.bytes[Register.configuration + 6] = up
      card.m.call('raiseVector', 0x30)
      t.equal(card.field(NicField.Pending), 1)
      card.poll()
    }
    change(0)
    t.equal(card.field(NicField.LinkUp), 0)
    t.equal(card.send(frame(60)), Errno.NetworkDown)
    change(1)
    t.equal(card.send(frame(60)), 0)
    change(1)
    t.same(card.log().match(/virtio-net: link if=eth0 state=\w+/g),
      ['virtio-net: link if=eth0 state=down', 'virtio-net: link if=eth0 state=up'])
    t.end()
  })

  for (const [what, why, break_] of [
    ['an id out of range on receive', /receive queue/, (card: Card) => card.receive.use(9999, 60)],
    ['a length out of range on receive', /receive queue/, (card: Card) => card.receive.use(0, 5000)],
    ['more used than there is', /receive queue/, (card: Card) => card.receive.setUsedIndex(200)],
    ['an id out of range on transmit', /transmit queue/, (card: Card) => card.transmit.use(9999, 0)],
    ['num_buffers beyond what was used', /num_buffers/, (card: Card) => card.deliver(card.receive.take(), frame(60), { buffers: 5 })],
    ['num_buffers of 65535', /num_buffers/, (card: Card) => card.deliver(card.receive.take(), frame(60), { buffers: 65535 })],
    ['a wish to be reset', /needs a reset/, (card: Card) => {
      card.device.view.setUint8(Register.deviceStatus, 15 | NEEDS_RESET)
      card.m.call('raiseVector', 0x30)
    }],
  ] as const) {
    t.test(`${e.kind}: ${what} takes the card down: logged once, reset, every packet given back`, t => {
      const card = new Card(e.start())
      card.send(frame(60))
      card.m.call('nicFlush')
      break_(card)
      t.equal(card.poll(), 0)
      t.equal(card.poll(), 0)
      t.equal(card.m.call('nicReady'), 0, 'nothing to poll for any more')
      card.m.call('nicArm')
      t.same(card.kept(), [])
      t.match(card.log(), why)
      t.equal(card.log().match(/error virtio: broken pci=00:03.0/g)!.length, 1)
      t.equal(card.device.view.getUint8(Register.deviceStatus), 0, 'reset')
      t.equal(card.field(NicField.LinkUp), 0)
      t.equal(card.field(NicField.ReceiveErrors), 1)
      t.equal(card.send(frame(60)), Errno.NetworkDown)
      card.m.call('nicFlush')
      t.equal(card.free(), PACKETS)
      t.end()
    })
  }
}
