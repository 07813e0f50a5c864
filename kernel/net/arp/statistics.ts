// The ARP cache in numbers: RustOS's ArpTableStats. Main-loop context only.

import { zeroBytes } from '../../lib/memory.ts'
import { address, sizeof, struct, type u32 } from '../../lib/layout.ts'
import { counters } from '../stats.ts'
import { ArpState, arpEntryCount, arpNewest, type ArpEntry } from './cache.ts'

@struct
export class ArpStatistics {
  // Entries now.
  totalEntries: u32
  staticEntries: u32
  reachableEntries: u32 // permanent ones included
  staleEntries: u32 // those that are being asked for by unicast, Delay and Probe, included
  incompleteEntries: u32
  failedEntries: u32
  // Since boot, modulo 2^32.
  requestsSent: u32
  repliesReceived: u32
  gratuitousArps: u32
  securityViolations: u32
  cacheHits: u32 // packets sent at once
  cacheMisses: u32 // packets that had to wait
}

/** Fill in `out`. Walks the table. */
export function arpStatistics(out: ArpStatistics): void {
  zeroBytes(address(out), sizeof<ArpStatistics>())
  out.totalEntries = arpEntryCount()
  let each: ArpEntry | null = arpNewest()
  while (each != null) {
    countEntry(out, each)
    each = each.older
  }
  out.requestsSent = counters.arpRequestsSent
  out.repliesReceived = counters.arpRepliesReceived
  out.gratuitousArps = counters.arpGratuitous
  out.securityViolations = counters.arpViolations
  out.cacheHits = counters.arpHits
  out.cacheMisses = counters.arpMisses
}

function countEntry(out: ArpStatistics, entry: ArpEntry): void {
  if (entry.permanent) out.staticEntries += 1
  switch (entry.state) {
    case ArpState.Incomplete: out.incompleteEntries += 1; break
    case ArpState.Reachable: out.reachableEntries += 1; break
    case ArpState.Failed: out.failedEntries += 1; break
    default: out.staleEntries += 1
  }
}
