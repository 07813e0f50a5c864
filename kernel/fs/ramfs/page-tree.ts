// The pages of a file in RAM, by number: a tree of frames that is as high as the last page needs.
//
//   height 0   root = the only page
//   height 1   root = a node: 1,024 addresses of pages, 4 MiB
//   height 2   root = a node of nodes: 4 GiB
//
// An address of 0 is a hole. Nothing here sleeps: whoever fills a place brings the frames, nodes included, and asks again
// after each what is missing, because others may have been here while it got them. A process's context.

import { load32, store32 } from '../../lib/intrinsics.ts'
import { struct, type PhysicalAddress, type ptr, type u32 } from '../../lib/layout.ts'
import { virtualOf } from '../../mm/address.ts'
import { pageFrameRelease } from '../../mm/page-frame.ts'

const FAN_SHIFT: u32 = 10
const FAN: u32 = 1024
const HEIGHT_LIMIT: u32 = 2

@struct
export class PageTree {
  root: PhysicalAddress // 0: no pages
  height: u32
  pages: u32
  frames: u32 // pages and nodes
}

/** What a place in the tree needs. */
export const enum Missing { Nothing, Page, Node }

/** Whether the tree is high enough for page `index`. */
function reaches(tree: PageTree, index: u32): boolean {
  if (tree.height == HEIGHT_LIMIT) return true
  return tree.height == 0 ? index == 0 : index < FAN
}

/** Offset in a node at `level` (1 is the one above the pages) of what leads to page `index`. */
function slotOf(index: u32, level: u32): u32 {
  return ((index >>> ((level - 1) * FAN_SHIFT)) & (FAN - 1)) << 2
}

function node(frame: PhysicalAddress): ptr {
  return virtualOf(frame)
}

/** The frame of a page; 0 for a hole. */
export function pageTreeFind(tree: PageTree, index: u32): PhysicalAddress {
  if (tree.root == 0 || !reaches(tree, index)) return 0 as PhysicalAddress
  let frame = tree.root
  for (let level: u32 = tree.height; level != 0 && frame != 0; level--) {
    frame = load32(node(frame), slotOf(index, level)) as PhysicalAddress
  }
  return frame
}

/** What has to be put in next so that page `index` is there. */
export function pageTreeMissing(tree: PageTree, index: u32): Missing {
  if (tree.root == 0) return index == 0 ? Missing.Page : Missing.Node
  if (!reaches(tree, index)) return Missing.Node
  let frame = tree.root
  for (let level: u32 = tree.height; level != 0; level--) {
    frame = load32(node(frame), slotOf(index, level)) as PhysicalAddress
    if (frame == 0) return level == 1 ? Missing.Page : Missing.Node
  }
  return Missing.Nothing
}

/** Put in what `pageTreeMissing` said: a page of zeros, or a node, which is one too. The frame is the tree's from then on. */
export function pageTreePut(tree: PageTree, index: u32, fresh: PhysicalAddress): void {
  if (pageTreeMissing(tree, index) == Missing.Page) tree.pages += 1
  tree.frames += 1
  if (tree.root == 0) {
    tree.root = fresh
    while (!reaches(tree, index)) tree.height += 1
    return
  }
  if (!reaches(tree, index)) { // a new root above the old one
    store32(node(fresh), 0, tree.root)
    tree.root = fresh
    tree.height += 1
    return
  }
  let at = tree.root
  let level: u32 = tree.height
  while (load32(node(at), slotOf(index, level)) != 0) {
    at = load32(node(at), slotOf(index, level)) as PhysicalAddress
    level -= 1
  }
  store32(node(at), slotOf(index, level), fresh)
}

/** Release the pages from `first` on, and nodes without any. */
export function pageTreeCut(tree: PageTree, first: u32): void {
  if (tree.root == 0) return
  if (!cut(tree, tree.root, tree.height, 0, first)) return
  tree.root = 0 as PhysicalAddress
  tree.height = 0
}

/** Cut what is below `frame`, whose first page is `start`: true when nothing of it is left, and it is released. */
function cut(tree: PageTree, frame: PhysicalAddress, level: u32, start: u32, first: u32): boolean {
  if (level == 0) {
    if (start < first) return false
    tree.pages -= 1
  } else if (!cutNode(tree, frame, level, start, first)) return false
  tree.frames -= 1
  pageFrameRelease(frame)
  return true
}

function cutNode(tree: PageTree, frame: PhysicalAddress, level: u32, start: u32, first: u32): boolean {
  const step: u32 = 1 << ((level - 1) * FAN_SHIFT)
  let isEmpty = true
  for (let i: u32 = 0; i < FAN; i++) {
    const child = load32(node(frame), i << 2) as PhysicalAddress
    if (child == 0) continue
    if (cut(tree, child, level - 1, start + i * step, first)) store32(node(frame), i << 2, 0)
    else isEmpty = false
  }
  return isEmpty
}
