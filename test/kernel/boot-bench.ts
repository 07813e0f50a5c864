// A kernel for benchmarks: the real one, whose main loop also sends. `bench=send` on its command line (which the kernel
// itself warns of as an unknown key) makes it send UDP datagrams of 64 bytes to 10.77.0.1 port 9 by a socket, as many as
// the card takes, for ever; `bench=count` makes it tell after each pause how many datagrams a socket on port 9 has had.
// test/bench/udp.ts boots it.

import { staticStruct, staticMemory, type u32 } from '../../kernel/lib/layout.ts'
import { Level, logDecimal, logEnd, logStart } from '../../kernel/lib/log.ts'
import { Timer, timerStart } from '../../kernel/lib/timer.ts'
import { loopOnce } from '../../kernel/loop.ts'
import { idleWait } from '../../kernel/arch/x86/idle.ts'
import { socketBind, socketConnect, socketCreate, socketReceive, socketSend } from '../../kernel/net/socket/api.ts'
import { SocketType } from '../../kernel/net/socket/socket.ts'
import { asked } from './asked.ts'

const UDP: u32 = 17
const DISCARD: u32 = 9
const PEER: u32 = 0x0a4d0001 // 10.77.0.1
const BYTES: u32 = 64
/** Datagrams between two looks at the rest of the machine's work. */
const BATCH: u32 = 64
const PAUSE: u32 = 300 // milliseconds
const ROOM: u32 = 2048

const data = staticMemory(2048, 16)
const timer = staticStruct<Timer>()
let count: u32 = 0
let seen: u32 = 0
let told: u32 = 0

/** With `bench=`. */
export function benchmark(): void {
  if (asked('bench=', 'send')) send()
  if (asked('bench=', 'count')) receive()
}

function send(): never {
  const handle: u32 = socketCreate(SocketType.Datagram, UDP) as number as u32
  socketConnect(handle, PEER, DISCARD)
  while (true) {
    let sent: u32 = 0
    while (sent < BATCH && socketSend(handle, data, BYTES, 0) >= 0) sent += 1
    if (!loopOnce() && sent == 0) idleWait()
  }
}

function receive(): never {
  const handle: u32 = socketCreate(SocketType.Datagram, UDP) as number as u32
  socketBind(handle, 0, DISCARD)
  timerStart(timer, PAUSE, tell)
  while (true) {
    const more: boolean = loopOnce()
    let took: u32 = 0
    while (socketReceive(handle, data, ROOM, 0) >= 0) took += 1
    count += took
    if (!more && took == 0) idleWait()
  }
}

/** As test/bench/c/udp-guest.c does: when nothing came since the last look, and the figure is new. */
function tell(fired: Timer): void {
  if (count == seen && count != told && logStart(Level.Info, 'bench', 'sink')) {
    told = count
    logDecimal('datagrams', count)
    logEnd()
  }
  seen = count
  timerStart(fired, PAUSE, tell)
}
