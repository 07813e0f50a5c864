// virtio-rng: bytes asked for at boot are mixed in when they come, and again every five minutes; in virtual time.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { place, Register, virtioDevice } from '../../../pci-double.ts'
import { RingDevice } from '../../../ring-device.ts'

const FEATURES = 1 | 0x20000000
const SIZE = 8

/** The queue's parts, from the registers the driver wrote them to. virtio 1.2 §4.1.4.3. */
function ringOf(m: Instance, view: DataView) {
  const at = (offset: number) => view.getUint32(offset, true) + 0x80000000
  return new RingDevice(m, SIZE, at(32), at(40), at(48))
}

function start(m: Instance) {
  m.call('setUp', 16, 3)
  const frames = m.alloc(1 << 20, 1 << 20)
  m.call('framesAddRegion', frames - 0x80000000, frames - 0x80000000 + (1 << 20))
  const device = virtioDevice(m, place(0, 5), 0x1044, 4, { features: FEATURES, queueSize: SIZE, vectors: 2 })
  const clock = m.alloc(8)
  let now = 0
  const pass = (milliseconds: number) => {
    now += milliseconds
    new DataView(m.bytes(clock, 8).buffer, m.bytes(clock, 8).byteOffset, 8).setBigUint64(0, BigInt(now) * 1000n, true)
    m.call('clockSet', clock)
    m.call('timersRun')
  }
  pass(0)
  m.call('pciProbe')
  if (m.call('driversProbe') !== 1) throw new Error('refused')
  const log = () => {
    const out = m.alloc(8192)
    return Buffer.from(m.bytes(out, m.call('logText', out, 8192))).toString()
  }
  return { m, device, ring: ringOf(m, device.view), pass, log, seeds: () => m.call('randomSeeds') }
}

for (const e of await engines('test/kernel/virtio.ts')) {
  t.test(`${e.kind}: 64 bytes are asked for at boot and mixed in when they are there`, t => {
    const rng = start(e.start())
    t.equal(rng.m.call('virtioRngCount'), 1)
    const [chain] = rng.ring.take()
    t.same(chain!.elements.map(each => [each.length, each.write]), [[64, true]])
    t.equal(rng.device.view.getUint16(Register.queueMsixVector, true), 0, 'no vector was set: MSI-X stays off')
    rng.pass(10)
    t.equal(rng.seeds(), 0)
    rng.m.write(chain!.elements[0]!.address, Array.from({ length: 64 }, (_, i) => i + 1))
    rng.ring.use(chain!.head, 64)
    rng.pass(1000)
    t.equal(rng.seeds(), 1)
    t.match(rng.log(), /debug random: reseeded bytes=64/)
    t.same([...rng.m.bytes(chain!.elements[0]!.address, 64)], new Array(64).fill(0), 'nothing is left of them')
    t.end()
  })

  t.test(`${e.kind}: what the device wrote is what is mixed in`, t => {
    const numbers = [1, 2].map(byte => {
      const rng = start(e.start())
      const [chain] = rng.ring.take()
      rng.m.write(chain!.elements[0]!.address, new Array<number>(64).fill(byte))
      rng.ring.use(chain!.head, 64)
      rng.pass(10)
      const p = rng.m.alloc(32)
      rng.m.call('randomBytes', p, 32)
      return [...rng.m.bytes(p, 32)]
    })
    t.notSame(numbers[0], numbers[1])
    t.end()
  })

  t.test(`${e.kind}: asked again every five minutes`, t => {
    const rng = start(e.start())
    rng.ring.use(rng.ring.take()[0]!.head, 64)
    rng.pass(10)
    rng.pass(299000)
    t.same(rng.ring.take(), [])
    rng.pass(2000)
    const again = rng.ring.take()
    t.equal(again.length, 1)
    rng.ring.use(again[0]!.head, 16)
    rng.pass(10)
    t.equal(rng.seeds(), 2)
    t.match(rng.log(), /reseeded bytes=16/, 'fewer than asked for is fine')
    t.end()
  })

  t.test(`${e.kind}: no bytes are no seed`, t => {
    const rng = start(e.start())
    rng.ring.use(rng.ring.take()[0]!.head, 0)
    rng.pass(10)
    t.equal(rng.seeds(), 0)
    t.end()
  })

  t.test(`${e.kind}: a device that claims more than it was given is left alone from then on`, t => {
    const rng = start(e.start())
    rng.ring.use(rng.ring.take()[0]!.head, 65)
    rng.pass(10)
    t.equal(rng.seeds(), 0)
    t.match(rng.log(), /error virtio: broken .*its used ring makes no sense/)
    t.equal(rng.device.view.getUint8(Register.deviceStatus), 0)
    rng.pass(1000000)
    t.same(rng.ring.take(), [])
    t.end()
  })
}
