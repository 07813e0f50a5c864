// RustOS's TCP as its tests call it: ends by slot, a connection's fields by number, headers over bytes.

import { at, staticStruct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { NetworkAddress } from '../../kernel/net/compat/address.ts'
import { PacketBuffer } from '../../kernel/net/compat/packet-buffer.ts'
import { TcpHeader } from '../../kernel/net/compat/tcp-header.ts'
import {
  canRecvData, canSendData, isActive, onClose, tcpClose, tcpConnect, tcpGetConnection, tcpListen,
} from '../../kernel/net/compat/tcp.ts'
import type { TcpState } from '../../kernel/net/tcp/state.ts'

const here = staticStruct<NetworkAddress>()
const there = staticStruct<NetworkAddress>()
const buffer = staticStruct<PacketBuffer>()

function ends(local: u32, remote: u32): void {
  here.setIpv4(local)
  there.setIpv4(remote)
}

export function tConnect(local: u32, remote: u32, port: u32): i32 {
  ends(local, remote)
  return tcpConnect(here, there, port)
}

export function tListen(local: u32, port: u32): i32 {
  ends(local, 0)
  return tcpListen(here, port)
}

export function tClose(local: u32, localPort: u32, remote: u32, remotePort: u32): i32 {
  ends(local, remote)
  return tcpClose(here, localPort, there, remotePort)
}

/** Whether there is such a connection. */
export function tThere(local: u32, localPort: u32, remote: u32, remotePort: u32): boolean {
  ends(local, remote)
  return tcpGetConnection(here, localPort, there, remotePort) != null
}

/** 0 state, 1 send_sequence, 2 send_ack, 3 recv_sequence, 4 cwnd, 5 mss, 6 retransmit_timeout, 7 user_timeout, 8 ssthresh. */
export function tField(local: u32, localPort: u32, remote: u32, remotePort: u32, field: u32): u32 {
  ends(local, remote)
  const c = tcpGetConnection(here, localPort, there, remotePort)
  if (c == null) return 0xffffffff
  switch (field) {
    case 0: return c.state
    case 1: return c.sendSequence
    case 2: return c.sendAck
    case 3: return c.recvSequence
    case 4: return c.cwnd
    case 5: return c.mss
    case 6: return c.retransmitTimeout
    case 7: return c.userTimeout
    default: return c.ssthresh
  }
}

/** Bits: 1 can_send_data, 2 can_recv_data, 4 is_active; on_close from bit 8 on. */
export function tState(state: u32): u32 {
  const s = state as number as TcpState
  return (canSendData(s) ? 1 : 0) | (canRecvData(s) ? 2 : 0) | (isActive(s) ? 4 : 0) | (onClose(s) << 8)
}

/** The address of the header in `length` bytes at `p`, or an error. */
export function tParse(p: ptr, length: u32): ptr {
  buffer.fromData(p, length)
  return TcpHeader.parse(buffer)
}

export function tPosition(): u32 {
  return buffer.position
}

export function tChecksum(p: ptr, local: u32, remote: u32, payload: ptr, count: u32): u32 {
  ends(local, remote)
  return at<TcpHeader>(p).calculateChecksum(here, there, payload, count)
}
