// What a region can map besides memory of its own: a file's pages, or memory that processes share.

import { struct, type ptr, type u32 } from '../lib/layout.ts'

/**
 * The physical address of page `index` of an object, held for the caller (`pageFrameRelease`); 0 past the object's end; or
 * an Errno as a u32 (`isError`). The page stays the object's: writing to it changes the object. May sleep.
 */
export type ObjectPage = (object: MemoryObject, index: u32) => u32
/** One user of the object more, or one less. Neither fails. */
export type ObjectCount = (object: MemoryObject) => void

/** Part of whoever has the pages, as its first field: a file, shared memory. */
@struct
export class MemoryObject {
  page: ObjectPage
  hold: ObjectCount
  release: ObjectCount
  regions: ptr // the first of those that map it: `nextOfObject` of region.ts; 0: none
}
