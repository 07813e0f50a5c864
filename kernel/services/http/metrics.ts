// /metrics: counters in the text format of Prometheus, version 0.0.4. Main-loop context only.
//
// Each metric is a HELP and a TYPE line and its samples; counters end in _total; labels are what the kernel named itself.

import { VERSION } from '../../config.ts'
import { staticStruct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logCount } from '../../lib/log.ts'
import { writeDecimal, writeDecimal64, writeText, type TextWriter } from '../../lib/print.ts'
import { packetsFree, packetsTotal } from '../../drivers/net/packet.ts'
import { PAGE_SHIFT } from '../../mm/address.ts'
import { framesFree, framesTotal } from '../../mm/frames.ts'
import { interfaceStatistics } from '../../net/device.ts'
import { InterfaceStatistics, interfaceFirst, type NetInterface } from '../../net/interface.ts'
import { Drop, counters, dropCount, dropName } from '../../net/stats.ts'
import { socketCounters } from '../../net/socket/table.ts'
import { tcpCounters } from '../../net/tcp/stats.ts'
import { swapManager } from '../../swap/start.ts'
import { SwapStats, swapStatsFill } from '../../swap/stats.ts'
import { httpCounters, httpListener } from './counters.ts'
import { uptimeWrite } from './stats.ts'

const statistics = staticStruct<InterfaceStatistics>()
const swap = staticStruct<SwapStats>()

/** Write all of it. */
export function metricsWrite(writer: TextWriter): void {
  head(writer, 'build_info', 'gauge', 'The version that runs.')
  writeText(writer, 'porphyry_build_info{version="')
  writeText(writer, VERSION)
  writeText(writer, '"} 1\n')
  head(writer, 'uptime_seconds', 'gauge', 'Seconds since boot.')
  writeText(writer, 'porphyry_uptime_seconds ')
  uptimeWrite(writer)
  writeText(writer, '\n')
  gauge(writer, 'memory_bytes', 'RAM the kernel manages.', framesTotal() << PAGE_SHIFT)
  gauge(writer, 'memory_free_bytes', 'RAM that nobody uses.', framesFree() << PAGE_SHIFT)
  gauge(writer, 'packets', 'Packet buffers.', packetsTotal())
  gauge(writer, 'packets_free', 'Packet buffers that nobody uses.', packetsFree())
  gauge(writer, 'sockets', 'Sockets that are open.', socketCounters.open)
  counter(writer, 'log_errors_total', 'Log lines of level error.', logCount(Level.Error))
  counter(writer, 'log_warnings_total', 'Log lines of level warn.', logCount(Level.Warn))
  protocols(writer)
  interfaces(writer)
  drops(writer)
  swapped(writer)
}

function head(writer: TextWriter, name: cstring, type: cstring, help: cstring): void {
  writeText(writer, '# HELP porphyry_')
  writeText(writer, name)
  writeText(writer, ' ')
  writeText(writer, help)
  writeText(writer, '\n# TYPE porphyry_')
  writeText(writer, name)
  writeText(writer, ' ')
  writeText(writer, type)
  writeText(writer, '\n')
}

function gauge(writer: TextWriter, name: cstring, help: cstring, value: u32): void {
  head(writer, name, 'gauge', help)
  sample(writer, name, value)
}

function counter(writer: TextWriter, name: cstring, help: cstring, value: u32): void {
  head(writer, name, 'counter', help)
  sample(writer, name, value)
}

function sample(writer: TextWriter, name: cstring, value: u32): void {
  writeText(writer, 'porphyry_')
  writeText(writer, name)
  writeText(writer, ' ')
  writeDecimal(writer, value)
  writeText(writer, '\n')
}

