// The structs that calls about files fill in, as Linux lays them out on x86-64. arch/x86/include/uapi/asm/stat.h,
// include/uapi/asm-generic/statfs.h, include/linux/dirent.h.

import { wire, type Bytes, type Embed, type Le, type u16, type u32, type u8 } from '../lib/layout.ts'

/** 64 bits in user memory, of which the kernel mostly uses the lower half. System V ABI specification. */
@wire(8)
export class Long {
  low: Le<u32>
  high: Le<u32>
}

@wire(16)
export class TimeSpec {
  seconds: Embed<Long>
  nanoseconds: Embed<Long>
}

/** struct flock: bytes of a file that are locked, or are to be. fcntl(2). */
@wire(32)
export class RecordLock {
  type: Le<u16>
  whence: Le<u16>
  gap: Bytes<4>
  start: Embed<Long>
  length: Embed<Long>
  pid: Le<u32>
  gapAfter: Bytes<4>
}

@wire(144)
export class Stat {
  device: Embed<Long>
  inode: Embed<Long>
  links: Embed<Long>
  mode: Le<u32>
  uid: Le<u32>
  gid: Le<u32>
  padding: Le<u32>
  representedDevice: Embed<Long>
  size: Embed<Long>
  blockSize: Embed<Long>
  blocks: Embed<Long> // of 512 bytes
  accessed: Embed<TimeSpec>
  modified: Embed<TimeSpec>
  changed: Embed<TimeSpec>
  unused: Bytes<24>
}

@wire(120)
export class StatFs {
  type: Embed<Long>
  blockSize: Embed<Long>
  blocks: Embed<Long>
  blocksFree: Embed<Long>
  blocksAvailable: Embed<Long>
  files: Embed<Long>
  filesFree: Embed<Long>
  id: Embed<Long>
  nameLength: Embed<Long>
  fragmentSize: Embed<Long>
  flags: Embed<Long>
  spare: Bytes<32>
}

/** linux_dirent64; the name follows, zero-terminated, and the whole is a multiple of 8 bytes. */
@wire(19)
export class DirectoryRecord {
  inode: Embed<Long>
  next: Embed<Long>
  length: Le<u16>
  type: u8
}
