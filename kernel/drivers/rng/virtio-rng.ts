// The entropy device of virtio: 64 bytes of the hypervisor's at boot, and 64 more every five minutes, mixed into
// lib/random.ts. virtio 1.2 §5.4. Nobody waits for it: a timer looks whether the bytes have come; so the device
// needs no interrupt and gets none. Main-loop context only.

import { address, at, nth, staticRow, struct, type Embed, type PhysicalAddress, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logLine, logStart } from '../../lib/log.ts'
import { randomSeed } from '../../lib/random.ts'
import { fillBytes } from '../../lib/memory.ts'
import { Timer, timerStart } from '../../lib/timer.ts'
import { virtualOf } from '../../mm/address.ts'
import { frameAllocate } from '../../mm/frames.ts'
import { pciIntxEnable, type PciFunction } from '../pci/function.ts'
import { QueueFault, Virtqueue, queueAddOne, queueDisarm, queueKick, queueTake } from '../virtio/queue.ts'
import { virtioQueue } from '../virtio/queue-setup.ts'
import { FEATURE_EVENT_INDEX } from '../virtio/registers.ts'
import { DescriptorFlag } from '../virtio/ring.ts'
import {
  VirtioDevice, virtioBreak, virtioNegotiate, virtioOpen, virtioRefuse, virtioStart,
} from '../virtio/transport.ts'

@struct
export class VirtioRng {
  device: Embed<VirtioDevice>
  queue: Embed<Virtqueue>
  timer: Embed<Timer>
  buffer: PhysicalAddress
  received: u32 // bytes so far; wraps at 2^32
}

/** Twice the generator's key. */
const REQUEST_SIZE: u32 = 64
/** A first look soon after boot, then every second until the bytes are there. */
const FIRST_LOOK_MILLISECONDS: u32 = 10
const LOOK_MILLISECONDS: u32 = 1000
/** Between two requests. */
const RESEED_MILLISECONDS: u32 = 300000

/** One is enough; a second, from another source, does no harm. More are left alone. */
const DEVICE_LIMIT: u32 = 2
const devices = staticRow<VirtioRng>(DEVICE_LIMIT)
let count: u32 = 0

/** Entropy devices in use. */
export function virtioRngCount(): u32 {
  return count
}

/** Bring up the entropy device behind `fn` and ask it for bytes. False: it is left alone, and the log says why. */
export function virtioRngProbe(fn: PciFunction): boolean {
  if (count == DEVICE_LIMIT) {
    logLine(Level.Info, 'virtio-rng', 'not needed')
    return false
  }
  const rng = nth(devices, count)
  const device = rng.device
  if (!virtioOpen(device, fn)) return false
  if (!virtioNegotiate(device, FEATURE_EVENT_INDEX)) return false
  pciIntxEnable(fn, false)
  if (!virtioQueue(device, rng.queue, 0, false)) return false
  rng.buffer = frameAllocate(0)
  if (rng.buffer == 0) return virtioRefuse(device, 'no memory for its buffer')
  count += 1
  queueDisarm(rng.queue)
  virtioStart(device)
  virtioRngRequest(rng)
  return true
}

/** Ask for REQUEST_SIZE bytes and look for them a little later. */
export function virtioRngRequest(rng: VirtioRng): void {
  queueAddOne(rng.queue, rng.buffer, REQUEST_SIZE, DescriptorFlag.Write, address(rng))
  queueKick(rng.queue)
  rng.timer.owner = address(rng)
  timerStart(rng.timer, FIRST_LOOK_MILLISECONDS, look)
}

function ask(timer: Timer): void {
  virtioRngRequest(at<VirtioRng>(timer.owner))
}

/** Mix in what has come. */
function look(timer: Timer): void {
  const rng = at<VirtioRng>(timer.owner)
  const came: boolean = queueTake(rng.queue) != 0
  if (rng.queue.fault != QueueFault.None) {
    virtioBreak(rng.device, 'its used ring makes no sense') // its buffer is its own for good, reset or not
    return
  }
  if (!came) {
    timerStart(timer, LOOK_MILLISECONDS, look)
    return
  }
  queueDisarm(rng.queue)
  const bytes: u32 = rng.queue.usedLength // checked against REQUEST_SIZE by the queue
  randomSeed(virtualOf(rng.buffer), bytes)
  fillBytes(virtualOf(rng.buffer), 0, REQUEST_SIZE)
  rng.received += bytes
  if (logStart(Level.Debug, 'random', 'reseeded')) {
    logDecimal('bytes', bytes)
    logEnd()
  }
  timerStart(timer, RESEED_MILLISECONDS, ask)
}
