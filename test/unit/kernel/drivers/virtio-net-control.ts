// virtio-net's control queue against a device of the test's: every command byte by byte, in which order they come, and
// what becomes of one that the device refuses. virtio 1.2 §5.1.6.5.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { place, virtioDevice } from '../../../pci-double.ts'
import { ringDevice, type Chain } from '../../../ring-device.ts'

const enum Feature { Version1 = 1, Mac = 0x20, Mergeable = 0x8000, Status = 0x10000, Queue = 0x20000, Receive = 0x40000,
  Vlan = 0x80000, Extra = 0x100000, Address = 0x800000, EventIndex = 0x20000000 }
const PLAIN = Feature.Version1 | Feature.Mac | Feature.Mergeable | Feature.Status | Feature.EventIndex
const ALL = PLAIN | Feature.Queue | Feature.Receive | Feature.Vlan | Feature.Extra | Feature.Address
const OK = 0
const REFUSED = 1
const GROUP = [1, 0, 0x5e, 0, 0, 1]
const OTHER = [1, 0, 0x5e, 0, 0, 0xfb]

/** A command as text: class, command, data in hexadecimal. */
const text = (bytes: number[]) => `${bytes[0]}/${bytes[1]} ${Buffer.from(bytes.slice(2)).toString('hex')}`
const hex = (mac: number[]) => Buffer.from(mac).toString('hex')
const table = (...groups: number[][]) => `1/0 00000000${hex([groups.length, 0, 0, 0])}${groups.map(hex).join('')}`

class Card {
  readonly m
  readonly control
  private readonly chains: Chain[] = []
  constructor(e: Engine, features = ALL) {
    this.m = e.start()
    this.m.call('setUp', 16, 3)
    const frames = this.m.alloc(1 << 20, 1 << 20)
    this.m.call('framesAddRegion', frames - 0x80000000, frames - 0x80000000 + (1 << 20))
    this.m.call('poolFill', this.m.alloc(128 * 64), this.m.alloc(2048 * 64, 2048), 64, 2048)
    this.m.call('randomSeed', this.m.alloc(4), 4)
    virtioDevice(this.m, place(0, 3), 0x1041, 1, { features, configuration: [0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0], vectors: 4 })
    this.m.call('pciProbe')
    if (this.m.call('driversProbe') !== 1) throw new Error('the card was refused')
    this.m.call('nicAttach')
    this.control = features & Feature.Queue ? ringDevice(this.m, this.m.call('controlQueue') >>> 0) : undefined
  }
  want({ running = true, promiscuous = false, all = false, groups = [] as number[][], vlans = [] as number[] } = {}) {
    this.m.call('want', running ? 1 : 0, promiscuous ? 1 : 0, all ? 1 : 0)
    for (const group of groups) this.m.call('wantGroup', this.bytes(group))
    for (const id of vlans) this.m.call('wantVlan', id)
    this.m.call('wantApply')
    return this
  }
  bytes(data: number[]) {
    const at = this.m.alloc(data.length)
    this.m.write(at, data)
    return at
  }
  poll() { this.m.call('nicPoll', 64) }
  /** The command that is out, if there is one. */
  next(): string | undefined {
    this.chains.push(...this.control!.take())
    const [chain, more] = this.chains
    if (more) throw new Error('two commands at once')
    if (!chain) return undefined
    const [command, answer, ...rest] = chain.elements
    if (rest.length || command!.write || !answer!.write || answer!.length !== 1) throw new Error('not a command and an answer')
    return text([...this.m.bytes(command!.address, command!.length)])
  }
  answer(code: number) {
    const chain = this.chains.shift()!
    this.m.write(chain.elements[1]!.address, [code])
    this.control!.use(chain.head, 1)
  }
  /** Every command until there are no more, each answered. */
  settle(code = OK): string[] {
    const all: string[] = []
    for (;;) {
      this.poll()
      const command = this.next()
      if (command === undefined) return all
      all.push(command)
      if (all.length > 100) throw new Error('no end of commands')
      this.answer(code)
    }
  }
  log() {
    const out = this.m.alloc(8192)
    return Buffer.from(this.m.bytes(out, this.m.call('logText', out, 8192))).toString()
  }
}

const CLOSED = ['0/0 00', '0/1 00', '0/3 01', '0/4 01', '0/5 01']
const OPEN = ['0/3 00', '0/4 00', '0/5 00']

