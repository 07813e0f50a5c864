// Which slots of a swap area are free: RustOS's bitmap. Bit n of word n/32 set: slot n is free.
//
// Slot 0 is the header page and, like the bad pages and what lies past the last page, never free. A slot whose
// write failed is free again, as RustOS has it, but suspect: it is handed out only when no other is left, so one
// bad sector does not stop swapping. Main-loop context.

import { countTrailingZeros, load32, store32 } from '../lib/intrinsics.ts'
import { struct, type ptr, type u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'

@struct
export class SlotMap {
  free: ptr // bits
  suspect: ptr // bits; counts only where `free` has one too
  words: u32 // of 32 bits, in each
  lowest: u32 // no word before this one has a slot that is free and not suspect
  lastSlot: u32
  total: u32 // slots there are, bad ones left out
  used: u32
  suspects: u32 // bits of `suspect`
  cursor: u32 // the word where the search for a run of slots goes on
  retired: u32 // slots that could not be written, out of use for good
  scattered: u32 // 1: no word had 32 slots to hand out, and none has become such since
  runLength: u32 // slots that slotTakeRun took last
}

/** A map of slots 1 to `lastSlot`, all free; false when there is no memory for it. */
export function slotMapMake(map: SlotMap, lastSlot: u32): boolean {
  map.words = (lastSlot >> 5) + 1
  map.free = heapAllocate(map.words << 2)
  map.suspect = heapAllocate(map.words << 2)
  if (map.free == 0 || map.suspect == 0) {
    slotMapDrop(map)
    return false
  }
  let i: u32 = 0
  while (i < map.words) {
    store32(map.free, i << 2, 0xffffffff)
    store32(map.suspect, i << 2, 0)
    i += 1
  }
  const all: u32 = 0xffffffff
  const tail: u32 = 31 - (lastSlot & 31)
  store32(map.free, (map.words - 1) << 2, all >> tail)
  setBit(map.free, 0, false)
  map.lastSlot = lastSlot
  map.lowest = 0
  map.total = lastSlot
  map.used = 0
  map.suspects = 0
  map.cursor = 0
  map.scattered = 0
  map.retired = 0
  return true
}

/** Give back the memory of the map. */
export function slotMapDrop(map: SlotMap): void {
  heapFree(map.free)
  heapFree(map.suspect)
  map.free = 0 as ptr
  map.suspect = 0 as ptr
  map.words = 0
  map.lastSlot = 0
  map.total = 0
  map.used = 0
  map.suspects = 0
}

/** Take a slot out of use for good, before any is handed out. */
export function slotMapBad(map: SlotMap, slot: u32): void {
  if (!slotIsFree(map, slot)) return // listed twice
  setBit(map.free, slot, false)
  map.total -= 1
}

/** Whether slot `slot` is one of the area and free. */
export function slotIsFree(map: SlotMap, slot: u32): boolean {
  return slot <= map.lastSlot && map.words != 0 && bit(map.free, slot)
}

/** The lowest free slot, suspect ones last; 0 when none is free. It is in use now. */
export function slotTake(map: SlotMap): u32 {
  let slot = lowestFree(map, false)
  if (slot == 0 && map.suspects != 0) slot = lowestFree(map, true)
  if (slot == 0) return 0
  setBit(map.free, slot, false)
  map.used += 1
  return slot
}

/** Make a slot that is in use free again. */
export function slotGiveBack(map: SlotMap, slot: u32): void {
  setBit(map.free, slot, true)
  map.used -= 1
  if (slot >> 5 < map.lowest) map.lowest = slot >> 5
  if (available(map, slot >> 5) == 0xffffffff) map.scattered = 0
}

/** Hand a slot out last from now on. */
export function slotSuspect(map: SlotMap, slot: u32): void {
  if (bit(map.suspect, slot)) return
  setBit(map.suspect, slot, true)
  map.suspects += 1
}

/**
 * Take up to `wanted` (1 to 64) slots that follow one another; their number is in `runLength`. The first of them, 0 when none
 * is free. Whole words of free slots come first, in order of place from the last on: what is taken together lies together.
 */
export function slotTakeRun(map: SlotMap, wanted: u32): u32 {
  map.runLength = 0
  const word = wanted > 1 ? wholeWord(map) : map.words
  if (word < map.words) return takeWords(map, word, wanted)
  let each: u32 = 0
  while (each < map.words) {
    const at: u32 = map.cursor < map.words ? map.cursor : 0
    const bits = available(map, at)
    if (bits != 0) return takeBits(map, at, bits, wanted)
    map.cursor = at + 1
    each += 1
  }
  const slot = slotTake(map) // a suspect one
  if (slot != 0) map.runLength = 1
  return slot
}

/** The next word from the cursor on whose 32 slots are all to be handed out; `words` if there is none. */
function wholeWord(map: SlotMap): u32 {
  let each: u32 = 0
  while (map.scattered == 0 && each < map.words) {
    const at: u32 = map.cursor + each < map.words ? map.cursor + each : map.cursor + each - map.words
    if (at < map.words && available(map, at) == 0xffffffff) return at
    each += 1
  }
  map.scattered = 1
  return map.words
}

/** From a whole word, and the next if it is whole too. */
function takeWords(map: SlotMap, word: u32, wanted: u32): u32 {
  const first: u32 = wanted < 32 ? wanted : 32
  takeBits(map, word, 0xffffffff, first)
  if (wanted <= 32 || word + 1 >= map.words || available(map, word + 1) != 0xffffffff) return word << 5
  takeBits(map, word + 1, 0xffffffff, wanted - 32)
  map.runLength = wanted
  return word << 5
}

/** The lowest of `bits` and those that follow it without a gap, up to `wanted`. */
function takeBits(map: SlotMap, word: u32, bits: u32, wanted: u32): u32 {
  const low = countTrailingZeros(bits)
  let length: u32 = countTrailingZeros(~(bits >> low))
  if (length > wanted) length = wanted
  const ones: u32 = 0xffffffff
  const taken: u32 = (ones >> (32 - length)) << low
  store32(map.free, word << 2, load32(map.free, word << 2) & ~taken)
  map.used += length
  map.runLength = length
  map.cursor = word
  return (word << 5) + low
}

/** Slots of a word that are free and not suspect. */
function available(map: SlotMap, word: u32): u32 {
  return load32(map.free, word << 2) & ~load32(map.suspect, word << 2)
}

/** Take a slot that is free out of use for good: it could not be written. */
export function slotRetire(map: SlotMap, slot: u32): void {
  setBit(map.free, slot, false)
  map.total -= 1
  map.retired += 1
}

function lowestFree(map: SlotMap, suspectToo: boolean): u32 {
  let word: u32 = suspectToo ? 0 : map.lowest
  while (word < map.words) {
    let bits: u32 = load32(map.free, word << 2)
    if (!suspectToo) {
      bits &= ~load32(map.suspect, word << 2)
      map.lowest = word
    }
    if (bits != 0) return (word << 5) + countTrailingZeros(bits)
    word += 1
  }
  if (!suspectToo) map.lowest = map.words
  return 0
}

function bit(bits: ptr, slot: u32): boolean {
  return (load32(bits, slot >> 5 << 2) & (1 << (slot & 31))) != 0
}

function setBit(bits: ptr, slot: u32, value: boolean): void {
  const at: u32 = slot >> 5 << 2
  const mask: u32 = 1 << (slot & 31)
  const word = load32(bits, at)
  store32(bits, at, value ? word | mask : word & ~mask)
}
