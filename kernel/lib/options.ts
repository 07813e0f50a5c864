// What the kernel command line can say, as the rest of the kernel reads it. docs/contract.md, "Kernel command line".
// lib/command-line.ts fills it in at boot; nobody writes it after.

import {
  address, nth, sizeof, struct, type Row, type Stored, type bool, type cstring, type u16, type u32, type u8,
} from './layout.ts'
import { Level } from './log.ts'
import { zeroBytes } from './memory.ts'

/** `acd=`: address conflict detection, RFC 5227 §2. */
export const enum AddressConflict { Optimistic, Strict, Off }
/** `swap=`: found by the rule of docs/contract.md, a disk by name, or none. */
export const enum SwapChoice { Automatic, Named, None }
/** `replacement=`: which pages leave memory first, in the order of swap/replacement.ts. */
export const enum ReplacementOption { Lru, Clock, Fifo }
/** `selftest=`. */
export const enum Selftest { None, Swap, Net, Mm, All }
/** `panic=`. Automatic: exit under QEMU's exit device, else halt. */
export const enum PanicOption { Automatic, Halt, Reboot, Exit }
/** Bits of `services=`. */
export const enum Service { Echo = 1, Discard = 2, Chargen = 4, Http = 8, Iperf3 = 16 }
/** Bits of Options.given: keys that were on the line with a value that could be read. */
export const enum Given {
  Interface = 1, Vlan = 2, Forward = 4, Swap = 8, Acd = 16, Mem = 32, Services = 64, Init = 128, Selftest = 256,
  Log = 512, Panic = 1024, Replacement = 2048,
}

/** `eth0=…` to `eth7=…`, and VLANs on them. */
export const INTERFACE_OPTION_LIMIT: u32 = 16

@struct
export class InterfaceOption {
  value: cstring // what followed the equals sign
  index: u16 // 0 for eth0
  vlan: u16 // 1 to 4094, or 0 for the interface itself
}

@struct
export class Options {
  interfaces: Row<InterfaceOption, 16>
  interfaceCount: u32
  given: u32 // Given bits
  services: u32 // Service bits
  memoryLimit: u32 // most RAM to use, in bytes; 0 for all; what does not fit 32 bits is 0xfffff000
  init: cstring // path and arguments, or 0
  swapDisk: u32 // with SwapChoice.Named: 0 for vda
  forward: Stored<u8, bool>
  acd: Stored<u8, AddressConflict>
  swap: Stored<u8, SwapChoice>
  selftest: Stored<u8, Selftest>
  log: Stored<u8, Level>
  panic: Stored<u8, PanicOption>
  replacement: Stored<u8, ReplacementOption>
  reserved: u8
}

/** What counts when the line says nothing. */
export function optionsDefault(options: Options): void {
  zeroBytes(address(options), sizeof<Options>())
  options.services = Service.Echo | Service.Http
  options.log = Level.Info
}

/** The value for an interface (`vlan` 0) or a VLAN on it, or null if the line has none. */
export function interfaceOption(options: Options, index: u32, vlan: u32): InterfaceOption | null {
  let i: u32 = 0
  while (i < options.interfaceCount) {
    const each = nth(options.interfaces, i)
    if (each.index == index && each.vlan == vlan) return each
    i += 1
  }
  return null
}

/** Whether the line had this key, or one of these, with a value that could be read. */
export function optionGiven(options: Options, which: Given): boolean {
  return (options.given & which) != 0
}
