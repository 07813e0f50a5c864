// Where a virtio 1.x device keeps its registers: vendor capabilities in configuration space, each naming a region
// of a BAR. virtio 1.2 §4.1.4. A device lists several of one kind in the order it prefers them; the first that can
// be used is used, and memory regions are the only ones that can.
//
//    0        1        2        3        4        5        6      8         12        16
//   | vndr=9 | next   | length | type   | bar    | id     | pad  | offset  | length  | (type 2) multiplier |

import { nth, struct, type Row, type bool, type Stored, type u32, type u8, type u16 } from '../../lib/layout.ts'
import { CapabilityId, capabilityFind, capabilityFits } from '../pci/capability.ts'
import { configRead32 } from '../pci/config.ts'
import { RegionFault, regionFault, type PciFunction } from '../pci/function.ts'

/** cfg_type, virtio 1.2 §4.1.4. */
export const enum StructureType {
  Common = 1,
  Notify = 2,
  Isr = 3,
  Device = 4,
  /** A window on the others through configuration space (§4.1.4.9): for who can not map memory. Not needed here. */
  PciAccess = 5,
}
const TYPES: u32 = 6 // 0 is unused

@struct
export class Structure {
  offset: u32 // in the BAR
  length: u32
  multiplier: u32 // notify_off_multiplier; Notify only
  bar: u16
  present: Stored<u8, bool>
  reserved: u8
}

/** The region of each StructureType, at that index. */
@struct
export class Structures {
  rejected: u32 // capabilities passed over: see structuresFind
  types: Row<Structure, 6>
}

/** Least bytes of a structure, by §4.1.4.3 to §4.1.4.5; a device's own (§4.1.4.6) may have any. */
function leastLength(type: StructureType): u32 {
  if (type == StructureType.Common) return 56
  if (type == StructureType.Notify) return 2
  return 1
}

/** The bytes a capability of this type needs in configuration space. */
function capabilityBytes(type: StructureType): u32 {
  return type == StructureType.Notify ? 20 : 16
}

/** The region of one type. */
export function structureOf(structures: Structures, type: StructureType): Structure {
  return nth(structures.types, type)
}

/**
 * Fill in `structures` from the capabilities of `fn`, whose BARs are known. Passed over, and counted, are those that
 * reach out of configuration space or of their BAR, lie in I/O space, or are too short for what they must hold.
 */
export function structuresFind(structures: Structures, fn: PciFunction): void {
  structures.rejected = 0
  for (let i: u32 = 0; i < TYPES; i++) nth(structures.types, i).present = false
  let offset: u32 = capabilityFind(fn.place, CapabilityId.Vendor, 0)
  while (offset != 0) {
    takeCapability(structures, fn, offset)
    offset = capabilityFind(fn.place, CapabilityId.Vendor, offset)
  }
}

function takeCapability(structures: Structures, fn: PciFunction, capability: u32): void {
  const first: u32 = configRead32(fn.place, capability)
  const type: u32 = first >> 24
  if (type < StructureType.Common || type >= StructureType.PciAccess) return // unknown ones are ignored: §4.1.4.1
  const structure = nth(structures.types, type)
  if (isPresent(structure)) return
  const bytes: u32 = capabilityBytes(type)
  const claimed: u32 = first >> 16 & 0xff // cap_len
  if (claimed < bytes || !capabilityFits(capability, bytes)) {
    structures.rejected += 1
    return
  }
  structure.bar = configRead32(fn.place, capability + 4) & 0xff
  structure.offset = configRead32(fn.place, capability + 8)
  structure.length = configRead32(fn.place, capability + 12)
  structure.multiplier = type == StructureType.Notify ? configRead32(fn.place, capability + 16) : 0
  // What was read is what is checked and used: a second reading might differ.
  if (structureFault(fn, structure, type)) structures.rejected += 1
  else structure.present = true
}

function isPresent(structure: Structure): boolean {
  return structure.present
}

function structureFault(fn: PciFunction, structure: Structure, type: StructureType): boolean {
  if (structure.length < leastLength(type)) return true
  return regionFault(fn, structure.bar, structure.offset, structure.length) != RegionFault.None
}

/** Whether everything a virtio 1.x device must have is there. */
export function structuresComplete(structures: Structures): boolean {
  return isPresent(structureOf(structures, StructureType.Common))
    && isPresent(structureOf(structures, StructureType.Notify))
    && isPresent(structureOf(structures, StructureType.Isr))
}
