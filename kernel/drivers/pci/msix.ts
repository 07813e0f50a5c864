// MSI-X: interrupts as memory writes, a table of them in a BAR of the device. PCI Local Bus 3.0 §6.8.2.

import { at, mmio, nth, struct, type Le, type ptr, type u32 } from '../../lib/layout.ts'
import { CapabilityId, capabilityFind, capabilityFits } from './capability.ts'
import { configRead32, configWrite32 } from './config.ts'
import { RegionFault, pciIntxEnable, regionFault, regionMap, type PciFunction } from './function.ts'
import { messageAddress, platformVector, type InterruptHandler } from './platform.ts'

/** One entry of the table, PCI Local Bus 3.0 §6.8.2.6 to §6.8.2.9. */
@mmio(16)
class TableEntry {
  addressLow: Le<u32>
  addressHigh: Le<u32>
  data: Le<u32>
  control: Le<u32> // bit 0: masked
}

const ENTRY_MASKED: u32 = 1
const CAPABILITY_SIZE: u32 = 12
// The capability's first dword: id, next, message control. PCI Local Bus 3.0 §6.8.2.3.
const CONTROL_ENABLE: u32 = 0x80000000
const CONTROL_FUNCTION_MASK: u32 = 0x40000000
const TABLE_SIZE_SHIFT: u32 = 16
const TABLE_SIZE_MASK: u32 = 0x7ff
// Its second dword: table offset, and in the low three bits the BAR. §6.8.2.4.
const BAR_INDICATOR: u32 = 7

@struct
export class MsixTable {
  fn: PciFunction
  capability: u32 // offset in configuration space; 0: none
  size: u32 // entries
  entries: ptr
}

/**
 * Find and map the function's table, all entries masked, MSI-X enabled behind the function mask, INTx off. False,
 * with the function as it was, when there is none or it can not be used: the BAR is wrong or there is no room.
 */
export function msixOpen(table: MsixTable, fn: PciFunction): boolean {
  table.capability = 0
  const capability: u32 = capabilityFind(fn.place, CapabilityId.MsiX, 0)
  if (capability == 0 || !capabilityFits(capability, CAPABILITY_SIZE)) return false
  const control: u32 = configRead32(fn.place, capability)
  const where: u32 = configRead32(fn.place, capability + 4)
  const size: u32 = (control >> TABLE_SIZE_SHIFT & TABLE_SIZE_MASK) + 1
  if (regionFault(fn, where & BAR_INDICATOR, where & ~BAR_INDICATOR, size * 16) != RegionFault.None) return false
  const entries = regionMap(fn, where & BAR_INDICATOR, where & ~BAR_INDICATOR, size * 16)
  if ((entries as u32) == 0) return false
  table.fn = fn
  table.capability = capability
  table.size = size
  table.entries = entries
  configWrite32(fn.place, capability, control | CONTROL_ENABLE | CONTROL_FUNCTION_MASK)
  for (let i: u32 = 0; i < size; i++) nth(at<TableEntry>(entries), i).control = ENTRY_MASKED
  pciIntxEnable(fn, false)
  return true
}

/** Have entry `index` (below `size`) call `handler`. False when there is no vector left. */
export function msixSet(table: MsixTable, index: u32, handler: InterruptHandler, context: u32): boolean {
  const vector: u32 = platformVector(handler, context)
  if (vector == 0) return false
  const entry = nth(at<TableEntry>(table.entries), index)
  entry.addressLow = messageAddress()
  entry.addressHigh = 0
  entry.data = vector
  entry.control = 0
  return true
}

/** Lift the function mask: entries that are set are delivered from here on. */
export function msixStart(table: MsixTable): void {
  const control: u32 = configRead32(table.fn.place, table.capability)
  configWrite32(table.fn.place, table.capability, control & ~CONTROL_FUNCTION_MASK)
}

/** Turn MSI-X off and INTx on again. */
export function msixClose(table: MsixTable): void {
  if (table.capability == 0) return
  const control: u32 = configRead32(table.fn.place, table.capability)
  configWrite32(table.fn.place, table.capability, control & ~CONTROL_ENABLE)
  pciIntxEnable(table.fn, true)
  table.capability = 0
}
