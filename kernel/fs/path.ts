// From a path to a file, component by component, through symbolic links and mounts. POSIX.1-2017 §4.13, Linux's path_resolution(7).
//
// No recursion: what is left of a path when a link's text goes first is kept on a stack as deep as links are followed.
// Every inode on the way is held while the walk stands on it, because looking a name up may sleep. What the path leads to, its
// last name, and the directory that name is in are in the PathWalk until `pathEnd`. A process's context.

import { NAME_LIMIT, PATH_LIMIT, SYMLINK_LIMIT } from '../config.ts'
import { Errno, errorOf, isError } from '../lib/errno.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import {
  address, at, nth, plus, sizeof, staticStruct, struct, type Bytes, type Row, type Stored, type bool, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { copyBytes, stringLengthBounded } from '../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { FileContext } from './context.ts'
import type { Credentials } from './credentials.ts'
import { inodeHold, inodeIsDirectory, inodeRelease, type Inode } from './inode.ts'
import { Mode, modeType } from './mode.ts'
import { mountDown, mountUp } from './mount.ts'
import { maySearch } from './permission.ts'

const SLASH: u32 = 0x2f
const DOT: u32 = 0x2e

/** How a path is followed. */
export const enum Follow {
  /** A symbolic link at the end is itself what the path names. */
  NotLast = 0,
  /** It is followed. */
  Last = 1,
  /** The name at the end need not be there: `inode` is null then. */
  Create = 2,
  /** The name at the end is what matters: a link there is not followed, slashes behind it are for the caller to judge. */
  Name = 4,
  /** A slash behind the name at the end is IsDirectory: what is to be made is a file. */
  NoSlash = 8,
}

/** What the last component is. */
export const enum Last { Name, Dot, DotDot, Root }

/** A link whose text is read, and what is to come after that. */
@struct
class Rest {
  link: Inode // held, so that the text before stays
  text: ptr
}

@struct
export class PathWalk {
  root: Inode // held
  credentials: Credentials // whose the walk is
  directory: Inode // held: where the walk stands; at the end, where the last name is
  inode: Inode | null // held: what the path names
  follow: u32
  links: u32 // followed
  depth: u32 // rests in use
  done: Stored<u32, bool>
  text: ptr // of the path, or of a link, from here on
  last: Stored<u32, Last>
  trailingSlash: Stored<u32, bool> // the path ends in one: it must be a directory
  nameLength: u32
  rests: Row<Rest, 40> // SYMLINK_LIMIT
  name: Bytes<256> // the last name, zero-terminated
}

const walks = staticStruct<Pool>()

/** Once, before the first path. */
export function pathsInit(): void {
  poolInit(walks, 'paths', sizeof<PathWalk>(), 0)
}

/** Walks that were not ended, for the self-test. */
export function pathWalks(): u32 {
  return walks.used
}

/**
 * Follow a path from a directory, or from the root if it begins with a slash: a PathWalk, or NoSuchEntry, NotDirectory,
 * SymbolicLinkLoop, NameTooLong, AccessDenied (a directory on the way may not be searched), OutOfMemory. May sleep.
 */
export function pathWalk(context: FileContext, from: Inode, path: ptr, follow: u32): u32 {
  if (load8(path, 0) == 0) return Errno.NoSuchEntry as number as u32
  if (stringLengthBounded(path, PATH_LIMIT) == PATH_LIMIT) return Errno.NameTooLong as number as u32
  const memory = poolAllocate(walks)
  if (memory == 0) return Errno.OutOfMemory as number as u32
  const walk = at<PathWalk>(memory)
  walk.root = inodeHold(context.root)
  walk.credentials = context.credentials
  walk.directory = inodeHold(from)
  walk.follow = follow
  walk.text = path
  const result = walkAll(walk)
  if (result == Errno.None) return memory
  pathEnd(walk)
  return result as number as u32
}

/** Let go of all that a walk holds. May sleep. */
export function pathEnd(walk: PathWalk): void {
  while (walk.depth != 0) {
    walk.depth -= 1
    inodeRelease(nth(walk.rests, walk.depth).link)
  }
  inodeRelease(walk.inode)
  inodeRelease(walk.directory)
  inodeRelease(walk.root)
  poolFree(walks, address(walk))
}

/** What the path names, held for the caller; the walk is ended. NoSuchEntry if there is nothing. */
export function pathTake(walk: PathWalk): u32 {
  const inode = walk.inode
  const result = inode == null ? Errno.NoSuchEntry as number as u32 : address(inodeHold(inode))
  pathEnd(walk)
  return result
}

/** Past slashes; whether there were some. */
function skipSlashes(walk: PathWalk): boolean {
  const start = walk.text
  while (load8(walk.text, 0) == SLASH) walk.text = plus(walk.text, 1)
  return walk.text != start
}

/** To the root, if the text begins with a slash. */
function begin(walk: PathWalk): void {
  if (!skipSlashes(walk)) return
  walk.last = Last.Root
  moveTo(walk, inodeHold(walk.root))
}

/** Stand on `inode`, whose count becomes the walk's. */
function moveTo(walk: PathWalk, inode: Inode): void {
  inodeRelease(walk.directory)
  walk.directory = inode
}

