// A kernel that counts its own instructions: the real one, whose main loop is run round by round on a known number of
// frames. Under `qemu -icount shift=0` the time-stamp counter counts guest instructions; nothing is counted while the
// kernel waits for the device, so a figure does not depend on how fast that is. The last word of the command line says how
// many frames make a batch (`count=64`, `count=1`), that it sends (`count=send`), or that its services move a stream
// (`count=tcp`). What comes to UDP port 9 is read from a socket. test/bench/icount.ts boots it.

import { NicKind, nicFirst, type Nic } from '../../kernel/drivers/net/nic.ts'
import { virtioNetOf, type VirtioNet } from '../../kernel/drivers/net/virtio-net.ts'
import { queueReady } from '../../kernel/drivers/virtio/queue.ts'
import { clockUpdate, nowMilliseconds } from '../../kernel/lib/clock.ts'
import { load32, rdtsc } from '../../kernel/lib/intrinsics.ts'
import { staticMemory, type u32 } from '../../kernel/lib/layout.ts'
import { Level, logDecimal, logEnd, logStart } from '../../kernel/lib/log.ts'
import { loopOnce } from '../../kernel/loop.ts'
import { socketBind, socketConnect, socketCreate, socketReceive, socketSend } from '../../kernel/net/socket/api.ts'
import { SocketType } from '../../kernel/net/socket/socket.ts'
import { asked } from './asked.ts'

const UDP: u32 = 17
const DISCARD: u32 = 9
const PEER: u32 = 0x0a4d0001 // 10.77.0.1
const BYTES: u32 = 64
const ROOM: u32 = 2048
const MANY: u32 = 64
/** Milliseconds after which frames that are no batch are served without being counted. */
const PATIENCE: u32 = 100
const STREAM_BYTES: u32 = 4 << 20

const data = staticMemory(ROOM, 16)
const ticks = staticMemory(8, 8)
let handle: u32 = 0

/** With `count=`; does not return then. */
export function count(): void {
  if (asked('count=', 'tcp')) streamRounds()
  const sends = asked('count=', 'send')
  const one = asked('count=', '1')
  if (!sends && !one && !asked('count=', '64')) return
  handle = socketCreate(SocketType.Datagram, UDP) as number as u32
  if (sends) sendBatches()
  socketBind(handle, 0, DISCARD)
  while (true) batch(one ? 1 : MANY)
}

function instructions(): u32 {
  rdtsc(ticks)
  return load32(ticks, 0)
}

function card(): VirtioNet {
  return virtioNetOf(nicFirst()!)
}

/** A round of the main loop, and whatever the socket has then. */
function round(): void {
  loopOnce()
  while (socketReceive(handle, data, ROOM, 0) >= 0) continue
}

/** The instructions of a round. */
function counted(): u32 {
  const start = instructions()
  round()
  return instructions() - start
}

/** Wait until all that was sent can be reclaimed; lo comes after the cards. */
function settle(): void {
  let each: Nic | null = nicFirst()
  while (each != null && each.kind == NicKind.Ethernet) {
    const queue = virtioNetOf(each).transmitQueue
    while (queueReady(queue) != queue.inFlight) continue
    each = each.next
  }
}

function report(frames: u32, all: u32, idle: u32): void {
  if (!logStart(Level.Info, 'bench', 'instructions')) return
  logDecimal('frames', frames)
  logDecimal('all', all)
  logDecimal('idle', idle)
  logEnd()
}

/** Wait for a batch; what less has come after a while is served uncounted. */
function gathered(frames: u32): boolean {
  clockUpdate()
  const start = nowMilliseconds()
  while (nowMilliseconds() - start < PATIENCE) {
    if (queueReady(card().receiveQueue) >= frames) return true
    clockUpdate()
  }
  return false
}

/** Two rounds and an idle one: frames in and what they cause out, what that used reclaimed, nothing. */
function batch(frames: u32): void {
  if (!gathered(frames)) return round()
  const nic = card().nic
  const before: u32 = nic.receivedFrames
  let all = counted()
  const took: u32 = nic.receivedFrames - before
  settle()
  all += counted()
  report(took, all, counted())
}

/** Rounds in which something was done, until so much has moved that it is worth a line; the others do not count. */
function streamRounds(): never {
  const nic = card().nic
  let all: u32 = 0
  let from: u32 = moved(nic)
  while (true) {
    const start = instructions()
    const worked = loopOnce()
    if (worked) all += instructions() - start
    const bytes: u32 = moved(nic) - from
    if (bytes >= STREAM_BYTES) {
      report(bytes >>> 10, all, 0)
      all = 0
      from = moved(nic)
    }
  }
}

/** Bytes of all frames so far, in and out, modulo 2^32. */
function moved(nic: Nic): u32 {
  return nic.receivedBytes + nic.transmittedBytes
}

function sendBatches(): never {
  socketConnect(handle, PEER, DISCARD)
  while (true) {
    gathered(MANY)
    round()
    settle()
    const start = instructions()
    let sent: u32 = 0
    while (sent < MANY && socketSend(handle, data, BYTES, 0) >= 0) sent += 1
    let all: u32 = instructions() - start + counted()
    settle()
    all += counted()
    report(sent, all, counted())
  }
}
