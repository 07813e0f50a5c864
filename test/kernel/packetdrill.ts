// The stack as a library for packetdrill: test/packetdrill/adapter.cc calls what is exported here. One card, one
// address, virtual time; the adapter says when time passes, and waits for those who wait.

import { POLL_BUDGET } from '../../kernel/config.ts'
import { clockSet } from '../../kernel/lib/clock.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { store64 } from '../../kernel/lib/intrinsics.ts'
import {
  plus, staticMemory, staticStruct, type PhysicalAddress, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { nicFirst, type Nic } from '../../kernel/drivers/net/nic.ts'
import { AddressConflict } from '../../kernel/lib/options.ts'
import { timersRun } from '../../kernel/lib/timer.ts'
import { roundBegin, roundEnd } from '../../kernel/lib/wait.ts'
import { framesAddRegion } from '../../kernel/mm/frames.ts'
import { heapInit } from '../../kernel/mm/heap.ts'
import { acdSetMode } from '../../kernel/net/acd/claims.ts'
import { InterfaceSpec, interfaceSpecParse } from '../../kernel/net/config.ts'
import { interfaceAt, type NetInterface } from '../../kernel/net/interface.ts'
import { netFlush, netPoll } from '../../kernel/net/poll.ts'
import { netConfigure, netInit } from '../../kernel/net/start.ts'
import { tcpTuning } from '../../kernel/net/tcp/tuning.ts'
import { linkMemory, linkStart } from './packetdrill-link.ts'
import { seedRandom } from './net-time.ts'

export { clockNow64 } from '../../kernel/lib/clock.ts'
export {
  socketAccept, socketBind, socketClose, socketConnect, socketCreate, socketDisconnect, socketError, socketListen, socketNames,
  socketReceiveFrom, socketSend, socketSendTo, socketShutdown,
} from '../../kernel/net/socket/api.ts'
export {
  pollSetAdd, pollSetClose, pollSetCreate, pollSetModify, pollSetRemove, pollSetTake, socketEvents,
} from '../../kernel/net/socket/poll.ts'
export { untilTimer } from './net-time.ts'
export { linuxTcpInfo, linuxTcpInfoSize } from './packetdrill-info.ts'
export { linuxSysctl } from './packetdrill-tuning.ts'
export { linkCuts, linkFull, linkLength, linkPacket, linkSend, linkTake, linkTime } from './packetdrill-link.ts'
export { linuxAvailable, linuxUnacknowledged, linuxGetOption, linuxSetOption, linuxNonBlocking, linuxSetNonBlocking, linuxTimeout } from './packetdrill-options.ts'

/** Packet buffers: a send and a receive buffer of 4 MiB each would not fit, those that scripts fill do. */
const PACKETS: u32 = 6144
const PAGE: u32 = 4096
const EXCHANGE: u32 = 131072

const exchange = staticMemory(EXCHANGE, 16)
const message = staticMemory(64)
const spec = staticStruct<InterfaceSpec>()
const time = staticMemory(8, 8)

/** Memory the adapter and the stack share for the time of one call: EXCHANGE bytes. */
export function exchangeMemory(): ptr {
  return exchange
}

/** The same for a SocketMessage, or two SocketNames. */
export function messageMemory(): ptr {
  return message
}

/**
 * The stack from nothing: packets and tables in the memory from `start` to `end`, random numbers from `seed`, its
 * address as in `eth0=`. Errors: InvalidArgument (`value`), netConfigure's.
 */
export function stackBegin(start: ptr, end: ptr, seed: u32, value: cstring): i32 {
  seedRandom(seed)
  linkStart(start, PACKETS)
  const rest = plus(start, linkMemory(PACKETS) + PAGE - 1) & ~(PAGE - 1)
  framesAddRegion((rest & 0x7fffffff) as PhysicalAddress, (end & 0x7fffffff) as PhysicalAddress)
  heapInit()
  netInit()
  tcpTuning.strict = false
  tcpTuning.probeLeast = 0
  acdSetMode(AddressConflict.Off)
  if (interfaceSpecParse(spec, value) != null) return Errno.InvalidArgument
  const configured: i32 = netConfigure(interfaceAt(0) as NetInterface, spec)
  stackRound()
  return configured
}

/** It is `high` × 2^32 + `low` microseconds since the start; never earlier than it was. */
export function timeSet(low: u32, high: u32): void {
  store64(time, 0, low, high)
  clockSet(time)
}

/** Do what is due: timers, packets that came, and what follows from them at once. */
export function stackRound(): void {
  roundBegin()
  timersRun()
  do {
    netPoll(POLL_BUDGET)
    netFlush()
  } while (packetsWait())
  roundEnd()
}

function packetsWait(): boolean {
  let each: Nic | null = nicFirst()
  while (each != null) {
    if (each.ready(each)) return true
    each = each.next
  }
  return false
}
