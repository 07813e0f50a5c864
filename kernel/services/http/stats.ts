// /api/stats: the kernel's counters as JSON. The schema is in docs/services.md and only grows. Main-loop context only.
//
// All is read and written anew for each answer, but for the log: its lines are put into JSON when there is a new one.

import { HTTP_LOG, VERSION } from '../../config.ts'
import { clockNow64 } from '../../lib/clock.ts'
import { copy64, divide64, load8 } from '../../lib/intrinsics.ts'
import { plus, staticMemory, staticStruct, type cstring, type u32 } from '../../lib/layout.ts'
import { Level, logCount, logRecent } from '../../lib/log.ts'
import {
  TextWriter, writeBytes, writeChar, writeDecimal, writeDecimal64, writeIpv4, writeMac, writePadded, writeText, writerInit,
  writerLength,
} from '../../lib/print.ts'
import { packetsFree, packetsTotal } from '../../drivers/net/packet.ts'
import { PAGE_SHIFT } from '../../mm/address.ts'
import { framesFree, framesTotal } from '../../mm/frames.ts'
import { heapStats } from '../../mm/heap.ts'
import { sourceName } from '../../net/configure.ts'
import { interfaceStatistics } from '../../net/device.ts'
import { InterfaceStatistics, interfaceAddressAt, interfaceFirst, type NetInterface } from '../../net/interface.ts'
import { Drop, counters, dropCount, dropName, dropTotal } from '../../net/stats.ts'
import { socketCounters } from '../../net/socket/table.ts'
import { tcpCounters } from '../../net/tcp/stats.ts'
import { swapManager } from '../../swap/start.ts'
import { SwapStats, swapStatsFill } from '../../swap/stats.ts'
import { httpCounters, httpListener } from './counters.ts'
import { jsonBoolean, jsonNumber, jsonNumber64, jsonString, jsonText } from './json.ts'

/** The log's lines as JSON: each byte of HTTP_LOG escaped, three more for each line. */
const LOG_ROOM: u32 = 8192
const NEWLINE: u32 = 0x0a
const COMMA: u32 = 0x2c

const seconds = staticMemory(8)
const statistics = staticStruct<InterfaceStatistics>()
const swap = staticStruct<SwapStats>()
const logBytes = staticMemory(HTTP_LOG)
const logMade = staticMemory(LOG_ROOM)
const logWriter = staticStruct<TextWriter>()
let logLines: u32 = 0

/** Write all of it. */
export function statsWrite(writer: TextWriter): void {
  jsonText(writer, '{"version":', VERSION)
  writeText(writer, ',"uptime_seconds":')
  uptimeWrite(writer)
  memory(writer)
  interfaces(writer)
  protocols(writer)
  drops(writer)
  swapped(writer)
  writeText(writer, ',"log":[')
  log(writer)
  writeText(writer, ']}\n')
}

/** Seconds since boot, with three decimals. */
export function uptimeWrite(writer: TextWriter): void {
  copy64(seconds, 0, clockNow64(), 0)
  const microseconds: u32 = divide64(seconds, seconds, 1000000)
  writeDecimal64(writer, seconds)
  writeChar(writer, 0x2e)
  writePadded(writer, microseconds / 1000, 3, 0x30)
}

function memory(writer: TextWriter): void {
  jsonNumber(writer, ',"memory":{"total_bytes":', framesTotal() << PAGE_SHIFT)
  jsonNumber(writer, ',"free_bytes":', framesFree() << PAGE_SHIFT)
  jsonNumber(writer, ',"heap_bytes":', heapStats().bytes)
  jsonNumber(writer, '},"packets":{"total":', packetsTotal())
  jsonNumber(writer, ',"free":', packetsFree())
  writeText(writer, '}')
}

function interfaces(writer: TextWriter): void {
  let netif: NetInterface | null = interfaceFirst()
  let before: cstring = ',"interfaces":[{'
  if (netif == null) writeText(writer, ',"interfaces":[')
  while (netif != null) {
    writeText(writer, before)
    before = '},{'
    oneInterface(writer, netif)
    netif = netif.next
    if (netif == null) writeText(writer, '}')
  }
  writeText(writer, ']')
}

function oneInterface(writer: TextWriter, netif: NetInterface): void {
  jsonText(writer, '"name":', netif.name as cstring)
  writeText(writer, ',"mac":"')
  writeMac(writer, netif.mac)
  jsonBoolean(writer, '","up":', netif.up)
  jsonBoolean(writer, ',"link":', netif.nic.linkUp)
  jsonNumber(writer, ',"mtu":', netif.mtu)
  jsonNumber(writer, ',"vlan":', netif.vlanId)
  jsonText(writer, ',"source":', sourceName(netif.source))
  addresses(writer, netif)
  interfaceStatistics(netif, statistics)
  jsonNumber64(writer, ',"received":{"packets":', statistics.receivedPackets)
  jsonNumber64(writer, ',"bytes":', statistics.receivedBytes)
  jsonNumber64(writer, ',"errors":', statistics.receiveErrors)
  jsonNumber64(writer, ',"dropped":', statistics.dropped)
  jsonNumber64(writer, '},"sent":{"packets":', statistics.transmittedPackets)
  jsonNumber64(writer, ',"bytes":', statistics.transmittedBytes)
  jsonNumber64(writer, ',"errors":', statistics.transmitErrors)
  writeText(writer, '}')
}

