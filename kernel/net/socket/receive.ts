// From a datagram or raw socket's queue into the caller's memory: the one copy on the way in. Main-loop context only.

import { increase64 } from '../../lib/intrinsics.ts'
import { Errno } from '../../lib/errno.ts'
import { address, at, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../chain.ts'
import type { NetInterface } from '../interface.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { UdpHeader, udpHeaderBefore } from '../udp/header.ts'
import { socketUnqueue } from './queue.ts'
import { MessageFlag, SocketMessage, SocketType, type Socket } from './socket.ts'

/**
 * Copy the oldest message's first `room` bytes to `to` and take it from the queue, whatever did not fit with it
 * (MessageFlag.Peek leaves it there): how many were copied, or with MessageFlag.Truncate how long it is. What else is
 * known of it goes into `message`, unless that is null. Errors: WouldBlock. A socket shut for receiving: 0, and EndOfFile.
 */
export function messageTake(socket: Socket, to: ptr, room: u32, flags: u32, message: SocketMessage | null): i32 {
  const packet = socket.receiveFirst
  if (packet == null) return nothing(socket, message)
  const length: u32 = chainLength(packet)
  const copied: u32 = chainCopy(to, packet, room)
  if (message != null) describe(message, socket, packet, length, room)
  if ((flags & MessageFlag.Peek) == 0) {
    socketUnqueue(socket)
    packetFree(packet)
    increase64(socket.statistics.bytesReceived, copied)
    increase64(socket.statistics.packetsReceived, 1)
  }
  return ((flags & MessageFlag.Truncate) != 0 ? length : copied) as number as i32
}

function nothing(socket: Socket, message: SocketMessage | null): i32 {
  if (!socket.shutReceive) return Errno.WouldBlock
  if (message != null) {
    zeroBytes(address(message), sizeof<SocketMessage>())
    message.flags = MessageFlag.EndOfFile
  }
  return 0
}

function describe(message: SocketMessage, socket: Socket, packet: Packet, length: u32, room: u32): void {
  const ip = at<Ipv4Header>(packet.networkHeader)
  message.address = ip.source
  message.port = socket.type == SocketType.Datagram ? at<UdpHeader>(udpHeaderBefore(packet.head)).sourcePort : 0
  message.length = length
  message.flags = length > room ? MessageFlag.Truncate : MessageFlag.None
  message.destination = ip.destination
  message.interfaceIndex = at<NetInterface>(packet.device).index
  message.timeToLive = ip.timeToLive
  message.dscpEcn = ip.dscpEcn
  message.timestamp = packet.owner
}
