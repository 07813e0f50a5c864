// Split virtqueues, driver's side, against the device of test/ring-device.ts. virtio 1.2 §2.7.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { ringDevice } from '../../../ring-device.ts'

const READ = 0
const WRITE = 2
const enum Fault { None, UsedIndex, Id, NotInFlight, Length }
const enum Field { Free, InFlight, Fault, UsedLength, Notifications }

function start(m: Instance, size: number, eventIndex: boolean, index = 5) {
  const notify = m.alloc(4)
  const ring = m.alloc(m.call('ringBytes', size), 4096)
  const queue = m.call('queueMake', index, size, ring, m.alloc(m.call('slotBytes', size)), notify, Number(eventIndex)) >>> 0
  const field = (n: Field) => m.call('queueField', queue, n) >>> 0
  const add = (token: number, flag = READ, length = 100) => m.call('queueAddOne', queue, 0x1000, length, flag, token)
  return { queue, device: ringDevice(m, queue), field, add, kick: () => m.call('queueKick', queue), notify,
    take: () => m.call('queueTake', queue) >>> 0 }
}

for (const e of await engines('test/kernel/virtio.ts')) {
  t.test(`${e.kind}: layout, virtio 1.2 §2.7`, t => {
    const m = e.start()
    t.equal(m.call('usedOffset', 256), 4 + 512 + 2 + 2, 'rounded up to 4')
    t.equal(m.call('usedOffset', 2), 4 + 4 + 2 + 2)
    t.equal(m.call('ringBytes', 256), 4096 + 520 + 4 + 2048 + 2)
    t.end()
  })

  t.test(`${e.kind}: eventReached is §2.7.10.1's comparison`, t => {
    const m = e.start()
    const reached = (event: number, now: number, before: number) => m.call('eventReached', event, now, before) === 1
    t.ok(reached(0, 1, 0), 'the entry waited for is the one added')
    t.notOk(reached(1, 1, 0), 'one too early')
    t.ok(reached(3, 10, 2))
    t.notOk(reached(1, 10, 2), 'passed long ago')
    t.ok(reached(0xffff, 0, 0xffff), 'over the wrap')
    t.ok(reached(0xfffe, 3, 0xfff0))
    t.notOk(reached(3, 3, 0xfff0))
    t.notOk(reached(7, 5, 5), 'nothing moved')
    t.end()
  })

  t.test(`${e.kind}: a chain goes to the device and its token comes back`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    m.call('queueElement', q.queue, 0x1000, 16, READ)
    m.call('queueElement', q.queue, 0x2000, 512, WRITE)
    m.call('queueElement', q.queue, 0x3000, 1, WRITE)
    m.call('queueAdd', q.queue, 0xabcd)
    t.same(q.device.take(), [], 'not visible before the kick')
    q.kick()
    const chains = q.device.take()
    t.same(chains, [{ head: 0, elements: [
      { address: 0x80001000, length: 16, write: false },
      { address: 0x80002000, length: 512, write: true },
      { address: 0x80003000, length: 1, write: true },
    ] }])
    t.equal(q.field(Field.Free), 5)
    t.equal(q.field(Field.InFlight), 1)
    t.equal(q.take(), 0, 'nothing used yet')
    q.device.use(0, 513)
    t.equal(q.take(), 0xabcd)
    t.equal(q.field(Field.UsedLength), 513)
    t.equal(q.field(Field.Free), 8)
    t.equal(q.field(Field.InFlight), 0)
    t.equal(q.take(), 0)
    t.end()
  })

  t.test(`${e.kind}: out of order, over and over, past the wrap of the indices`, t => {
    const m = e.start()
    const q = start(m, 4, true)
    let token = 1
    for (let round = 0; round < 20000; round++) {
      const tokens = [token++, token++, token++, token++]
      for (const each of tokens) q.add(each)
      q.kick()
      const chains = q.device.take()
      const order = round % 2 === 0 ? [2, 0, 3, 1] : [3, 2, 1, 0]
      for (const i of order) q.device.stage(chains[i]!.head, 0)
      q.device.publish()
      for (const i of order) {
        const got = q.take()
        if (got !== tokens[i]) t.equal(got, tokens[i], `round ${round}`)
      }
      if (q.field(Field.Free) !== 4) t.equal(q.field(Field.Free), 4, `round ${round}`)
    }
    t.equal(q.field(Field.Fault), Fault.None)
    t.equal(q.device.availableIndex(), 80000 & 0xffff)
    t.end()
  })

  t.test(`${e.kind}: a chain of three is given back whole, whatever the device does to the table`, t => {
    const m = e.start()
    const q = start(m, 4, true)
    for (let i = 0; i < 3; i++) m.call('queueElement', q.queue, 0x1000 * (i + 1), 10, READ)
    m.call('queueAdd', q.queue, 7)
    q.kick()
    const [chain] = q.device.take()
    q.device.scribble()
    q.device.use(chain!.head, 0)
    t.equal(q.take(), 7)
    t.equal(q.field(Field.Free), 4)
    for (let i = 0; i < 4; i++) q.add(i + 1)
    q.kick()
    t.same(q.device.take().map(each => each.head).sort(), [0, 1, 2, 3], 'every descriptor once')
    t.end()
  })

  for (const [name, fault, lie] of [
    ['an id past the table', Fault.Id, (q: ReturnType<typeof start>) => q.device.use(8, 0)],
    ['an id far past the table', Fault.Id, (q: ReturnType<typeof start>) => q.device.use(0xffffffff, 0)],
    ['an id never made available', Fault.NotInFlight, (q: ReturnType<typeof start>) => q.device.use(5, 0)],
    ['an id used twice', Fault.NotInFlight, (q: ReturnType<typeof start>) => {
      q.device.stage(0, 0)
      q.device.stage(0, 0)
      q.device.publish()
      q.take()
    }],
    ['the second descriptor of a chain', Fault.NotInFlight, (q: ReturnType<typeof start>) => q.device.use(2, 0)],
    ['more bytes than the buffer', Fault.Length, (q: ReturnType<typeof start>) => q.device.use(1, 101)],
    ['bytes in a buffer only to be read', Fault.Length, (q: ReturnType<typeof start>) => q.device.use(0, 1)],
    ['more used than is in flight', Fault.UsedIndex, (q: ReturnType<typeof start>) => q.device.setUsedIndex(4)],
    ['a used index that ran backwards', Fault.UsedIndex, (q: ReturnType<typeof start>) => q.device.setUsedIndex(0xffff)],
  ] as const) {
    t.test(`${e.kind}: ${name} breaks the queue, nothing else`, t => {
      const m = e.start()
      const q = start(m, 8, true)
      q.add(1)
      q.add(2, WRITE)
      m.call('queueElement', q.queue, 0x1000, 10, READ) // 2
      m.call('queueElement', q.queue, 0x1000, 10, READ) // 3
      m.call('queueAdd', q.queue, 3)
      q.kick()
      // The chain's head is descriptor 2: make "the second descriptor" the one behind it.
      if (name.startsWith('the second')) q.device.use(3, 0)
      else lie(q)
      t.equal(q.take(), 0)
      t.equal(q.field(Field.Fault), fault)
      q.device.use(1, 4)
      t.equal(q.take(), 0, 'nothing more is believed')
      const before = q.field(Field.Notifications)
      q.add(9)
      q.kick()
      t.equal(q.field(Field.Notifications), before, 'nothing more is told')
      const left = [1, 2, 3, 9].filter(token => !(name === 'an id used twice' && token === 1))
      t.same(left.map(() => m.call('queueAbandon', q.queue)).sort(), left, 'all that is in flight can be abandoned')
      t.equal(m.call('queueAbandon', q.queue), 0)
      t.equal(q.field(Field.Free), 8)
      t.end()
    })
  }

  t.test(`${e.kind}: length up to the buffer is right`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    q.add(1, WRITE)
    q.kick()
    q.device.use(0, 100)
    t.equal(q.take(), 1)
    t.end()
  })

  t.test(`${e.kind}: taking more descriptors than are free is a panic`, t => {
    const m = e.start()
    const q = start(m, 2, true)
    q.add(1)
    q.add(2)
    t.throws(() => q.add(3), { message: /trap/ })
    t.end()
  })

  t.test(`${e.kind}: notifications with the event index, §2.7.10`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    const told = () => { const n = m.read32(q.notify); m.write32(q.notify, 0xffff); return n === 5 }
    m.write32(q.notify, 0xffff)
    q.kick()
    t.notOk(told(), 'nothing added')
    q.add(1)
    q.kick()
    t.ok(told(), 'avail_event 0: the first is wanted')
    q.add(2)
    q.add(3)
    q.kick()
    t.notOk(told(), 'avail_event not passed again')
    q.device.setAvailableEvent(4)
    q.add(4)
    q.kick()
    t.notOk(told())
    q.add(5)
    q.kick()
    t.ok(told())
    t.equal(q.field(Field.Notifications), 2)
    t.end()
  })

  t.test(`${e.kind}: what is offered is seen, and a wish that was overlooked is looked for again, §2.7.13.4.1`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    const offer = () => { m.call('queueOffer', q.queue); return q.field(Field.Notifications) }
    t.equal(offer(), 0, 'nothing added')
    q.add(1)
    t.equal(offer(), 1, 'avail_event 0: the first is wanted')
    q.add(2)
    t.equal(offer(), 1)
    t.equal(q.device.take().length, 2, 'both are visible')
    q.device.setAvailableEvent(1) // written as the driver looked: it saw the old one
    t.equal(offer(), 2, 'the next call sees it, with nothing added')
    t.equal(offer(), 2, 'once')
    t.end()
  })

  t.test(`${e.kind}: arming and kicking settle what was offered`, t => {
    const m = e.start()
    for (const settle of ['queueArm', 'queueKick']) {
      const q = start(m, 8, true)
      q.add(1)
      m.call('queueOffer', q.queue)
      q.add(2)
      m.call('queueOffer', q.queue)
      q.device.setAvailableEvent(1)
      m.call(settle, q.queue)
      t.equal(q.field(Field.Notifications), 2, settle)
      m.call('queueOffer', q.queue)
      t.equal(q.field(Field.Notifications), 2)
      q.add(3)
      q.device.setAvailableEvent(2)
      m.call(settle, q.queue)
      t.equal(q.field(Field.Notifications), 3, `${settle} of what was not offered`)
      t.equal(q.device.take().length, 3)
    }
    t.end()
  })

  t.test(`${e.kind}: a device that never wants to know is asked behind a fence before the indices go round`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    q.add(1)
    m.call('queueOffer', q.queue)
    let returned = 0
    for (let i = 0; i < 0x4001; i++) {
      for (const chain of q.device.take()) q.device.use(chain.head, 0)
      returned += q.take()
      q.add(1)
      m.call('queueOffer', q.queue)
    }
    t.equal(returned, 0x4001, 'each came back')
    q.device.setAvailableEvent(1) // of the second chain: settled long ago
    m.call('queueOffer', q.queue)
    t.equal(q.field(Field.Notifications), 1)
    t.end()
  })

  t.test(`${e.kind}: notifications without it, by the used ring's flags, §2.7.10`, t => {
    const m = e.start()
    const q = start(m, 8, false)
    q.add(1)
    q.kick()
    t.equal(q.field(Field.Notifications), 1)
    q.device.setUsedFlags(1)
    q.add(2)
    q.kick()
    t.equal(q.field(Field.Notifications), 1)
    q.device.setUsedFlags(0)
    q.add(3)
    q.kick()
    t.equal(q.field(Field.Notifications), 2)
    t.end()
  })

  t.test(`${e.kind}: interrupts with the event index: armed at the next, disarmed far away, §2.7.7`, t => {
    const m = e.start()
    const q = start(m, 8, true)
    for (let i = 0; i < 4; i++) q.add(i + 1)
    q.kick()
    const chains = q.device.take()
    t.equal(m.call('queueArm', q.queue), 0)
    t.equal(q.device.usedEvent(), 0, 'the first one used interrupts')
    m.call('queueDisarm', q.queue)
    t.equal(q.device.usedEvent(), 0xffff)
    q.device.use(chains[0]!.head, 0)
    t.equal(m.call('queueArm', q.queue), 1, 'one came before the arming: no wake-up is lost')
    t.equal(q.take(), 1)
    t.equal(m.call('queueArm', q.queue), 0)
    t.equal(q.device.usedEvent(), 1)
    t.end()
  })

  t.test(`${e.kind}: interrupts without it, by the available ring's flags, §2.7.7`, t => {
    const m = e.start()
    const q = start(m, 8, false)
    m.call('queueDisarm', q.queue)
    t.equal(q.device.availableFlags(), 1)
    m.call('queueArm', q.queue)
    t.equal(q.device.availableFlags(), 0)
    t.end()
  })
}