function addresses(writer: TextWriter, netif: NetInterface): void {
  writeText(writer, ',"addresses":[')
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const each = interfaceAddressAt(netif, i)
    if (i != 0) writeChar(writer, COMMA)
    writeText(writer, '"')
    writeIpv4(writer, each.address)
    writeText(writer, '/')
    writeDecimal(writer, each.prefixLength)
    writeText(writer, '"')
  }
  writeText(writer, ']')
  if (netif.gateway == 0) return
  writeText(writer, ',"gateway":"')
  writeIpv4(writer, netif.gateway)
  writeText(writer, '"')
}

function protocols(writer: TextWriter): void {
  jsonNumber(writer, ',"ipv4":{"received":', counters.ipv4Received)
  jsonNumber(writer, ',"sent":', counters.ipv4Sent)
  jsonNumber(writer, ',"forwarded":', counters.ipv4Forwarded)
  jsonNumber(writer, '},"udp":{"received":', counters.udpReceived)
  jsonNumber(writer, ',"sent":', counters.udpSent)
  jsonNumber(writer, '},"tcp":{"connections":', tcpCounters.currentConnections)
  jsonNumber(writer, ',"opened":', tcpCounters.activeOpens)
  jsonNumber(writer, ',"accepted":', tcpCounters.passiveOpens)
  jsonNumber(writer, ',"segments_in":', tcpCounters.segmentsIn)
  jsonNumber(writer, ',"segments_out":', tcpCounters.segmentsOut)
  jsonNumber(writer, ',"retransmitted":', tcpCounters.segmentsRetransmitted)
  jsonNumber(writer, ',"timeouts":', tcpCounters.timeouts)
  jsonNumber(writer, ',"resets_out":', tcpCounters.resetsOut)
  jsonNumber(writer, ',"errors_in":', tcpCounters.errorsIn)
  jsonNumber(writer, ',"cookies_sent":', tcpCounters.cookiesSent)
  jsonNumber(writer, ',"cookies_accepted":', tcpCounters.cookiesAccepted)
  jsonNumber(writer, '},"sockets":{"open":', socketCounters.open)
  jsonNumber(writer, ',"created":', socketCounters.created)
  jsonNumber(writer, ',"refused":', socketCounters.refused)
  jsonNumber(writer, '},"http":{"connections":', httpListener.pool.used)
  jsonNumber(writer, ',"accepted":', httpListener.accepted)
  jsonNumber(writer, ',"expired":', httpListener.expired)
  jsonNumber(writer, ',"answers":', httpCounters.answers)
  writeText(writer, '}')
}

function drops(writer: TextWriter): void {
  jsonNumber(writer, ',"drops":{"total":', dropTotal())
  writeText(writer, ',"reasons":{')
  let isFirst: boolean = true
  for (let reason: u32 = 1; reason < Drop.Count; reason++) {
    const count: u32 = dropCount(reason as Drop)
    if (count == 0) continue
    if (!isFirst) writeChar(writer, COMMA)
    isFirst = false
    jsonText(writer, '', dropName(reason as Drop))
    jsonNumber(writer, ':', count)
  }
  writeText(writer, '}}')
}

/** null while there is no swap. */
function swapped(writer: TextWriter): void {
  swapStatsFill(swapManager(), swap)
  writeText(writer, ',"swap":')
  if (swap.totalSlots == 0) {
    writeText(writer, 'null')
    return
  }
  jsonNumber(writer, '{"slots":', swap.totalSlots)
  jsonNumber(writer, ',"used":', swap.usedSlots)
  jsonNumber(writer, ',"written":', swap.written)
  jsonNumber(writer, ',"read":', swap.read)
  jsonNumber(writer, ',"errors":', swap.writeErrors + swap.readErrors + swap.checksumErrors)
  writeText(writer, '}')
}

function log(writer: TextWriter): void {
  const lines: u32 = logCount(Level.Error) + logCount(Level.Warn) + logCount(Level.Info) + logCount(Level.Debug)
  if (lines != logLines) makeLog()
  logLines = lines
  writeBytes(writer, logMade, writerLength(logWriter))
}

/** The log's last lines, each a string, oldest first. */
function makeLog(): void {
  const length: u32 = logRecent(logBytes, HTTP_LOG)
  writerInit(logWriter, logMade, LOG_ROOM)
  let start: u32 = 0
  for (let i: u32 = 0; i < length; i++) {
    if (load8(logBytes, i) != NEWLINE) continue
    if (start != 0) writeChar(logWriter, COMMA)
    jsonString(logWriter, plus(logBytes, start), i - start)
    start = i + 1
  }
}
