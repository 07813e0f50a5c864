// What the tests of IPv4 and ICMP ask beyond net-stack.ts: long packets out, forwarding, path MTUs, pings, and a
// listener for ICMP errors that remembers the last.

import { store8, storeBe16, storeBe32 } from '../../kernel/lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import { plus, staticMemory, staticStruct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import {
  Checksum, packetAllocate, packetAppend, packetFree, packetPrepend, type Packet,
} from '../../kernel/drivers/net/packet.ts'
import { fold, pseudoSum } from '../../kernel/net/checksum.ts'
import { pingReply, pingOf } from '../../kernel/net/icmp/ping.ts'
import { icmpErrorsTo } from '../../kernel/net/icmp/received.ts'
import { interfaceAt } from '../../kernel/net/interface.ts'
import {
  Ipv4Sending, ipv4Allocate, ipv4Append, ipv4OutputPrepared, ipv4OutputWith, ipv4SegmentLimit,
} from '../../kernel/net/ipv4/output.ts'
import { pathFind, routeAddValidated } from '../../kernel/net/ipv4/route.ts'
import { counters } from '../../kernel/net/stats.ts'
import { udpAllocate, udpOutput } from '../../kernel/net/udp/output.ts'

const sending = staticStruct<Ipv4Sending>()
const data = staticMemory(65536)
const scratch = staticMemory(8)

/** The bytes of `counting` in test/wire/stack.ts. */
function countingData(length: u32): ptr {
  for (let i: u32 = 0; i < length; i++) store8(data, i, (i * 7 + 3) & 0xff)
  return data
}

/** Send `length` bytes that count, in buffers each of which is a fragment on a link of `mtu`, in a given way. */
export function sendLong(
  destination: u32, protocol: u32, length: u32, mtu: u32, fragmentation: u32, timeToLive: u32,
): i32 {
  const path = pathFind(destination)
  const packet = ipv4Allocate(0)
  if (path == null || packet == null) return -1
  if (!ipv4Append(packet, mtu, countingData(length), length)) {
    packetFree(packet)
    return -2
  }
  sending.fragmentation = fragmentation
  sending.timeToLive = timeToLive
  sending.dscpEcn = 0
  return ipv4OutputWith(path, packet, path.source, destination, protocol, sending)
}

/** Send a UDP datagram of `length` bytes that count, buffers filled as they come. */
export function sendLongUdp(destination: u32, port: u32, fromPort: u32, length: u32): i32 {
  const packet = udpAllocate()
  if (packet == null) return -1
  if (!ipv4Append(packet, 2000, countingData(length), length)) {
    packetFree(packet)
    return -2
  }
  return udpOutput(packet, 0, fromPort, destination, port)
}

/**
 * Send TCP of `length` bytes that count, to be cut into segments of `size`, as kernel/net/tcp does: the headers in a buffer
 * of their own, the rest as they fit, `piece` bytes each. From port 0x1234, `flags` as they stand in the header.
 */
export function sendSegments(destination: u32, length: u32, size: u32, piece: u32, flags: u32): i32 {
  const path = pathFind(destination)
  const packet = ipv4Allocate(20)
  if (path == null || packet == null) return -1
  countingData(length)
  if (!appendPieces(packet, length, piece)) {
    packetFree(packet)
    return -2
  }
  const tcp: ptr = packetPrepend(packet, 20)
  zeroBytes(tcp, 20)
  storeBe16(tcp, 0, 0x1234)
  store8(tcp, 12, 0x50)
  store8(tcp, 13, flags)
  storeBe32(scratch, 0, path.source)
  storeBe32(scratch, 4, destination)
  storeBe16(tcp, 16, fold(pseudoSum(scratch, 6, 20 + length)))
  packet.checksum = Checksum.Partial
  packet.checksumStart = 0
  packet.checksumOffset = 16
  packet.segmentSize = size
  packet.headerLength = 40
  sending.fragmentation = 0
  sending.timeToLive = 0
  sending.dscpEcn = 0
  return ipv4OutputWith(path, packet, path.source, destination, 6, sending)
}

