// Descriptors in messages: SCM_RIGHTS of unix(7).
//
// Rights hold their files, as descriptors do. While they lie in a queue, files that are local sockets are counted in `file.flight`, too,
// and are in a list: cycles.ts looks there for those that nobody can reach any more. What is closed with a message may be a socket
// with messages: they are closed one after another, never one inside another. Context: a process's.

import { LOCAL_FLIGHT_LIMIT } from '../../config.ts'
import { fileHold, fileRelease, type OpenFile } from '../../fs/file.ts'
import { load32, store32 } from '../../lib/intrinsics.ts'
import { address, at, plus, sizeof, struct, type ptr, type u32 } from '../../lib/layout.ts'
import { heapAllocate, heapFree, heapSize } from '../../mm/heap.ts'
import { localOfFile, type LocalSocket } from './socket.ts'

/** The addresses of `count` files follow. In the heap. */
@struct
export class Rights {
  next: Rights | null // of those to be closed
  count: u32
}

let flying: LocalSocket | null = null
let inFlight: u32 = 0
let closing: Rights | null = null
let isClosing: boolean = false

/** Room for `room` files; null without memory. */
export function rightsCreate(room: u32): Rights | null {
  const memory = heapAllocate(sizeof<Rights>() + (room << 2))
  return memory == 0 ? null : at<Rights>(memory)
}

function placeOf(rights: Rights, index: u32): ptr {
  return plus(address(rights), sizeof<Rights>() + (index << 2))
}

/** One of the files. */
export function rightsFile(rights: Rights, index: u32): OpenFile {
  return at<OpenFile>(load32(placeOf(rights, index), 0) as ptr)
}

/** One more file, which is held; there is room. */
export function rightsAdd(rights: Rights, file: OpenFile): void {
  store32(placeOf(rights, rights.count), 0, address(fileHold(file)))
  rights.count += 1
}

/** The same files once more, for who looks ahead; null without memory. */
export function rightsCopy(from: Rights): Rights | null {
  const rights = rightsCreate(from.count)
  if (rights == null) return null
  for (let i: u32 = 0; i < from.count; i++) rightsAdd(rights, rightsFile(from, i))
  return rights
}

/** Bytes of memory they take. */
export function rightsSize(rights: Rights): u32 {
  return heapSize(address(rights))
}

/** They are given up, files and memory. May sleep. */
export function rightsRelease(rights: Rights): void {
  rightsDefer(rights)
  rightsClose()
}

/** Have them given back by the next `rightsClose`. */
export function rightsDefer(rights: Rights): void {
  rights.next = closing
  closing = rights
}

/** Give back what was deferred, unless that is being done: what is closed may have had messages. May sleep. */
export function rightsClose(): void {
  if (isClosing) return
  isClosing = true
  while (closing != null) closeNext(closing)
  isClosing = false
}

function closeNext(rights: Rights): void {
  closing = rights.next
  for (let i: u32 = 0; i < rights.count; i++) fileRelease(rightsFile(rights, i))
  heapFree(address(rights))
}

// --- On their way. ----------------------------------------------------------------------------------------

/** Whether so many more may be on their way. */
export function rightsMayFly(count: u32): boolean {
  return inFlight + count <= LOCAL_FLIGHT_LIMIT
}

/** They lie in a queue from now on. */
export function rightsDepart(rights: Rights): void {
  inFlight += rights.count
  for (let i: u32 = 0; i < rights.count; i++) {
    const file = rightsFile(rights, i)
    const socket = localOfFile(file)
    if (socket == null) continue
    if (file.flight == 0) flyingAdd(socket)
    file.flight += 1
  }
}

/** They do not any more. */
export function rightsArrive(rights: Rights): void {
  inFlight -= rights.count
  for (let i: u32 = 0; i < rights.count; i++) {
    const file = rightsFile(rights, i)
    const socket = localOfFile(file)
    if (socket == null) continue
    file.flight -= 1
    if (file.flight == 0) flyingRemove(socket)
  }
}

/** Whether nothing but messages has one of the files. */
export function rightsAdrift(rights: Rights): boolean {
  for (let i: u32 = 0; i < rights.count; i++) {
    if (rightsFile(rights, i).count == rightsFile(rights, i).flight) return true
  }
  return false
}

/** The first of the sockets whose descriptors are on their way. */
export function flyingFirst(): LocalSocket | null {
  return flying
}

function flyingAdd(socket: LocalSocket): void {
  socket.flightPrevious = null
  socket.flightNext = flying
  if (flying != null) flying.flightPrevious = socket
  flying = socket
}

function flyingRemove(socket: LocalSocket): void {
  const before = socket.flightPrevious
  const after = socket.flightNext
  if (before != null) before.flightNext = after
  else flying = after
  if (after != null) after.flightPrevious = before
}
