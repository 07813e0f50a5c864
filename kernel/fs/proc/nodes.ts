// What there is in /proc: a table of directories, files and links, each with what it says. Others may add to it at boot.

import { load8 } from '../../lib/intrinsics.ts'
import { nth, plus, staticRow, struct, type Stored, type bool, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { spells } from '../../lib/memory.ts'
import { panic } from '../../lib/panic.ts'
import type { TextWriter } from '../../lib/print.ts'

/** Writes a file of a process, or of the system (`pid` 0 then). May sleep. */
export type ProcText = (writer: TextWriter, pid: u32) => void

/** Takes what is written to a file of the system, `bytes` bytes in the kernel: 0, or InvalidArgument. */
export type ProcTake = (text: ptr, bytes: u32) => i32

/** What is first in the table, because the file system has to know it. */
export const enum Place { None, Root, Process, Descriptors, Executable, RootLink, Directory }

const NODE_LIMIT: u32 = 63
const NAME_DIGITS: u32 = 10

@struct
export class ProcNode {
  name: cstring
  parent: u32 // its directory's place in the table
  mode: u32
  text: ProcText | null // of a file, or of a link
  take: ProcTake | null // null: it can not be written
  inner: Stored<u32, bool> // of a process: only for those who may look into it
}

const nodes = staticRow<ProcNode>(NODE_LIMIT)
let count: u32 = 1 // 0 is none

/** Add to a directory; its place. One too many is a panic. */
export function procNodeAdd(parent: u32, name: cstring, mode: u32, text: ProcText | null): u32 {
  if (count == NODE_LIMIT) panic('more than NODE_LIMIT files in /proc')
  const node = nth(nodes, count)
  node.name = name
  node.parent = parent
  node.mode = mode
  node.text = text
  count += 1
  return count - 1
}

/** The node at a place. */
export function procNode(place: u32): ProcNode {
  return nth(nodes, place)
}

/** The first place from `from` on that is in a directory; 0: none. */
export function procNodeIn(parent: u32, from: u32): u32 {
  for (let i: u32 = from == 0 ? 1 : from; i < count; i++) {
    if (nth(nodes, i).parent == parent) return i
  }
  return 0
}

/** The place of a name in a directory; 0: none. */
export function procNodeFind(parent: u32, name: ptr, length: u32): u32 {
  let place = procNodeIn(parent, 0)
  while (place != 0 && !spells(name, length, nth(nodes, place).name)) place = procNodeIn(parent, place + 1)
  return place
}

/** The number that a name spells without needless zeros, or 0xffffffff. */
export function procNumber(name: ptr, length: u32): u32 {
  if (length == 0 || length >= NAME_DIGITS || (length > 1 && load8(name, 0) == 0x30)) return 0xffffffff
  let number: u32 = 0
  for (let p = name; p != plus(name, length); p = plus(p, 1)) {
    const digit: u32 = load8(p, 0) - 0x30
    if (digit > 9) return 0xffffffff
    number = number * 10 + digit
  }
  return number
}