for (const e of await engines('test/kernel/virtio.ts')) {
  t.test(`${e.kind}: §5.1.6.5: at first a card that nobody uses is told to let nothing in, and of VLAN 0`, t => {
    const card = new Card(e)
    t.equal(card.next(), undefined, 'not before the first poll')
    t.same(card.settle(), ['2/0 0000', table(), ...CLOSED])
    t.same(card.settle(), [], 'once')
    t.equal(card.m.call('nicReady'), 0)
    t.end()
  })

  t.test(`${e.kind}: §5.1.6.5.1: promiscuous, all groups: one command a mode, and only for what changed`, t => {
    const card = new Card(e)
    card.settle()
    t.same(card.want({ groups: [GROUP] }).settle(), [table(GROUP), ...OPEN])
    t.same(card.want({ groups: [GROUP], promiscuous: true }).settle(), [table(GROUP), '0/0 01'])
    t.same(card.want({ groups: [GROUP] }).settle(), [table(GROUP), '0/0 00'])
    t.same(card.want({ all: true, groups: [GROUP] }).settle(), [table(), '0/1 01'], 'all groups need no table')
    t.same(card.want({ running: false }).settle(), [table(), '0/1 00', '0/3 01', '0/4 01', '0/5 01'])
    t.end()
  })

  t.test(`${e.kind}: §5.1.6.5.2: the table of groups; the address`, t => {
    const card = new Card(e)
    card.settle()
    t.same(card.want({ groups: [GROUP, OTHER] }).settle()[0], table(GROUP, OTHER))
    const many = Array.from({ length: 64 }, (_, i) => [1, 0, 0x5e, 0, 1, i])
    t.same(card.want({ groups: many }).settle(), [table(...many)])
    const mac = [2, 1, 2, 3, 4, 5]
    t.equal(card.m.call('setAddress', card.bytes(mac)), 0)
    t.same([...card.m.bytes(card.m.call('nicMac') >>> 0, 6)], mac, 'frames leave from it at once')
    t.same(card.settle(), [`1/1 ${hex(mac)}`])
    t.end()
  })

  t.test(`${e.kind}: §5.1.6.5.3: VLANs are added before anything else, and taken away last`, t => {
    const card = new Card(e)
    card.settle()
    t.same(card.want({ vlans: [5, 4094] }).settle(), ['2/0 0500', '2/0 fe0f', table(), ...OPEN])
    t.same(card.want({ vlans: [4094, 7], promiscuous: true }).settle(), ['2/0 0700', table(), '0/0 01', '2/1 0500'])
    t.same(card.want({ vlans: [] }).settle(), [table(), '0/0 00', '2/1 0700', '2/1 fe0f'], 'VLAN 0 stays')
    t.end()
  })

  t.test(`${e.kind}: thirty-two VLANs in exchange for thirty-two others: never more than the device was told of`, t => {
    const card = new Card(e)
    const ids = (from: number) => Array.from({ length: 32 }, (_, i) => from + i)
    card.want({ vlans: ids(100) }).settle()
    const told = new Set(ids(100))
    for (const command of card.want({ vlans: ids(200) }).settle()) {
      const vlan = /^2\/([01]) (..)(..)$/.exec(command)
      if (!vlan) continue
      const id = parseInt(vlan[3]! + vlan[2]!, 16)
      if (vlan[1] === '0') told.add(id)
      else told.delete(id)
      t.ok(told.size <= 32, command)
    }
    t.same([...told].sort((a, b) => a - b), ids(200))
    t.end()
  })

  t.test(`${e.kind}: one command at a time; nobody waits for the answer; changes meanwhile are not lost`, t => {
    const card = new Card(e)
    card.settle()
    card.want({ vlans: [5] }).poll()
    t.equal(card.next(), '2/0 0500')
    t.equal(card.m.call('nicReady'), 0, 'nothing to do until it answers')
    card.want({ vlans: [6] })
    for (let i = 0; i < 3; i++) card.poll()
    t.equal(card.next(), '2/0 0500', 'still that one')
    card.answer(OK)
    t.equal(card.m.call('nicReady'), 1)
    t.same(card.settle(), ['2/0 0600', table(), ...OPEN, '2/1 0500'])
    t.end()
  })

  t.test(`${e.kind}: an answer interrupts`, t => {
    const card = new Card(e)
    card.poll()
    t.equal(card.control!.usedEvent(), 0, 'at the first')
    card.next()
    card.answer(OK)
    card.poll()
    t.equal(card.control!.usedEvent(), 1, 'at the one after it')
    t.end()
  })

  t.test(`${e.kind}: a command that is refused is logged, and not tried for ever`, t => {
    const card = new Card(e)
    card.settle()
    const refused = card.want({ groups: [GROUP], vlans: [5] }).settle(REFUSED)
    t.same(refused, ['2/0 0500', table(GROUP), '0/1 01', ...OPEN], 'no room for the groups: all of them, then')
    t.equal(card.m.call('controlRefusals'), 6)
    t.match(card.log(), /warn {2}virtio-net: command-refused if=eth0 class=2 command=0/)
    t.same(card.settle(), [])
    t.end()
  })

  t.test(`${e.kind}: §5.1.3.1: only what the device offers is asked of it`, t => {
    const without = (feature: number) => new Card(e, ALL & ~feature)
    t.same(without(Feature.Vlan).want({ vlans: [5] }).settle(), [table(), '0/0 00', '0/1 00', ...OPEN])
    t.same(without(Feature.Extra).want({}).settle(), ['2/0 0000', table(), '0/0 00', '0/1 00'])
    t.same(without(Feature.Receive).want({ groups: [GROUP] }).settle(), ['2/0 0000'])
    const fixed = without(Feature.Address)
    t.equal(fixed.m.call('setAddress', fixed.bytes([2, 1, 2, 3, 4, 5])), -95, 'NotSupported')
    const plain = new Card(e, PLAIN | Feature.Receive | Feature.Vlan)
    t.equal(plain.m.call('controlThere'), 0, 'no queue')
    plain.want({ promiscuous: true }).poll()
    t.equal(plain.m.call('nicReady'), 0)
    t.end()
  })

  t.test(`${e.kind}: a used ring that makes no sense takes the card down`, t => {
    const card = new Card(e)
    card.poll()
    card.next()
    card.control!.use(7, 1)
    card.poll()
    t.match(card.log(), /broken .*why="the used ring of its control queue makes no sense"/)
    t.equal(card.m.call('nicReady'), 0)
    t.end()
  })
}
