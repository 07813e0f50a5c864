// The kernel's services over streams, for unit tests: stream sockets are the pipes of stream-pipe.ts, time is virtual.

import { type PhysicalAddress, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { framesAddRegion } from '../../kernel/mm/frames.ts'
import { socketCounters } from '../../kernel/net/socket/table.ts'
import { servicesInit } from '../../kernel/services/stream-service.ts'
import { stackStart } from './net-stack.ts'
import { pipesStart } from './stream-pipe.ts'

export {
  pipeClose, pipeConnect, pipeEnd, pipeForget, pipeLimit, pipeRead, pipeReset, pipeRetransmits, pipeStatus, pipeWrite,
} from './stream-pipe.ts'
export { framesTotal } from '../../kernel/mm/frames.ts'
export { servicesPoll } from '../../kernel/services/stream-service.ts'
export { echoStreamStart } from '../../kernel/services/echo-stream.ts'
export { discardStreamBytes, discardStreamStart } from '../../kernel/services/discard-stream.ts'
export { chargenStreamStart } from '../../kernel/services/chargen-stream.ts'

/** A stack with one card; memory for tables from `memory` on. Stream sockets are pipes, not TCP's. */
export function servicesStart(memory: ptr, bytes: u32): void {
  const physical = (memory & 0x7fffffff) as PhysicalAddress
  framesAddRegion(physical, (physical + bytes) as PhysicalAddress)
  stackStart(0, 1500)
  pipesStart()
  servicesInit()
}

/** Sockets that are open. */
export function socketsOpen(): u32 {
  return socketCounters.open
}