/** Component after component; the path, or a link's text, may have none: "/". */
function walkAll(walk: PathWalk): i32 {
  begin(walk)
  while (nextText(walk)) {
    const result = next(walk)
    if (result != Errno.None || walk.done) return result
  }
  walk.inode = inodeHold(walk.directory)
  return Errno.None
}

/** The next component. */
function next(walk: PathWalk): i32 {
  if (!maySearch(walk.credentials, walk.directory)) return Errno.AccessDenied
  return componentTaken(walk) ? step(walk, atEnd(walk)) : Errno.NameTooLong
}

/** To the next text with something in it: false when there is none. */
function nextText(walk: PathWalk): boolean {
  skipSlashes(walk)
  while (load8(walk.text, 0) == 0) {
    if (walk.depth == 0) return false
    walk.depth -= 1
    const rest = nth(walk.rests, walk.depth)
    inodeRelease(rest.link)
    walk.text = rest.text
    skipSlashes(walk)
  }
  return true
}

/** Copy the next component into `name`; false when it is longer than NAME_LIMIT. */
function componentTaken(walk: PathWalk): boolean {
  let length: u32 = 0
  while (load8(walk.text, length) != 0 && load8(walk.text, length) != SLASH) length += 1
  if (length > NAME_LIMIT) return false
  copyBytes(walk.name, walk.text, length)
  store8(walk.name, length, 0)
  walk.nameLength = length
  walk.text = plus(walk.text, length)
  return true
}

/** Whether nothing but slashes is left of all texts. They are noted: what the path names must be a directory then. */
function atEnd(walk: PathWalk): boolean {
  walk.trailingSlash = false
  let isEnd = onlySlashes(walk, walk.text)
  for (let i: u32 = walk.depth; i != 0 && isEnd; i--) isEnd = onlySlashes(walk, nth(walk.rests, i - 1).text)
  return isEnd
}

function onlySlashes(walk: PathWalk, from: ptr): boolean {
  let text = from
  while (load8(text, 0) == SLASH) text = plus(text, 1)
  if (text != from) walk.trailingSlash = true
  return load8(text, 0) == 0
}

/** One component from where the walk stands. */
function step(walk: PathWalk, isLast: boolean): i32 {
  walk.last = kindOf(walk)
  if (isLast && walk.trailingSlash && walk.last == Last.Name && (walk.follow & Follow.NoSlash) != 0) return Errno.IsDirectory
  if (walk.last == Last.Dot) return arrive(walk, inodeHold(walk.directory), isLast)
  const found = walk.last == Last.DotDot ? above(walk) : lookUp(walk)
  if (!isError(found)) return arrive(walk, mountDown(at<Inode>(found as ptr)), isLast)
  const error = errorOf(found)
  walk.done = isLast && error == Errno.NoSuchEntry && walk.last == Last.Name && (walk.follow & Follow.Create) != 0
  return walk.done ? Errno.None : error
}

function kindOf(walk: PathWalk): Last {
  if (load8(walk.name, 0) != DOT || walk.nameLength > 2) return Last.Name
  if (walk.nameLength == 1) return Last.Dot
  return load8(walk.name, 1) == DOT ? Last.DotDot : Last.Name
}

/** The directory above; the root's is itself. */
function above(walk: PathWalk): u32 {
  if (walk.directory == walk.root) return address(inodeHold(walk.root))
  walk.directory = mountUp(walk.directory)
  const parent = walk.directory.operations.parent
  return parent == null ? Errno.NotDirectory as number as u32 : parent(walk.directory)
}

function lookUp(walk: PathWalk): u32 {
  const lookup = walk.directory.operations.lookup
  return lookup == null ? Errno.NotDirectory as number as u32 : lookup(walk.directory, walk.name, walk.nameLength)
}

/** At an inode, whose count becomes the walk's: go in, follow it, or end there. */
function arrive(walk: PathWalk, inode: Inode, isLast: boolean): i32 {
  const mustBeDirectory = !isLast || (walk.trailingSlash && (walk.follow & Follow.Name) == 0)
  const isFollowed = mustBeDirectory || (walk.follow & Follow.Last) != 0
  if (modeType(inode.mode) == Mode.SymbolicLink && isFollowed) return followLink(walk, inode, isLast)
  if (mustBeDirectory && !inodeIsDirectory(inode)) return failed(inode, Errno.NotDirectory)
  if (isLast) {
    walk.inode = inode
    walk.done = true
  } else moveTo(walk, inode)
  return Errno.None
}

/** Go on with a link's text, and with what is left now after that; or where a link leads that is not followed by its text. */
function followLink(walk: PathWalk, link: Inode, isLast: boolean): i32 {
  walk.links += 1
  if (walk.links > SYMLINK_LIMIT) return failed(link, Errno.SymbolicLinkLoop)
  const follow = link.operations.follow
  if (follow != null) {
    const found = follow(link)
    inodeRelease(link)
    return isError(found) ? errorOf(found) : arrive(walk, mountDown(at<Inode>(found as ptr)), isLast)
  }
  const textOf = link.operations.text
  const text = (textOf == null ? 0 : textOf(link)) as ptr
  if (text == 0 || load8(text, 0) == 0) return failed(link, Errno.NoSuchEntry)
  const rest = nth(walk.rests, walk.depth)
  walk.depth += 1
  rest.link = link
  rest.text = walk.text
  walk.text = text
  begin(walk)
  return Errno.None
}

function failed(inode: Inode, error: i32): i32 {
  inodeRelease(inode)
  return error
}
