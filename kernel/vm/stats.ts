// What virtual memory counts since boot; wraps at 2^32.

import { staticStruct, struct, type u32 } from '../lib/layout.ts'

@struct
export class VmStats {
  faults: u32 // page faults, of processes and of the kernel on their behalf
  demandZero: u32 // pages made of zeros
  zeroShared: u32 // pages of which only the common zero page was read
  filePages: u32 // pages mapped from files and shared memory
  copied: u32 // copy-on-write: pages copied
  reused: u32 // copy-on-write: written in place, nobody else had the page
  violations: u32 // faults that ended in an error
  pageTables: u32 // in use now
  swapIns: u32 // pages read from the disk because somebody needed them
  readAhead: u32 // pages read in the hope that somebody will
  cacheHits: u32 // pages found in memory although their owner had them swapped out
  swapOuts: u32 // pages written to the disk
  dropped: u32 // pages evicted without a write: their slot had them already
  refaults: u32 // pages needed again within as many evictions as there are frames
  reclaims: u32 // times somebody looked for pages to evict
  stalls: u32 // times somebody had to wait for a frame
  writeRetries: u32 // pages whose write failed and that stayed in memory
  readErrors: u32 // pages that could not be read back, or came back wrong
  outOfMemory: u32 // times somebody was ended for want of memory
}

const stats = staticStruct<VmStats>()

export function vmStats(): VmStats {
  return stats
}
