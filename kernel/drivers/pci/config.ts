// PCI configuration space, one dword at a time, whatever the mechanism: ports.ts registers the PC's, tests
// register a bus of their own. PCI Local Bus 3.0 §6.1 (the header), §6.2 (its registers).
//
// A `place` is a function's address as the PC's mechanism wants it (PCI Local Bus 3.0 §3.2.2.3.2):
//
//   31      24 23      16 15     11 10    8 7           0
//   |    0    |   bus    | device  | func. |     0      |

import { staticMemory, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { store8 } from '../../lib/intrinsics.ts'

/** Registers of every header, by byte offset. PCI Local Bus 3.0 §6.1, figure 6-1. */
export const enum ConfigRegister {
  Identity = 0x00, // vendor, device
  Command = 0x04, // command, status
  Class = 0x08, // revision, class code
  Header = 0x0c, // cache line size, latency timer, header type, BIST
  Bar0 = 0x10, // six of these in header type 0
  Buses = 0x18, // header type 1: primary, secondary, subordinate bus, secondary latency timer
  Subsystem = 0x2c, // header type 0: subsystem vendor, subsystem device
  Capabilities = 0x34, // offset of the first capability
  Interrupt = 0x3c, // interrupt line, interrupt pin
}

/** Bits of the command register. PCI Local Bus 3.0 §6.2.2. */
export const enum Command {
  PortSpace = 0x0001,
  MemorySpace = 0x0002,
  BusMaster = 0x0004,
  InterruptDisable = 0x0400,
}

/** Status register, in the upper half of its dword: bit 4, there are capabilities. PCI Local Bus 3.0 §6.2.3. */
export const STATUS_CAPABILITIES: u32 = 0x00100000

/** Bytes of configuration space that the mechanism reaches. */
export const CONFIG_SIZE: u32 = 256

/** Read the dword at `offset`, a multiple of 4 below CONFIG_SIZE. All ones where nothing answers. */
export type ConfigRead = (place: u32, offset: u32) => u32
/** Write the dword at `offset`, a multiple of 4 below CONFIG_SIZE. */
export type ConfigWrite = (place: u32, offset: u32, value: u32) => void

let read: ConfigRead | null = null
let write: ConfigWrite | null = null

/** How configuration space is reached from now on. */
export function configAccess(reader: ConfigRead, writer: ConfigWrite): void {
  read = reader
  write = writer
}

/** The place of a function: bus 0 to 255, device 0 to 31, function 0 to 7. */
export function placeOf(bus: u32, device: u32, functionNumber: u32): u32 {
  return bus << 16 | device << 11 | functionNumber << 8
}

/** The dword at `offset`, a multiple of 4. */
export function configRead32(place: u32, offset: u32): u32 {
  return read == null ? 0xffffffff : read(place, offset)
}

/** The word at `offset`, a multiple of 2. */
export function configRead16(place: u32, offset: u32): u32 {
  return configRead32(place, offset & 0xfc) >> (offset & 2) * 8 & 0xffff
}

/** The byte at `offset`. */
export function configRead8(place: u32, offset: u32): u32 {
  return configRead32(place, offset & 0xfc) >> (offset & 3) * 8 & 0xff
}

/** Set the dword at `offset`, a multiple of 4. */
export function configWrite32(place: u32, offset: u32, value: u32): void {
  if (write != null) write(place, offset, value)
}

/** The command register. */
export function commandRead(place: u32): u32 {
  return configRead16(place, ConfigRegister.Command)
}

/** Set the command register. The status half is written as 0, which changes no bit of it: they clear on 1. */
export function commandWrite(place: u32, command: u32): void {
  configWrite32(place, ConfigRegister.Command, command & 0xffff)
}

const nameText = staticMemory(8)

function digit(offset: u32, value: u32): void {
  const nibble: u32 = value & 15
  store8(nameText, offset, nibble < 10 ? 0x30 + nibble : 0x57 + nibble) // '0' or 'a' - 10
}

/** "00:03.0", as lspci writes a place; good until the next call. */
export function placeName(place: u32): cstring {
  digit(0, place >> 20)
  digit(1, place >> 16)
  store8(nameText, 2, 0x3a) // :
  digit(3, place >> 15 & 1)
  digit(4, place >> 11)
  store8(nameText, 5, 0x2e) // .
  digit(6, place >> 8 & 7)
  store8(nameText, 7, 0)
  return nameText as ptr as cstring
}
