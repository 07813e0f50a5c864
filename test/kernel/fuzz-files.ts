// The fuzzer's targets among files: an archive to unpack, and calls on names. fuzz.ts says how they are called.

import { fsChdir, fsGetcwd } from '../../kernel/fs/calls/directories.ts'
import { fsLinkAt, fsMkdirAt, fsRenameAt, fsSymlinkAt, fsUnlinkAt } from '../../kernel/fs/calls/names.ts'
import { fsOpenAt } from '../../kernel/fs/calls/open.ts'
import { fsStatAt } from '../../kernel/fs/calls/stat.ts'
import { fsClose } from '../../kernel/fs/calls/descriptors.ts'
import { CpioResult, cpioLoad } from '../../kernel/fs/cpio.ts'
import { filesOpen } from '../../kernel/fs/file.ts'
import { At, Open } from '../../kernel/fs/flags.ts'
import { Stat } from '../../kernel/fs/layouts.ts'
import { pathWalks } from '../../kernel/fs/path.ts'
import { fsInit, fsMountSystem, kernelFiles } from '../../kernel/fs/start.ts'
import { load8, store8 } from '../../kernel/lib/intrinsics.ts'
import { staticMemory, staticStruct, type PhysicalAddress, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { framesAddRegion } from '../../kernel/mm/frames.ts'
import { heapInit } from '../../kernel/mm/heap.ts'
import { physicalOf } from '../../kernel/mm/address.ts'

/** All memory files have: in the program itself, so that it is put back before each input. */
const MEMORY: u32 = 1 << 20
const TEXT: u32 = 4200
const CWD: i32 = At.WorkingDirectory
const CALLS: u32 = 12

const memory = staticMemory(1048576, 4096)
const first = staticMemory(4200)
const second = staticMemory(4200)
const stat = staticStruct<Stat>()
const result = staticStruct<CpioResult>()
const path = staticMemory(256)

/** An empty root with /dev and /proc. */
export function fuzzFilesStart(): void {
  const start = physicalOf(memory)
  framesAddRegion(start, (start + MEMORY) as PhysicalAddress)
  heapInit()
  fsInit()
  fsMountSystem()
}

/** What was not given back: walks, open files. */
function left(): u32 {
  return pathWalks() + filesOpen()
}

export function fuzzCpio(p: ptr, length: u32): u32 {
  cpioLoad(kernelFiles(), p, length, result)
  return left()
}

/** A byte says which call, and one or two zero-terminated paths follow. */
export function fuzzNames(p: ptr, length: u32): u32 {
  let i: u32 = 0
  while (i < length) {
    const call: u32 = load8(p, i) % CALLS
    i = take(first, p, i + 1, length)
    if (call < 4) i = take(second, p, i, length)
    names(call)
  }
  return left()
}

/** Copy a path, its zero or the input's end after it, as far as it fits; where the next begins. */
function take(to: ptr, p: ptr, from: u32, length: u32): u32 {
  let n: u32 = 0
  let i: u32 = from
  while (i < length && load8(p, i) != 0) {
    if (n < TEXT - 1) {
      store8(to, n, load8(p, i))
      n += 1
    }
    i += 1
  }
  store8(to, n, 0)
  return i + 1
}

function names(call: u32): void {
  const files = kernelFiles()
  switch (call) {
    case 0: fsRenameAt(files, CWD, first, CWD, second, 0); break
    case 1: fsLinkAt(files, CWD, first, CWD, second, 0); break
    case 2: fsSymlinkAt(files, first, CWD, second); break
    case 3: fsRenameAt(files, CWD, first, CWD, second, 1); break
    case 4: fsMkdirAt(files, CWD, first, 0o777); break
    case 5: fsUnlinkAt(files, CWD, first, 0); break
    case 6: fsUnlinkAt(files, CWD, first, At.RemoveDirectory); break
    case 7: fsChdir(files, first); break
    case 8: fsGetcwd(files, path, 256); break
    case 9: open(Open.ReadWrite | Open.Create); break
    case 10: open(Open.ReadOnly | Open.Directory); break
    default: fsStatAt(files, CWD, first, stat, 0)
  }
}

function open(flags: u32): void {
  const descriptor = fsOpenAt(kernelFiles(), CWD, first, flags, 0o666)
  if (descriptor >= 0) fsClose(kernelFiles(), descriptor)
}
