// The list of capabilities in configuration space. PCI Local Bus 3.0 §6.7: each begins with its id and the
// offset of the next; offset 0 ends the list. What a device puts there is checked here: an offset inside the
// header ends the list, and so does one that was passed before.

import type { u32 } from '../../lib/layout.ts'
import { CONFIG_SIZE, ConfigRegister, STATUS_CAPABILITIES, configRead32, configRead8 } from './config.ts'

/** PCI Local Bus 3.0 appendix H. */
export const enum CapabilityId {
  Vendor = 0x09,
  MsiX = 0x11,
}

const HEADER_SIZE: u32 = 64

/** Offset of the next entry after the one whose link is at `linkOffset`; 0 at the end. */
function follow(place: u32, linkOffset: u32): u32 {
  const offset: u32 = configRead8(place, linkOffset) & 0xfc // the low two bits are reserved
  return offset < HEADER_SIZE ? 0 : offset
}

/**
 * Offset of the first capability `id` after the one at `after`, or of the first of all if `after` is 0; 0 when
 * there is none. The offset is a multiple of 4 between 64 and 252: reading past CONFIG_SIZE is the caller's to avoid.
 */
export function capabilityFind(place: u32, id: CapabilityId, after: u32): u32 {
  if ((configRead32(place, ConfigRegister.Command) & STATUS_CAPABILITIES) == 0) return 0
  let offset: u32 = follow(place, ConfigRegister.Capabilities)
  let passed: boolean = after == 0
  let seenLow: u32 = 0 // a bit for each dword a capability can start at
  let seenHigh: u32 = 0
  while (offset != 0) {
    if (passed && configRead8(place, offset) == (id as u32)) return offset
    if (offset == after) passed = true
    if (offset < 128) seenLow |= 1 << (offset >> 2)
    else seenHigh |= 1 << ((offset >> 2) - 32)
    offset = follow(place, offset + 1)
    if (((offset < 128 ? seenLow >> (offset >> 2) : seenHigh >> ((offset >> 2) - 32)) & 1) != 0) return 0
  }
  return 0
}

/** Whether a capability of `bytes` bytes at `offset` ends inside configuration space. */
export function capabilityFits(offset: u32, bytes: u32): boolean {
  return bytes <= CONFIG_SIZE && offset <= CONFIG_SIZE - bytes
}
