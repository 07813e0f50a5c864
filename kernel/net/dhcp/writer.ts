// DHCP options written one after another into bounded room. RFC 2132 §2. Pure.

import { store8, storeBe16, storeBe32 } from '../../lib/intrinsics.ts'
import { copyBytes } from '../../lib/memory.ts'
import { plus, struct, type Stored, type bool, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { DhcpOption } from './options.ts'

/** Where the next option goes. */
@struct
export class DhcpWriter {
  start: ptr
  length: u32 // bytes written
  room: u32 // bytes there are, one of them for the end
  full: Stored<u8, bool> // something did not fit: nothing more is written
  reserved: u8
  reserved2: u16
}

/** Write options to `room` bytes at `start`. */
export function dhcpWriteBegin(writer: DhcpWriter, start: ptr, room: u32): void {
  writer.start = start
  writer.length = 0
  writer.room = room
  writer.full = room == 0
}

/** Code and length of an option; where its value goes, or null's address when there is no room. */
function head(writer: DhcpWriter, code: DhcpOption, size: u32): ptr {
  if (size > 255 || writer.length + 2 + size + 1 > writer.room) writer.full = true
  if (writer.full) return 0 as ptr
  const p = plus(writer.start, writer.length)
  store8(p, 0, code)
  store8(p, 1, size)
  writer.length += 2 + size
  return plus(p, 2)
}

/** An option of one byte. */
export function dhcpWrite8(writer: DhcpWriter, code: DhcpOption, value: u32): void {
  const p = head(writer, code, 1)
  if (p != 0) store8(p, 0, value)
}

/** An option of two bytes. */
export function dhcpWrite16(writer: DhcpWriter, code: DhcpOption, value: u32): void {
  const p = head(writer, code, 2)
  if (p != 0) storeBe16(p, 0, value)
}

/** An option of four bytes: a time, an address. */
export function dhcpWrite32(writer: DhcpWriter, code: DhcpOption, value: u32): void {
  const p = head(writer, code, 4)
  if (p != 0) storeBe32(p, 0, value)
}

/** An option of `size` bytes. */
export function dhcpWriteBytes(writer: DhcpWriter, code: DhcpOption, value: ptr, size: u32): void {
  const p = head(writer, code, size)
  if (p != 0) copyBytes(p, value, size)
}

/** The end. Returns the bytes written, 0 when something did not fit. */
export function dhcpWriteEnd(writer: DhcpWriter): u32 {
  if (writer.full) return 0
  store8(plus(writer.start, writer.length), 0, DhcpOption.End)
  return writer.length + 1
}
