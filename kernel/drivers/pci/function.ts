// A PCI function: who it is, where its memory is, and the switches that let it use the bus.
// PCI Local Bus 3.0 §6.2.

import { nth, struct, type Row, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { Bar, BarKind, barsRead } from './bar.ts'
import { Command, ConfigRegister, commandRead, commandWrite, configRead32 } from './config.ts'
import { platformMap } from './platform.ts'

/** Header types, without the multi-function bit. PCI Local Bus 3.0 §6.2.1. */
export const enum HeaderType { Device = 0, Bridge = 1, CardBus = 2 }

@struct
export class PciFunction {
  place: u32 // see config.ts
  classCode: u32 // class, subclass, interface: 0x060400 is a PCI bridge
  vendor: u16
  device: u16
  subsystemVendor: u16
  subsystem: u16
  headerType: u8 // HeaderType
  revision: u8
  interruptLine: u8 // as the firmware routed it; 255: nowhere
  interruptPin: u8 // 1 to 4 for INTA to INTD; 0: none
  bars: Row<Bar, 6> // filled in by pciFunctionClaim
}

/** Fill in everything but the BARs from the header at `place`. */
export function pciFunctionRead(fn: PciFunction, place: u32): void {
  const identity: u32 = configRead32(place, ConfigRegister.Identity)
  const classes: u32 = configRead32(place, ConfigRegister.Class)
  const interrupt: u32 = configRead32(place, ConfigRegister.Interrupt)
  fn.place = place
  fn.vendor = identity & 0xffff
  fn.device = identity >> 16
  fn.revision = classes & 0xff
  fn.classCode = classes >> 8
  fn.headerType = configRead32(place, ConfigRegister.Header) >> 16 & 0x7f
  fn.interruptLine = interrupt & 0xff
  fn.interruptPin = interrupt >> 8 & 0xff
  const subsystem: u32 = fn.headerType == HeaderType.Device ? configRead32(place, ConfigRegister.Subsystem) : 0
  fn.subsystemVendor = subsystem & 0xffff
  fn.subsystem = subsystem >> 16
}

/** Read the BARs (decoding is off for a moment) and let the function answer on its memory and master the bus. */
export function pciFunctionClaim(fn: PciFunction): void {
  barsRead(fn.place, fn.bars, Command.MemorySpace | Command.BusMaster)
}

/** Keep the function from reading and writing memory by itself. */
export function pciFunctionSilence(fn: PciFunction): void {
  commandWrite(fn.place, (commandRead(fn.place) & ~Command.BusMaster) | Command.InterruptDisable)
}

/** Whether the function may raise its INTx line. PCI Local Bus 3.0 §6.2.2, bit 10. */
export function pciIntxEnable(fn: PciFunction, enable: boolean): void {
  const command: u32 = commandRead(fn.place)
  commandWrite(fn.place, enable ? command & ~Command.InterruptDisable : command | Command.InterruptDisable)
}

/** Why a region of a BAR can not be used, or None. */
export const enum RegionFault { None, NoSuchBar, NotMemory, NoAddress, OutOfBar }

/** Check `length` bytes at `offset` of the BAR `index`, all as the device gave them. */
export function regionFault(fn: PciFunction, index: u32, offset: u32, length: u32): RegionFault {
  if (index > 5) return RegionFault.NoSuchBar
  const bar = nth(fn.bars, index)
  if (bar.kind == BarKind.None) return RegionFault.NoSuchBar
  if (bar.kind != BarKind.Memory) return RegionFault.NotMemory
  if (bar.low == 0 && bar.high == 0) return RegionFault.NoAddress
  if (length == 0 || length > bar.length || offset > bar.length - length) return RegionFault.OutOfBar
  return RegionFault.None
}

const PAGE_MASK: u32 = 0xfff

/** Map a region that has no regionFault; 0 when the platform has no room. Whole pages around it are mapped. */
export function regionMap(fn: PciFunction, index: u32, offset: u32, length: u32): ptr {
  const bar = nth(fn.bars, index)
  const low: u32 = bar.low + offset
  const high: u32 = low < offset ? bar.high + 1 : bar.high
  const before: u32 = low & PAGE_MASK
  const mapped = platformMap(low - before, high, (before + length + PAGE_MASK) & ~PAGE_MASK)
  return (mapped as u32) == 0 ? mapped : (mapped + before) as ptr
}
