// The timing wheel against a model: a list of timers, sorted. Also what callbacks may do, and time that wraps.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

const NONE = 0xffffffff
const enum Action { None, Restart, StopOther, StartOther }

/** A machine with timers, its time in milliseconds from `begin` on. */
class Machine {
  #seen = 0
  now: number
  constructor(readonly m: Instance, begin: number) {
    this.now = begin
    this.setTime()
  }
  setTime() {
    const microseconds = BigInt(this.now) * 1000n
    this.m.call('setTime', Number(microseconds & 0xffffffffn), Number(microseconds >> 32n))
  }
  start(number: number, delay: number) { this.m.call('startTimer', number, delay) }
  stop(number: number) { this.m.call('stopTimer', number) }
  active(number: number) { return this.m.call('isTimerActive', number) === 1 }
  next() { return this.m.call('timersNext') >>> 0 }
  /** Let `milliseconds` pass and run the timers; returns what fired, in order. */
  pass(milliseconds: number): number[] {
    this.now += milliseconds
    this.setTime()
    const count = this.m.call('timersRun')
    const fired: number[] = []
    for (; this.#seen < this.m.call('firedCount'); this.#seen++) fired.push(this.m.call('firedNumber', this.#seen))
    if (count !== fired.length) throw new Error(`${fired.length} timers fired, and timersRun says ${count}`)
    return fired
  }
}

/** The same, as simple as can be. */
class Model {
  timers: { number: number, expires: number, order: number }[] = []
  order = 0
  constructor(public now: number) {}
  start(number: number, delay: number) {
    this.stop(number)
    this.timers.push({ number, expires: this.now + Math.min(Math.max(delay, 1), 0x7fffffff), order: this.order++ })
  }
  stop(number: number) { this.timers = this.timers.filter(each => each.number !== number) }
  pass(milliseconds: number): number[] {
    this.now += milliseconds
    const fired = this.timers.filter(each => each.expires <= this.now)
      .sort((a, b) => a.expires - b.expires || a.order - b.order)
    this.timers = this.timers.filter(each => each.expires > this.now)
    return fired.map(each => each.number)
  }
  next() { return this.timers.reduce((least, each) => Math.min(least, each.expires - this.now), NONE) }
}

/** Numbers from a seed: xorshift, 32 bits. */
function random(seed: number) {
  let x = seed
  return (below: number) => {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5
    return (x >>> 0) % below
  }
}

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: a timer fires once, when its time has come and not before`, t => {
    const machine = new Machine(e.start(), 0)
    machine.start(1, 10)
    t.equal(machine.next(), 10)
    t.same(machine.pass(9), [])
    t.ok(machine.active(1))
    t.same(machine.pass(1), [1])
    t.notOk(machine.active(1))
    t.same(machine.pass(1000), [])
    t.equal(machine.next(), NONE)
    t.end()
  })

  t.test(`${e.kind}: delay 0 is the next millisecond`, t => {
    const machine = new Machine(e.start(), 0)
    machine.start(1, 0)
    t.same(machine.pass(0), [])
    t.same(machine.pass(1), [1])
    t.end()
  })

  t.test(`${e.kind}: a stopped timer does not fire, a restarted one only at its new time`, t => {
    const machine = new Machine(e.start(), 0)
    machine.start(1, 5)
    machine.start(2, 5)
    machine.stop(1)
    machine.stop(1)
    machine.start(2, 50)
    t.same(machine.pass(49), [])
    t.same(machine.pass(1), [2])
    t.end()
  })

  t.test(`${e.kind}: timers of one expiry fire in the order they were started, near and far`, t => {
    for (const delay of [1, 31, 32, 33, 1023, 1024, 40000, 1 << 20, 0x40000000]) {
      const machine = new Machine(e.start(), 17)
      for (const number of [5, 3, 9, 1]) machine.start(number, delay)
      t.same(machine.pass(delay - 1), [], `${delay} ms: not yet`)
      machine.start(2, 1)
      t.same(machine.pass(1), [5, 3, 9, 1, 2], `${delay} ms`)
    }
    t.end()
  })

  t.test(`${e.kind}: a longer delay than 2^31 - 1 is cut to that`, t => {
    const machine = new Machine(e.start(), 0)
    machine.start(1, 0xffffffff)
    t.same(machine.pass(0x7ffffffe), [])
    t.same(machine.pass(1), [1])
    t.end()
  })

  t.test(`${e.kind}: a callback restarts its timer, and it does not fire again in the same run`, t => {
    const machine = new Machine(e.start(), 0)
    machine.m.call('setAction', 1, Action.Restart, 0, 0)
    machine.start(1, 3)
    t.same(machine.pass(100), [1])
    t.same(machine.pass(1), [1])
    t.same(machine.pass(0), [])
    t.end()
  })

  t.test(`${e.kind}: a callback stops a timer of the same millisecond, and a later one`, t => {
    const machine = new Machine(e.start(), 0)
    machine.m.call('setAction', 1, Action.StopOther, 2, 0)
    machine.m.call('setAction', 3, Action.StopOther, 4, 0)
    for (const [number, delay] of [[1, 5], [2, 5], [3, 5], [4, 6]] as const) machine.start(number, delay)
    t.same(machine.pass(10), [1, 3])
    t.equal(machine.m.call('timersActive'), 0)
    t.end()
  })

  t.test(`${e.kind}: a callback starts another timer, whose delay counts from now`, t => {
    const machine = new Machine(e.start(), 0)
    machine.m.call('setAction', 1, Action.StartOther, 2, 7)
    machine.start(1, 1)
    t.same(machine.pass(50), [1])
    t.same(machine.pass(6), [])
    t.same(machine.pass(1), [2])
    t.end()
  })

  t.test(`${e.kind}: the time wraps at 2^32 ms`, t => {
    const machine = new Machine(e.start(), 2 ** 32 - 10)
    machine.start(1, 5)
    machine.start(2, 15)
    machine.start(3, 100000)
    machine.start(4, 0x7fffffff)
    t.same(machine.pass(9), [1])
    t.same(machine.pass(5), [])
    t.same(machine.pass(1), [2])
    t.same(machine.pass(100000), [3])
    t.same(machine.pass(0x7fffffff), [4])
    t.end()
  })

  t.test(`${e.kind}: timersNext is never late, and sleeping by it fires on the millisecond`, t => {
    const machine = new Machine(e.start(), 12345)
    machine.start(1, 1_000_000)
    let passed = 0
    let sleeps = 0
    while (machine.active(1)) {
      const wait = machine.next()
      if (wait === 0 || passed + wait > 1_000_000) throw new Error(`would sleep ${wait} ms after ${passed}`)
      machine.pass(wait)
      passed += wait
      sleeps++
    }
    t.equal(passed, 1_000_000)
    t.ok(sleeps <= 7, `${sleeps} sleeps, one a level at most`)
    t.end()
  })

  t.test(`${e.kind}: 6,000 random steps as the model`, t => {
    for (const [seed, begin] of [[1, 0], [77, 2 ** 32 - 60000], [4711, 2 ** 31 - 500]] as const) {
      const machine = new Machine(e.start(), begin)
      const model = new Model(begin)
      const pick = random(seed)
      for (let step = 0; step < 2000; step++) {
        const number = pick(200)
        const delay = [pick(40), pick(2000), pick(100000), pick(1 << 30)][pick(4)]!
        if (pick(5) < 3) {
          machine.start(number, delay)
          model.start(number, delay)
        } else if (pick(4) === 0) {
          machine.stop(number)
          model.stop(number)
        } else {
          const wait = [pick(3), pick(100), pick(5000), pick(1 << 27)][pick(4)]!
          const [fired, expected] = [machine.pass(wait), model.pass(wait)]
          if (String(fired) !== String(expected)) throw new Error(`seed ${seed}, step ${step}: ${fired} fired, not ${expected}`)
        }
        if (machine.m.call('timersActive') !== model.timers.length) throw new Error(`seed ${seed}, step ${step}: count`)
        if (machine.next() > model.next()) throw new Error(`seed ${seed}, step ${step}: timersNext is late`)
      }
      t.pass(`seed ${seed}`)
    }
    t.end()
  })
}
