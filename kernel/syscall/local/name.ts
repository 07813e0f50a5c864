// Names of local sockets: in the file system, abstract, or none. unix(7).
//
//   abstract:            bucket ──▶ LocalName ──▶ LocalName …         gone with the socket
//   in the file system:  Inode ──special──▶ LocalSocket               stays when the socket is gone: nobody answers there then
//
// A name is counted: sockets that a listener accepts have its name, and peers may ask for it when it has gone. Context: a process's.

import { LOCAL_NAME_BUCKETS, LOCAL_SOCKET_LIMIT } from '../../config.ts'
import { inodeHold, inodeRelease, type Inode } from '../../fs/inode.ts'
import { Errno } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, staticMemory, staticRow, staticStruct, struct, type Bytes, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { hashBytes } from '../../lib/hash.ts'
import { copyBytes, equalBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { LocalSocket } from './socket.ts'

/** Bytes of a name: sun_path. */
export const PATH_ROOM: u32 = 108
/** Names that the kernel chooses are a zero and five hexadecimal digits. */
const CHOSEN_LENGTH: u32 = 6
const CHOSEN_MASK: u32 = 0xfffff

@struct
export class LocalName {
  next: LocalName | null // in its bucket, while it is an abstract one that is bound
  socket: LocalSocket | null // whose it is; null: gone
  inode: Inode | null // held while the socket is there
  count: u32
  hash: u32
  length: u32 // of `path`; one in the file system with its zero
  path: Bytes<108>
}

@struct
class Bucket {
  first: LocalName | null
}

const names = staticStruct<Pool>()
const buckets = staticRow<Bucket>(LOCAL_NAME_BUCKETS)
const chosen = staticMemory(8, 8)
let seed: u32 = 0
let choice: u32 = 0

/** Once, before the first. */
export function localNamesInit(): void {
  poolInit(names, 'local-names', sizeof<LocalName>(), LOCAL_SOCKET_LIMIT)
  seed = random32()
  choice = random32()
}

/** Names there are, for the self-test. */
export function localNamesUsed(): u32 {
  return names.used
}

/** One more has it. */
export function nameHold(name: LocalName): LocalName {
  name.count += 1
  return name
}

/** One less has it. */
export function nameRelease(name: LocalName): void {
  name.count -= 1
  if (name.count == 0) poolFree(names, address(name))
}

/** A name of a socket's that has none, counted once; null without memory. */
function nameMake(socket: LocalSocket, path: ptr, length: u32): LocalName | null {
  const memory = poolAllocate(names)
  if (memory == 0) return null
  const name = at<LocalName>(memory)
  name.count = 1
  name.socket = socket
  name.length = length
  copyBytes(name.path, path, length)
  socket.name = name
  return name
}

/** Names of sockets of different types do not meet, as on Linux. */
function hashOf(path: ptr, length: u32, type: u32): u32 {
  return hashBytes(path, length, seed ^ type)
}

function bucketOf(hash: u32): Bucket {
  return nth(buckets, hash & (LOCAL_NAME_BUCKETS - 1))
}

/** The socket of this type that has an abstract name, not held; null. */
export function nameFind(path: ptr, length: u32, type: u32): LocalSocket | null {
  const hash = hashOf(path, length, type)
  let each = bucketOf(hash).first
  while (each != null) {
    const socket = each.socket
    if (each.hash == hash && each.length == length && socket != null && socket.type == type && equalBytes(each.path, path, length)) {
      return socket
    }
    each = each.next
  }
  return null
}

/** Give a socket an abstract name: its `length` bytes at `path`, the zero before it among them. AddressInUse, OutOfMemory. */
export function nameAbstract(socket: LocalSocket, path: ptr, length: u32): i32 {
  if (nameFind(path, length, socket.type) != null) return Errno.AddressInUse
  const name = nameMake(socket, path, length)
  if (name == null) return Errno.OutOfMemory
  name.hash = hashOf(path, length, socket.type)
  const bucket = bucketOf(name.hash)
  name.next = bucket.first
  bucket.first = name
  return Errno.None
}

/** Give a socket without a name an abstract one that nobody has: "Autobind feature" of unix(7). OutOfMemory, NoSpace. */
export function nameChoose(socket: LocalSocket): i32 {
  if (socket.name != null) return Errno.None
  let result: i32 = Errno.AddressInUse
  for (let tries: u32 = 0; tries <= LOCAL_SOCKET_LIMIT && result == Errno.AddressInUse; tries++) {
    choice = (choice + 1) & CHOSEN_MASK
    for (let i: u32 = 1; i < CHOSEN_LENGTH; i++) store8(chosen, i, hexadecimal((choice >>> ((CHOSEN_LENGTH - 1 - i) << 2)) & 0xf))
    result = nameAbstract(socket, chosen, CHOSEN_LENGTH)
  }
  return result == Errno.AddressInUse ? Errno.NoSpace : result
}

function hexadecimal(digit: u32): u32 {
  return digit < 10 ? 0x30 + digit : 0x61 + digit - 10
}

/** Give a socket the name of a new inode, `length` bytes with the zero. OutOfMemory. */
export function nameOfInode(socket: LocalSocket, inode: Inode, path: ptr, length: u32): i32 {
  const name = nameMake(socket, path, length)
  if (name == null) return Errno.OutOfMemory
  name.inode = inodeHold(inode)
  inode.special = address(socket)
  return Errno.None
}

/** The socket is closed: nobody finds it by its name any more. What accepted sockets have is the listener's. May sleep. */
export function nameUnbind(socket: LocalSocket): void {
  const name = socket.name
  if (name == null || name.socket != socket) return
  const inode = name.inode
  name.socket = null
  name.inode = null
  if (inode == null) return leaveBucket(name)
  inode.special = 0 as ptr
  inodeRelease(inode)
}

function leaveBucket(name: LocalName): void {
  const bucket = bucketOf(name.hash)
  let before = bucket.first
  if (before == name) {
    bucket.first = name.next
    return
  }
  while (before != null && before.next != name) before = before.next
  if (before != null) before.next = name.next
}
