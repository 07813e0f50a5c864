// What the tests of kernel/vm/compat call, on top of test/kernel/vm.ts.

import { staticStruct, type bool, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import {
  addRegion, allocateRegion, allocateRegionWithGuards, findRegion, mapRegion, protectRegion, removeRegion, unmapRegion,
} from '../../kernel/vm/compat/memory-manager.ts'
import { allocateMemory, allocateMemoryWithGuards, protectMemory } from '../../kernel/vm/compat/memory.ts'
import { MemoryStats, memoryStatsFill } from '../../kernel/vm/compat/memory-stats.ts'
import { MemoryProtection } from '../../kernel/vm/compat/protection.ts'
import { VirtualMemoryRegion } from '../../kernel/vm/compat/region.ts'
import { PageProtectionFlags, getPageProtection } from '../../kernel/vm/compat/user-space.ts'

export * from './vm.ts'
export {
  createCowMapping, decrementFrameRefcount, getFrameRefcount, handlePageFault, handleSwapIn, incrementFrameRefcount, isFrameShared,
  isPageSwapped, translateAddr,
} from '../../kernel/vm/compat/memory-manager.ts'
export { accessErrorName, alignDown, alignUp, checkMemoryAccess, deallocateMemory } from '../../kernel/vm/compat/memory.ts'
export { memoryFlagsToPageTableFlags } from '../../kernel/vm/compat/protection.ts'
export { generateAslrOffset } from '../../kernel/vm/compat/region.ts'
export {
  canAccessUserMemory, copyFromUser, copyStringFromUser, copyStringToUser, copyToUser, currentPrivilegeLevel, flushUserTlbRange,
  isValidUserAddress, probeUserAddress, userCopyCount, validateUserPtr, validateUserRangeEnhanced,
} from '../../kernel/vm/compat/user-space.ts'

const protection = staticStruct<MemoryProtection>()
const other = staticStruct<MemoryProtection>()
const region = staticStruct<VirtualMemoryRegion>()
const stats = staticStruct<MemoryStats>()
const flags = staticStruct<PageProtectionFlags>()

export function protectionSet(constant: u32): void { protection.set(constant) }
export function protectionOr(constant: u32): void {
  other.set(constant)
  protection.bitOrAssign(other)
}
/** 0 the fields as bits, 1 flags, 2 the high half's, 3 PROT_*. */
export function protectionField(field: u32): u32 {
  switch (field) {
    case 0: return protection.bits
    case 1: return protection.toPageTableFlags()
    case 2: return protection.toPageTableFlagsHigh()
    default: return protection.toProtection()
  }
}

export function regionMake(start: u32, size: u32, type: u32, constant: u32, random: bool): void {
  protection.set(constant)
  region.initWithAslr(start, size, type, protection, random)
}
/** 0 start, 1 size, 2 type, 3 protection, 4 mapped, 5 references, 6 its random offset, 7 end, 8 pages. */
export function regionGet(field: u32): u32 {
  switch (field) {
    case 0: return region.start
    case 1: return region.size
    case 2: return region.regionType
    case 3: return region.protection.bits
    case 4: return region.mapped ? 1 : 0
    case 5: return region.referenceCount
    case 6: return region.aslrOffset
    case 7: return region.end()
    default: return region.pageCount()
  }
}
export function regionContains(where: u32): bool { return region.contains(where) }
export function regionMore(): void { region.incrementRefCount() }
export function regionLess(): u32 { return region.decrementRefCount() }

export function compatMap(): i32 { return mapRegion(region) }
export function compatUnmap(): i32 { return unmapRegion(region) }
export function compatAdd(): i32 { return addRegion(region) }
export function compatRemove(start: u32): i32 { return removeRegion(start, region) }
export function compatFind(where: u32): bool { return findRegion(where, region) }
export function compatAllocate(size: u32, type: u32, constant: u32, guards: bool): i32 {
  protection.set(constant)
  return guards ? allocateRegionWithGuards(size, type, protection, region) : allocateRegion(size, type, protection, region)
}
export function compatProtect(where: u32, size: u32, constant: u32): i32 {
  protection.set(constant)
  return protectRegion(where, size, protection)
}
export function compatProtectMemory(where: u32, size: u32, constant: u32): i32 {
  protection.set(constant)
  return protectMemory(where, size, protection)
}
export function compatAllocateMemory(size: u32, type: u32, constant: u32, guards: bool): u32 {
  protection.set(constant)
  return guards ? allocateMemoryWithGuards(size, type, protection) : allocateMemory(size, type, protection)
}

/** 0 total, 1 allocated, 2 free, 3 regions, 4 usage in thousandths, 5 total in MiB, 6 slots, 7 slots used. */
export function memoryStat(field: u32): u32 {
  memoryStatsFill(stats)
  switch (field) {
    case 0: return stats.totalMemory
    case 1: return stats.allocatedMemory
    case 2: return stats.freeMemory
    case 3: return stats.totalRegions
    case 4: return stats.memoryUsagePercent()
    case 5: return stats.totalMemoryMb()
    case 6: return stats.swapStats.totalSlots
    default: return stats.swapStats.usedSlots
  }
}

/** readable 1, writable 2, executable 4, user 8; or a SyscallError as a u32. */
export function pageProtection(p: ptr): u32 {
  const result = getPageProtection(p, flags)
  if (result != 0) return result as number as u32
  let bits: u32 = flags.readable ? 1 : 0
  if (flags.writable) bits |= 2
  if (flags.executable) bits |= 4
  if (flags.userAccessible) bits |= 8
  return bits
}
