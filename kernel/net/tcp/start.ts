// TCP from nothing: empty tables, new keys, and the stream sockets are its. Called by netInit.

import { staticStruct } from '../../lib/layout.ts'
import { StreamOperations, streamRegister } from '../socket/stream.ts'
import { challengesInit } from './challenge.ts'
import { tcpIcmpError } from './icmp.ts'
import { earlyInit } from './early.ts'
import { listenersInit } from './listener.ts'
import { pendingInit } from './pending.ts'
import { portsInit } from './ports.ts'
import { retransmitInit } from './retransmit.ts'
import { secretInit } from './secret.ts'
import {
  streamAccept, streamAvailable, streamBind, streamClose, streamConnect, streamEvents, streamListen, streamOpen,
  streamOptionChanged, streamReceive, streamRetransmits, streamSegment, streamSend, streamShutdown,
  streamUnacknowledged,
} from './socket.ts'
import { tcpCountersInit } from './stats.ts'
import { tcpTableInit } from './table.ts'
import { timeWaitInit } from './time-wait.ts'
import { tcpTuningInit } from './tuning.ts'

const operations = staticStruct<StreamOperations>()

/** No connections. Needs the clock, timers, random numbers, and the socket core. */
export function tcpInit(): void {
  tcpCountersInit()
  tcpTuningInit()
  secretInit()
  tcpTableInit()
  timeWaitInit()
  listenersInit()
  portsInit()
  pendingInit()
  earlyInit()
  challengesInit()
  retransmitInit()
  operations.open = streamOpen
  operations.bind = streamBind
  operations.listen = streamListen
  operations.accept = streamAccept
  operations.connect = streamConnect
  operations.send = streamSend
  operations.receive = streamReceive
  operations.shutdown = streamShutdown
  operations.close = streamClose
  operations.events = streamEvents
  operations.optionChanged = streamOptionChanged
  operations.error = tcpIcmpError
  operations.available = streamAvailable
  operations.unacknowledged = streamUnacknowledged
  operations.segmentOf = streamSegment
  operations.retransmits = streamRetransmits
  streamRegister(operations)
}
