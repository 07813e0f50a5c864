// RustOS's MemoryProtection and MemoryFlags (`memory.rs`): rights as eight booleans, and what a page table makes of them.

import {
  at, struct, staticMemory, type Stored, type bool, type ptr, type u32, type u8,
} from '../../lib/layout.ts'
import { store32 } from '../../lib/intrinsics.ts'
import { Protection } from '../region.ts'

/** Bits of an x86-64 page-table entry, low half; NX is bit 63, the high half's top. Intel SDM vol. 3 table 4-20. */
export const enum PageTableFlag { Present = 1, Writable = 2, User = 4, WriteThrough = 8, NoCache = 0x10, Huge = 0x80, Global = 0x100 }
export const PAGE_TABLE_NO_EXECUTE: u32 = 0x80000000

/** RustOS's constants, as arguments of `MemoryProtection.set`: bit n is field n. */
export const enum ProtectionConstant {
  Empty = 0,
  Read = 1,
  Write = 3,
  Execute = 5,
  KernelCode = 5,
  KernelData = 3,
  UserCode = 13,
  UserData = 11,
  DeviceMemory = 0x33,
  GuardPage = 0x80,
  CopyOnWrite = 0x49,
}

@struct
export class MemoryProtection {
  readable: Stored<u8, bool>
  writable: Stored<u8, bool>
  executable: Stored<u8, bool>
  userAccessible: Stored<u8, bool>
  cacheDisabled: Stored<u8, bool>
  writeThrough: Stored<u8, bool>
  copyOnWrite: Stored<u8, bool>
  guardPage: Stored<u8, bool>

  /** One of the constants, `empty()` included. */
  set(constant: ProtectionConstant): void {
    this.readable = (constant & 1) != 0
    this.writable = (constant & 2) != 0
    this.executable = (constant & 4) != 0
    this.userAccessible = (constant & 8) != 0
    this.cacheDisabled = (constant & 0x10) != 0
    this.writeThrough = (constant & 0x20) != 0
    this.copyOnWrite = (constant & 0x40) != 0
    this.guardPage = (constant & 0x80) != 0
  }

  /** The fields as `set` takes them. */
  get bits(): u32 {
    let bits: u32 = this.readable ? 1 : 0
    if (this.writable) bits |= 2
    if (this.executable) bits |= 4
    if (this.userAccessible) bits |= 8
    if (this.cacheDisabled) bits |= 0x10
    if (this.writeThrough) bits |= 0x20
    if (this.copyOnWrite) bits |= 0x40
    if (this.guardPage) bits |= 0x80
    return bits
  }

  /** `|=`: each field or the other's. */
  bitOrAssign(other: MemoryProtection): void {
    this.set((this.bits | other.bits) as ProtectionConstant)
  }

  /** The low half of an entry. PRESENT always, as RustOS: a guard page has no entry here, so it is never asked for one. */
  toPageTableFlags(): u32 {
    let flags: u32 = PageTableFlag.Present
    if (this.writable && !this.copyOnWrite) flags |= PageTableFlag.Writable
    if (this.userAccessible) flags |= PageTableFlag.User
    if (this.cacheDisabled) flags |= PageTableFlag.NoCache
    if (this.writeThrough) flags |= PageTableFlag.WriteThrough
    return flags
  }

  /** The high half of an entry: NX if not executable. */
  toPageTableFlagsHigh(): u32 {
    return this.executable ? 0 : PAGE_TABLE_NO_EXECUTE
  }

  /** PROT_* of the same rights: none for a guard page and for what is not the process's. */
  toProtection(): Protection {
    if (this.guardPage || !this.userAccessible) return Protection.None
    let protection: u32 = this.readable ? Protection.Read : Protection.None
    if (this.writable || this.copyOnWrite) protection |= Protection.Write
    if (this.executable) protection |= Protection.Execute
    return protection as Protection
  }
}

/** RustOS's MemoryFlags; its WRITE_COMBINING is the bit WRITE_THROUGH. Combine with `|`. */
export const enum MemoryFlags { Present = 1, Writable = 2, WriteCombining = 8, NoCache = 0x10 }

/** `MemoryFlags::to_page_table_flags`: the same bits. */
export function memoryFlagsToPageTableFlags(flags: u32): u32 {
  return flags & (MemoryFlags.Present | MemoryFlags.Writable | MemoryFlags.WriteCombining | MemoryFlags.NoCache)
}

const words = staticMemory(8, 8)

/** Rights as Linux has them, as RustOS has them: the process's own. In one place: valid until the next call. */
export function protectionOf(protection: Protection): MemoryProtection {
  const out = at<MemoryProtection>(words as ptr)
  store32(words, 0, 0)
  store32(words, 4, 0)
  out.readable = protection != Protection.None
  out.writable = (protection & Protection.Write) != 0
  out.executable = (protection & Protection.Execute) != 0
  out.userAccessible = protection != Protection.None
  return out
}
