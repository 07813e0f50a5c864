// Two stacks in one process with a hostile wire between them, in virtual time: milliseconds pass for the wire and for
// both stacks together, and only here. The same seed and the same actions give the same frames at the same times.

import type { Engine } from '../engine-instance.ts'
import type { Bytes } from './bytes.ts'
import { type Direction, HostileWire, type HostileOptions } from './hostile.ts'
import { Stack } from './stack.ts'

/** What the test's card records between two looks; test/kernel/net-nic.ts. */
const LONGEST_RECORD = 2048
const MOST_RECORDS = 128

/** The end that frames go `there` from. Its MAC address ends in 01, the other's in 02. */
export const LEFT = { ip: '10.0.0.1', mac: '02:00:00:00:00:01' }
export const RIGHT = { ip: '10.0.0.2', mac: '02:00:00:00:00:02' }

/** A stack's card on the wire: the first of the left one, the second of the right one, so that their MACs differ. */
interface Side<S extends Stack> { stack: S, nic: number, direction: Direction }

export class Pair<S extends Stack = Stack> {
  readonly left: S
  readonly right: S
  readonly wire: HostileWire
  /** Every frame that a stack put on the wire, before anything happened to it. */
  readonly sent: { direction: Direction, frame: Bytes }[] = []
  /** Whether `sent` is kept: a long run has no use for it. */
  keepsSent = true
  /** Milliseconds since both stacks were started. */
  now = 0
  private readonly sides: Side<S>[]

  constructor(engine: Engine, options: HostileOptions & { left?: string, right?: string, make?: new (engine: Engine, options: { two: true }) => S }) {
    const make = options.make ?? Stack as unknown as new (engine: Engine, options: { two: true }) => S
    this.wire = new HostileWire(options)
    this.left = new make(engine, { two: true })
    this.right = new make(engine, { two: true })
    this.sides = [{ stack: this.left, nic: 0, direction: 'there' }, { stack: this.right, nic: 1, direction: 'back' }]
    const values = [options.left ?? `${LEFT.ip}/24`, options.right ?? `${RIGHT.ip}/24`]
    for (const [i, { stack, nic }] of this.sides.entries()) {
      const result = stack.configure(values[i]!, nic)
      if (result !== 0) throw new Error(`${values[i]} refused: ${result}`)
    }
    this.exchange()
  }

  /** Let milliseconds pass: frames arrive when they are due, timers fire on their millisecond. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds
    this.exchange()
    while (this.now < end) {
      const timers = this.sides.map(({ stack }) => this.now + Math.max(1, stack.call('untilTimer') >>> 0))
      const next = Math.min(end, ...timers, Math.max(this.now + 1, Math.ceil(this.wire.next())))
      for (const { stack } of this.sides) stack.advance(next - this.now)
      this.now = next
      this.exchange()
    }
  }

  /** Milliseconds until a frame arrives or a timer fires: one at least. */
  untilNext(): number {
    this.exchange()
    const timers = this.sides.map(({ stack }) => stack.call('untilTimer') >>> 0)
    return Math.max(1, Math.min(...timers, Math.ceil(this.wire.next()) - this.now))
  }

  /** Put what the stacks sent on the wire, and what is due into the stacks, until nothing more is due now. */
  exchange(): void {
    for (let rounds = 0; ; rounds++) {
      if (rounds > 10_000) throw new Error('the two stacks answer each other without end')
      for (const side of this.sides) this.collect(side)
      const due = this.wire.take(this.now)
      if (due.length === 0) return
      for (const { direction, frame } of due) {
        const { stack, nic } = this.sides[direction === 'there' ? 1 : 0]!
        stack.receive(frame, { nic })
        for (const side of this.sides) this.collect(side)
      }
    }
  }

  private collect({ stack, nic, direction }: Side<S>): void {
    const count = stack.call('fakeSent')
    if (count === 0) return
    if (count > MOST_RECORDS) throw new Error(`${count} frames at once: the test's card keeps ${MOST_RECORDS}`)
    stack.sentBytes().forEach((frame, i) => {
      if (stack.call('fakeSentNic', i) !== nic) return
      if (stack.call('fakeSentLength', i) > LONGEST_RECORD) throw new Error("a frame longer than the test's card keeps")
      if (this.keepsSent) this.sent.push({ direction, frame })
      this.wire.offer(direction, frame, this.now)
    })
    stack.forget()
  }
}