function protocols(writer: TextWriter): void {
  counter(writer, 'ipv4_received_total', 'IPv4 packets received.', counters.ipv4Received)
  counter(writer, 'ipv4_sent_total', 'IPv4 packets sent.', counters.ipv4Sent)
  counter(writer, 'ipv4_forwarded_total', 'IPv4 packets forwarded.', counters.ipv4Forwarded)
  counter(writer, 'udp_received_total', 'UDP datagrams received.', counters.udpReceived)
  counter(writer, 'udp_sent_total', 'UDP datagrams sent.', counters.udpSent)
  gauge(writer, 'tcp_connections', 'TCP connections, in any state but TIME-WAIT.', tcpCounters.currentConnections)
  counter(writer, 'tcp_segments_received_total', 'TCP segments received.', tcpCounters.segmentsIn)
  counter(writer, 'tcp_segments_sent_total', 'TCP segments sent.', tcpCounters.segmentsOut)
  counter(writer, 'tcp_segments_retransmitted_total', 'TCP segments sent again.', tcpCounters.segmentsRetransmitted)
  counter(writer, 'tcp_timeouts_total', 'Retransmission timeouts.', tcpCounters.timeouts)
  counter(writer, 'tcp_resets_sent_total', 'TCP resets sent.', tcpCounters.resetsOut)
  gauge(writer, 'http_connections', 'HTTP connections that are open.', httpListener.pool.used)
  counter(writer, 'http_accepted_total', 'HTTP connections accepted.', httpListener.accepted)
  counter(writer, 'http_expired_total', 'HTTP connections on which nothing moved for too long.', httpListener.expired)
  counter(writer, 'http_answers_total', 'HTTP answers, this one included.', httpCounters.answers)
}

function interfaces(writer: TextWriter): void {
  interfaceCounter(writer, 'received_packets_total', 'Frames received.', statistics.receivedPackets)
  interfaceCounter(writer, 'received_bytes_total', 'Bytes of frames received.', statistics.receivedBytes)
  interfaceCounter(writer, 'receive_errors_total', 'Frames received that are none.', statistics.receiveErrors)
  interfaceCounter(writer, 'receive_dropped_total', 'Frames received for nobody here.', statistics.dropped)
  interfaceCounter(writer, 'sent_packets_total', 'Frames sent.', statistics.transmittedPackets)
  interfaceCounter(writer, 'sent_bytes_total', 'Bytes of frames sent.', statistics.transmittedBytes)
  interfaceCounter(writer, 'send_errors_total', 'Frames refused by the card or the interface.', statistics.transmitErrors)
}

/** One counter of every interface; `place` is where `statistics` has it. */
function interfaceCounter(writer: TextWriter, name: cstring, help: cstring, place: ptr): void {
  writeText(writer, '# HELP porphyry_interface_')
  writeText(writer, name)
  writeText(writer, ' ')
  writeText(writer, help)
  writeText(writer, '\n# TYPE porphyry_interface_')
  writeText(writer, name)
  writeText(writer, ' counter\n')
  let netif: NetInterface | null = interfaceFirst()
  while (netif != null) {
    interfaceStatistics(netif, statistics)
    writeText(writer, 'porphyry_interface_')
    writeText(writer, name)
    writeText(writer, '{interface="')
    writeText(writer, netif.name as cstring)
    writeText(writer, '"} ')
    writeDecimal64(writer, place)
    writeText(writer, '\n')
    netif = netif.next
  }
}

function drops(writer: TextWriter): void {
  head(writer, 'dropped_packets_total', 'counter', 'Packets dropped, by reason.')
  for (let reason: u32 = 1; reason < Drop.Count; reason++) {
    const count: u32 = dropCount(reason as Drop)
    if (count == 0) continue
    writeText(writer, 'porphyry_dropped_packets_total{reason="')
    writeText(writer, dropName(reason as Drop))
    writeText(writer, '"} ')
    writeDecimal(writer, count)
    writeText(writer, '\n')
  }
}

function swapped(writer: TextWriter): void {
  swapStatsFill(swapManager(), swap)
  gauge(writer, 'swap_slots', 'Pages the swap area has room for.', swap.totalSlots)
  gauge(writer, 'swap_used_slots', 'Pages in the swap area.', swap.usedSlots)
  counter(writer, 'swap_written_total', 'Pages written to the swap area.', swap.written)
  counter(writer, 'swap_read_total', 'Pages read from the swap area.', swap.read)
  counter(writer, 'swap_errors_total', 'Pages that could not be written, read, or were not what was written.',
    swap.writeErrors + swap.readErrors + swap.checksumErrors)
}
