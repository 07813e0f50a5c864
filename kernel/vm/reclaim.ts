// When pages leave: in good time, by watermarks; and what somebody does who needs a frame and finds none.

import type { u32 } from '../lib/layout.ts'
import { nowMilliseconds } from '../lib/clock.ts'
import { framesFree } from '../mm/frames.ts'
import { pageFrameShortage } from '../mm/page-frame.ts'
import { CLUSTER_PAGES, clusterWait, clustersInFlight, clustersPoll, pagesWriting } from './cluster.ts'
import { evict, evictionCount, pagesAge } from './evict.ts'
import { outOfMemory } from './out-of-memory.ts'
import { vmStats } from './stats.ts'
import { watermarkHigh, watermarkLow, watermarkMin, watermarksInit } from './watermarks.ts'

/** Milliseconds after which LRU looks which pages were used, while pages leave. */
const AGE_INTERVAL: u32 = 1000

let aged: u32 = 0
let agedAt: u32 = 0 // evictions

/** Once. */
export function reclaimInit(): void {
  watermarksInit()
  pageFrameShortage(watermarkLow(), makeFrames)
}

/** Start to write and drop pages until enough frames are free, or on their way. Does not sleep. False: none could leave. */
function reclaim(): boolean {
  let some: boolean = false
  vmStats().reclaims += 1
  while (framesFree() + pagesWriting() < watermarkHigh()) {
    if (evict(CLUSTER_PAGES) == 0) return some
    some = true
  }
  return true
}

/** A frame is wanted, and few are free. False: there is none to be had. May sleep. */
function makeFrames(): boolean {
  while (!framesAbove(watermarkMin())) {
    if (!outOfMemory()) return false
  }
  return true
}

/** Have pages leave until more than `least` frames are free. False: no more can leave. May sleep. */
function framesAbove(least: u32): boolean {
  clustersPoll()
  reclaim()
  while (framesFree() <= least) {
    if (clustersInFlight() != 0) {
      vmStats().stalls += 1
      clusterWait()
      reclaim()
    } else if (!reclaim()) return false
  }
  return true
}

/** Whether there are frames for what nobody is to be ended for: files in RAM. More are kept free than for processes. May sleep. */
export function framesToSpare(): boolean {
  const least: u32 = watermarkHigh() - watermarkMin() // below what reclaim frees up to
  return framesFree() > least || framesAbove(least)
}

/** For the main loop: have pages leave before somebody has to wait. Whether there was something to do. */
export function reclaimPoll(): boolean {
  if (evictionCount() != agedAt && nowMilliseconds() - aged >= AGE_INTERVAL) {
    aged = nowMilliseconds()
    agedAt = evictionCount()
    pagesAge()
  }
  return framesFree() <= watermarkLow() && reclaim()
}