function appendPieces(packet: Packet, length: u32, piece: u32): boolean {
  let last: Packet = packet
  for (let done: u32 = 0; done < length; done += piece) {
    const next = packetAllocate(0)
    if (next == null) return false
    const here: u32 = length - done < piece ? length - done : piece
    copyBytes(packetAppend(next, here), plus(data, done), here)
    last.nextFragment = next
    last = next
  }
  return true
}

/** ipv4SegmentLimit of an address. */
export function segmentLimit(destination: u32): u32 {
  const path = pathFind(destination)
  return path == null ? 0 : ipv4SegmentLimit(path)
}

/** Send a packet that has its header, `length` bytes at `p` in all. */
export function sendPrepared(destination: u32, p: ptr, length: u32): i32 {
  const path = pathFind(destination)
  const packet = ipv4Allocate(0)
  if (path == null || packet == null) return -1
  copyBytes(packetAppend(packet, length), p, length)
  return ipv4OutputPrepared(path, packet)
}

/** The path MTU to an address; with 0x10000 added where routers are to fragment. */
export function pathMtuOf(destination: u32): u32 {
  const path = pathFind(destination)
  if (path == null) return 0
  return path.narrow ? path.mtu + 0x10000 : path.mtu
}

export function addRouteValidated(network: u32, mask: u32, gateway: u32, index: u32, metric: u32): i32 {
  return routeAddValidated(network, mask, gateway, interfaceAt(index), metric)
}


/** Counters of this layer, in the order of NetCounters. */
export function ipv4Counter(index: u32): u32 {
  switch (index) {
    case 0: return counters.ipv4Forwarded
    case 1: return counters.ipv4FragmentsReceived
    case 2: return counters.ipv4Reassembled
    case 3: return counters.ipv4FragmentsSent
    case 4: return counters.ipv4Fragmented
    case 5: return counters.ipv4PathMtuLearned
    case 7: return counters.ipv4Segmented
    default: return counters.icmpErrorsReceived
  }
}

// --- Errors. ----------------------------------------------------------------------------------------------
const told = staticMemory(64)
let tellings: u32 = 0
let knownPort: u32 = 0

/** Listen for errors; those whose local port is `port` are about packets somebody has sent. */
export function errorsListen(port: u32): void {
  knownPort = port
  icmpErrorsTo(remember)
}

function remember(
  protocol: u32, local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  if (localPort != knownPort) return false
  tellings += 1
  remembered(0, protocol)
  remembered(1, local)
  remembered(2, localPort)
  remembered(3, remote)
  remembered(4, remotePort)
  remembered(5, type)
  remembered(6, code)
  remembered(7, mtu)
  return true
}

function remembered(index: u32, value: u32): void {
  for (let i: u32 = 0; i < 4; i++) store8(told, index * 4 + i, (value >>> (i * 8)) & 0xff)
}

export function errorsTold(): u32 {
  return tellings
}

/** Eight words: what the last one said. */
export function errorTold(): ptr {
  return told
}

// --- Pings. -----------------------------------------------------------------------------------------------
/** Of the `index`th reply: 0 sequence, 1 round trip, 2 length, 3 from, 4 its data; 0xffffffff if there is none. */
export function pingReplyField(identifier: u32, index: u32, field: u32): u32 {
  const reply = pingReply(identifier, index)
  if (reply == null) return 0xffffffff
  switch (field) {
    case 0: return reply.sequence
    case 1: return reply.roundTrip
    case 2: return reply.length
    case 3: return reply.from
    default: return reply.data
  }
}

/** Errors heard of, and the last one's type and code in the bytes above. */
export function pingErrors(identifier: u32): u32 {
  const ping = pingOf(identifier)
  return ping == null ? 0xffffffff : (ping.errorType << 24) | (ping.errorCode << 16) | ping.errorCount
}
