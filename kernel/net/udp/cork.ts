// Datagrams made of several sends: MSG_MORE, and UDP_CORK for those that follow. udp(7).
//
// The pieces lie one after another until a send without either, or the end of UDP_CORK, sends them as one datagram, to where the first
// piece was for. Main-loop context.

import { Errno } from '../../lib/errno.ts'
import { address, at, plus, sizeof, struct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { Socket } from '../socket/socket.ts'
import { UDP_LONGEST, udpSocketSend } from './socket.ts'

/** What there is of a datagram; its bytes follow. */
@struct
class Corked {
  address: Ipv4Address
  port: u32
  length: u32
}

/** Whether what is sent now is a piece of a datagram. */
export function udpIsInPieces(socket: Socket, more: boolean): boolean {
  return more || socket.cork || socket.corked != 0
}

/**
 * Send a piece of `length` bytes with those that were kept, or with `more` or UDP_CORK keep them for the datagram to be: how many.
 * Errors: those of udpSocketSend, of which all but WouldBlock end what was kept; MessageTooLong for all together, too; OutOfMemory.
 */
export function udpSocketSendPiece(socket: Socket, data: ptr, length: u32, a: Ipv4Address, port: u32, more: boolean): i32 {
  const keeps: boolean = more || socket.cork
  if (socket.corked == 0 && !begin(socket, a, port)) return Errno.OutOfMemory
  const corked = at<Corked>(socket.corked)
  if (length > UDP_LONGEST - corked.length) {
    udpCorkDrop(socket)
    return Errno.MessageTooLong
  }
  copyBytes(plus(bytesOf(corked), corked.length), data, length)
  corked.length += length
  const sent: i32 = keeps ? Errno.None : udpUncork(socket)
  if (sent == Errno.WouldBlock) corked.length -= length // the piece comes again
  return sent == Errno.None ? length as number as i32 : sent
}

function begin(socket: Socket, a: Ipv4Address, port: u32): boolean {
  socket.corked = heapAllocate(sizeof<Corked>() + UDP_LONGEST)
  if (socket.corked == 0) return false
  const corked = at<Corked>(socket.corked)
  corked.address = a
  corked.port = port
  corked.length = 0
  return true
}

function bytesOf(corked: Corked): ptr {
  return plus(address(corked), sizeof<Corked>())
}

/** Send what was kept, if anything was. Errors: those of udpSocketSend; with WouldBlock it is still kept. */
export function udpUncork(socket: Socket): i32 {
  if (socket.corked == 0) return Errno.None
  const corked = at<Corked>(socket.corked)
  const sent = udpSocketSend(socket, bytesOf(corked), corked.length, corked.address, corked.port)
  if (sent != Errno.WouldBlock) udpCorkDrop(socket)
  return sent < 0 ? sent : Errno.None
}

/** Forget what was kept. */
export function udpCorkDrop(socket: Socket): void {
  if (socket.corked != 0) heapFree(socket.corked)
  socket.corked = 0 as ptr
}
