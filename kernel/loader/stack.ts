// The stack a program begins on. System V ABI, AMD64 supplement §3.4.1:
//
//   RSP ─▶ argc | argv 0 … | 0 | envp 0 … | 0 | auxiliary vector, pairs, AT_NULL last | 16 random bytes | strings | end of the stack
//
// The stack is mapped whole, as large as RLIMIT_STACK says, and memory comes as it is touched; the page below it is a guard. Its end is
// somewhere in the last 16 MiB of user memory, at random. Context: a process's, whose space is current.

import { STACK_LARGEST, STACK_SMALLEST } from '../config.ts'
import { Errno, isError } from '../lib/errno.ts'
import { load8, store32 } from '../lib/intrinsics.ts'
import { plus, struct, type Stored, type bool, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { randomBelow, randomBytes } from '../lib/random.ts'
import { PAGE_SHIFT, PAGE_SIZE, USER_END, pageFloor } from '../mm/address.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { MapFlag, spaceGuard, spaceMap } from '../vm/map.ts'
import { Protection } from '../vm/region.ts'
import { userCopyOut } from '../vm/user-copy.ts'
import type { Arguments } from './arguments.ts'
import type { Image } from './load.ts'

/** The auxiliary vector's types. include/uapi/linux/auxvec.h */
const enum Auxiliary {
  Null = 0, Headers = 3, HeaderSize = 4, HeaderCount = 5, PageSize = 6, Base = 7, Flags = 8, Entry = 9, UserId = 11,
  EffectiveUserId = 12, GroupId = 13, EffectiveGroupId = 14, HardwareCapabilities = 16, ClockTicks = 17, Secure = 23,
  Random = 25, ExecutedFile = 31,
}

const PROGRAM_HEADER_SIZE: u32 = 56
const CLOCK_TICKS: u32 = 100
const WORD: u32 = 8
const AUXILIARY_PAIRS: u32 = 18
const RANDOM_BYTES: u32 = 16
/** Pages that the end of the stack is moved down by, at most. */
const RANDOM_PAGES: u32 = 2048
/** Initial-state alignment of RSP. */
const STACK_ALIGNMENT: u32 = 16

/** Who a program is, as it is told. */
@struct
export class Identity {
  user: u32 // whose process it is
  effectiveUser: u32 // and as whom it runs
  group: u32
  effectiveGroup: u32
  secure: Stored<u32, bool> // it is more, or another, than who has started it: it is not to trust what comes from there
}

/**
 * Map the stack of `space` and write what a program finds on it: RSP, or OutOfMemory, BadAddress. `capabilities` is CPUID's EDX
 * of leaf 1. May sleep.
 */
export function stackBuild(space: AddressSpace, from: Arguments, image: Image, who: Identity, capabilities: u32): u32 {
  const end: u32 = USER_END - PAGE_SIZE - (randomBelow(RANDOM_PAGES) << PAGE_SHIFT)
  const size = stackSize(space)
  const bottom: u32 = end - size
  const flags: u32 = MapFlag.Fixed | MapFlag.Private | MapFlag.Anonymous | MapFlag.Stack
  const mapped = spaceMap(space, bottom, size, Protection.Read | Protection.Write, flags, null, 0)
  if (isError(mapped)) return mapped
  if (spaceGuard(space, bottom - PAGE_SIZE, PAGE_SIZE) != Errno.None) return Errno.OutOfMemory as number as u32
  const strings: u32 = end - from.used
  const random: u32 = (strings - RANDOM_BYTES) & ~(STACK_ALIGNMENT - 1)
  const words: u32 = 3 + from.argumentCount + from.environmentCount + 2 * AUXILIARY_PAIRS
  const start: u32 = (random - words * WORD) & ~(STACK_ALIGNMENT - 1)
  const memory = heapAllocate(words * WORD + RANDOM_BYTES)
  if (memory == 0) return Errno.OutOfMemory as number as u32
  zeroBytes(memory, words * WORD)
  vectorsWrite(memory, from, strings)
  auxiliaryAt = plus(memory, (3 + from.argumentCount + from.environmentCount) * WORD)
  auxiliaryOfImage(image, capabilities)
  auxiliaryOfCaller(who, random, strings + from.path)
  randomBytes(plus(memory, words * WORD), RANDOM_BYTES)
  const error = copyOut(from, memory, words * WORD, start, random, strings)
  heapFree(memory)
  space.stackStart = bottom
  space.stackEnd = end
  return error == Errno.None ? start : error as number as u32
}

/** Bytes that are mapped: within limits of our own. */
function stackSize(space: AddressSpace): u32 {
  if (space.stackLimit >= STACK_LARGEST) return STACK_LARGEST
  return space.stackLimit < STACK_SMALLEST ? STACK_SMALLEST : pageFloor(space.stackLimit)
}

function copyOut(from: Arguments, memory: ptr, length: u32, start: u32, random: u32, strings: u32): i32 {
  let error = userCopyOut(strings as ptr, from.buffer, from.used)
  if (error == Errno.None) error = userCopyOut(random as ptr, plus(memory, length), RANDOM_BYTES)
  if (error == Errno.None) error = userCopyOut(start as ptr, memory, length)
  return error
}

/** argc, argv and envp: the strings lie in this order, from `strings` on. */
function vectorsWrite(memory: ptr, from: Arguments, strings: u32): void {
  store32(memory, 0, from.argumentCount)
  let word: u32 = WORD
  let offset: u32 = 0
  for (let i: u32 = 0; i < from.argumentCount + from.environmentCount; i++) {
    if (i == from.argumentCount) word += WORD
    store32(memory, word, strings + offset)
    word += WORD
    while (load8(from.buffer, offset) != 0) offset += 1
    offset += 1
  }
}

let auxiliaryAt: ptr = 0 as ptr

function put(type: Auxiliary, value: u32): void {
  store32(auxiliaryAt, 0, type)
  store32(auxiliaryAt, WORD, value)
  auxiliaryAt = plus(auxiliaryAt, 2 * WORD)
}

function auxiliaryOfImage(image: Image, capabilities: u32): void {
  put(Auxiliary.HardwareCapabilities, capabilities)
  put(Auxiliary.PageSize, PAGE_SIZE)
  put(Auxiliary.ClockTicks, CLOCK_TICKS)
  if (image.headers != 0) {
    put(Auxiliary.Headers, image.headers)
    put(Auxiliary.HeaderSize, PROGRAM_HEADER_SIZE)
    put(Auxiliary.HeaderCount, image.headerCount)
  }
  put(Auxiliary.Base, 0)
  put(Auxiliary.Flags, 0)
  put(Auxiliary.Entry, image.entry)
}

function auxiliaryOfCaller(who: Identity, random: u32, path: u32): void {
  put(Auxiliary.UserId, who.user)
  put(Auxiliary.EffectiveUserId, who.effectiveUser)
  put(Auxiliary.GroupId, who.group)
  put(Auxiliary.EffectiveGroupId, who.effectiveGroup)
  put(Auxiliary.Secure, who.secure ? 1 : 0)
  put(Auxiliary.Random, random)
  put(Auxiliary.ExecutedFile, path)
  put(Auxiliary.Null, 0)
}
