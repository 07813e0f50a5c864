// A hostile wire: frames offered at one end come out at the other as a seed decides: lost, late, twice, in another
// order, with a bit changed, cut short, longer than they were, or not at all in one direction.
//
// The wire has no clock of its own: whoever owns it says what time it is, in milliseconds, so the same frames offered
// at the same times have the same fate for the same seed. Each frame draws the same number of random numbers whatever
// happens to it, from a generator of its direction: traffic one way does not change fates the other way.

import { type Bytes, bytes } from './bytes.ts'
import { randomFrom } from './garbage.ts'
import type { PcapWriter } from './pcap.ts'

/** What may happen to a frame, as probabilities from 0 to 1. */
export interface Harm {
  drop?: number
  /** Held back until the next frame of its direction has gone, or REORDER_LIMIT has passed. */
  reorder?: number
  /** A copy follows, after a delay of its own. */
  duplicate?: number
  /** Some more milliseconds on the wire, up to `delayMilliseconds`. */
  delay?: number
  delayMilliseconds?: number
  /** One bit, anywhere from the frame's first to its last. */
  flip?: number
  /** Cut to a length from one byte to one less than it had. */
  truncate?: number
  /** 1 to 64 random bytes behind it. */
  append?: number
}

export type Direction = 'there' | 'back'
/** What a wire did, counted a direction. */
export type Deed =
  'offered' | 'delivered' | 'dropped' | 'reordered' | 'duplicated' | 'delayed' | 'flipped' | 'truncated' | 'appended' | 'silenced'

export interface HostileOptions {
  seed: number
  /** Both ways, unless one is given for a direction. */
  harm?: Harm
  there?: Harm
  back?: Harm
  /** Milliseconds every frame takes. */
  latency?: number
  /** Each frame delivered is written here, at the time of its delivery. */
  capture?: PcapWriter
}

export interface Delivery { direction: Direction, frame: Bytes, at: number }

interface Held extends Delivery { order: number }

/** Milliseconds after which a frame that waits to be overtaken goes anyway. */
const REORDER_LIMIT = 20
const LONGEST_TAIL = 64
const DEEDS: Deed[] = ['offered', 'delivered', 'dropped', 'reordered', 'duplicated', 'delayed', 'flipped',
  'truncated', 'appended', 'silenced']

/** One direction: its generator, what waits to be overtaken, what it has done. */
class Lane {
  readonly random: (below: number) => number
  readonly deeds = Object.fromEntries(DEEDS.map(deed => [deed, 0])) as Record<Deed, number>
  overtaken: Held | undefined
  silent = false

  constructor(seed: number, public harm: Harm) {
    this.random = randomFrom(seed)
  }

  chance(probability = 0): boolean {
    return this.random(1_000_000) < probability * 1_000_000
  }
}

export class HostileWire {
  private readonly lanes: Record<Direction, Lane>
  private readonly held: Held[] = []
  private readonly latency: number
  private readonly capture: PcapWriter | undefined
  private order = 0

  constructor({ seed, harm = {}, there = harm, back = harm, latency = 0, capture }: HostileOptions) {
    this.lanes = { there: new Lane(seed, there), back: new Lane(seed ^ 0x5bd1e995, back) }
    this.latency = latency
    this.capture = capture
  }

  /** What happened in a direction so far. */
  deeds(direction: Direction): Readonly<Record<Deed, number>> {
    return this.lanes[direction].deeds
  }

  /** Let nothing more through in one direction, or let it through again. What is under way still arrives. */
  silence(direction: Direction, silent = true): void {
    this.lanes[direction].silent = silent
  }

  /** From now on, in a direction. */
  setHarm(direction: Direction, harm: Harm): void {
    this.lanes[direction].harm = harm
  }

  /** A frame enters the wire at `now`. */
  offer(direction: Direction, frame: Bytes, now: number): void {
    const lane = this.lanes[direction]
    const { deeds } = lane
    const fate = drawFate(lane, frame.length)
    deeds.offered++
    if (lane.silent) { deeds.silenced++; return }
    if (fate.drop) { deeds.dropped++; return }
    if (fate.late > 0) deeds.delayed++
    const at = now + this.latency + fate.late
    const hurt = this.hurt(lane, frame, fate)
    if (fate.reorder && lane.overtaken === undefined) {
      deeds.reordered++
      lane.overtaken = this.hold({ direction, frame: hurt, at: at + REORDER_LIMIT })
    } else {
      this.hold({ direction, frame: hurt, at })
      this.releaseOvertaken(lane, at)
    }
    if (!fate.duplicate) return
    deeds.duplicated++
    this.hold({ direction, frame: hurt, at: at + fate.copyLate })
  }

  /** When the next frame comes out; Infinity when the wire is empty. */
  next(): number {
    return this.held.reduce((least, { at }) => Math.min(least, at), Infinity)
  }

  /** Take what has come out by `now`, in the order it does. */
  take(now: number): Delivery[] {
    const due = this.held.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.order - b.order)
    for (const each of due) {
      const lane = this.lanes[each.direction]
      this.held.splice(this.held.indexOf(each), 1)
      if (lane.overtaken === each) lane.overtaken = undefined
      lane.deeds.delivered++
      this.capture?.write(each.frame, each.at)
    }
    return due.map(({ direction, frame, at }) => ({ direction, frame, at }))
  }

  private hold(delivery: Delivery): Held {
    const held = { ...delivery, order: this.order++ }
    this.held.push(held)
    return held
  }

  /** The frame that waited goes right behind the one that overtook it. */
  private releaseOvertaken(lane: Lane, at: number): void {
    if (lane.overtaken === undefined) return
    lane.overtaken.at = Math.min(lane.overtaken.at, at)
    lane.overtaken.order = this.order++
    lane.overtaken = undefined
  }

  /** The frame as it comes out: a copy, changed or not. */
  private hurt({ deeds }: Lane, frame: Bytes, fate: Fate): Bytes {
    let hurt: Bytes = Uint8Array.from(frame)
    if (fate.flip) { hurt[fate.bit >>> 3]! ^= 1 << (fate.bit & 7); deeds.flipped++ }
    if (fate.truncate && frame.length > 1) { hurt = hurt.subarray(0, fate.cut); deeds.truncated++ }
    if (!fate.append) return hurt
    deeds.appended++
    const random = randomFrom(fate.tailSeed)
    return bytes(hurt, Array.from({ length: fate.tail }, () => random(256)))
  }
}

/** All that is drawn for a frame, in the order it is drawn. */
function drawFate(lane: Lane, length: number) {
  const { harm } = lane
  return {
    drop: lane.chance(harm.drop), reorder: lane.chance(harm.reorder), duplicate: lane.chance(harm.duplicate),
    late: lateness(lane), copyLate: lateness(lane),
    flip: lane.chance(harm.flip), truncate: lane.chance(harm.truncate), append: lane.chance(harm.append),
    bit: lane.random(length * 8), cut: 1 + lane.random(Math.max(1, length - 1)),
    tail: 1 + lane.random(LONGEST_TAIL), tailSeed: lane.random(0xffffffff),
  }
}

type Fate = ReturnType<typeof drawFate>

function lateness(lane: Lane): number {
  const late = lane.chance(lane.harm.delay)
  const by = 1 + lane.random(Math.max(1, Math.floor(lane.harm.delayMilliseconds ?? 10)))
  return late ? by : 0
}
