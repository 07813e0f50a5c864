// What /proc says of swap and of page replacement, and takes: /proc/swaps, /proc/vmstat with Linux's names where there are,
// /proc/sys/vm/page_replacement; and beside that /proc/sys/kernel/pid_max.

import { PID_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import { staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { spells } from '../../lib/memory.ts'
import { writeDecimal, writeText, type TextWriter } from '../../lib/print.ts'
import { framesFree } from '../../mm/frames.ts'
import { PageReplacementAlgorithm } from '../../swap/replacement.ts'
import { swapManager } from '../../swap/start.ts'
import { SwapStats } from '../../swap/stats.ts'
import { replacementAlgorithm, replacementSet } from '../../vm/evict.ts'
import { vmStats } from '../../vm/stats.ts'
import { Mode } from '../mode.ts'
import { Place, procNode, procNodeAdd } from './nodes.ts'

const KIB_PER_PAGE_SHIFT: u32 = 2
const NEWLINE: u32 = 0x0a

const swapStats = staticStruct<SwapStats>()

/** Once, after the fixed places. */
export function vmTextsInit(): void {
  procNodeAdd(Place.Root, 'swaps', Mode.Regular | 0o444, swaps)
  procNodeAdd(Place.Root, 'vmstat', Mode.Regular | 0o444, statistics)
  const sys = procNodeAdd(Place.Root, 'sys', Mode.Directory | 0o555, null)
  const vm = procNodeAdd(sys, 'vm', Mode.Directory | 0o555, null)
  const replacement = procNodeAdd(vm, 'page_replacement', Mode.Regular | 0o644, replacementText)
  procNode(replacement).take = replacementTake
  const kernel = procNodeAdd(sys, 'kernel', Mode.Directory | 0o555, null)
  procNodeAdd(kernel, 'pid_max', Mode.Regular | 0o444, processIds)
}

/** One more than the greatest id. */
function processIds(writer: TextWriter, _pid: u32): void {
  writeDecimal(writer, PID_LIMIT + 1)
  writeText(writer, '\n')
}

/** Sizes in KiB; the priority is that of a swap area that was given none. */
function swaps(writer: TextWriter, _pid: u32): void {
  writeText(writer, 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n')
  const disk = swapManager().disk
  if (disk == null) return
  swapManager().getStats(swapStats)
  writeText(writer, '/dev/')
  writeText(writer, disk.name as cstring)
  writeText(writer, '                                partition\t')
  writeDecimal(writer, swapStats.totalSlots << KIB_PER_PAGE_SHIFT)
  writeText(writer, '\t\t')
  writeDecimal(writer, swapStats.usedSlots << KIB_PER_PAGE_SHIFT)
  writeText(writer, '\t\t-2\n')
}

function line(writer: TextWriter, name: cstring, value: u32): void {
  writeText(writer, name)
  writeDecimal(writer, value)
  writeText(writer, '\n')
}

function statistics(writer: TextWriter, _pid: u32): void {
  const stats = vmStats()
  line(writer, 'nr_free_pages ', framesFree())
  line(writer, 'nr_page_table_pages ', stats.pageTables)
  line(writer, 'pswpin ', stats.swapIns + stats.readAhead)
  line(writer, 'pswpout ', stats.swapOuts)
  line(writer, 'pgfault ', stats.faults)
  line(writer, 'pgmajfault ', stats.swapIns)
  line(writer, 'swap_ra ', stats.readAhead)
  line(writer, 'swap_ra_hit ', stats.cacheHits)
  line(writer, 'workingset_refault_anon ', stats.refaults)
  line(writer, 'allocstall ', stats.stalls)
  line(writer, 'oom_kill ', stats.outOfMemory)
  line(writer, 'demand_zero ', stats.demandZero)
  line(writer, 'zero_shared ', stats.zeroShared)
  line(writer, 'file_pages ', stats.filePages)
  line(writer, 'cow_copied ', stats.copied)
  line(writer, 'cow_reused ', stats.reused)
  line(writer, 'violations ', stats.violations)
  line(writer, 'evicted_clean ', stats.dropped)
  line(writer, 'reclaims ', stats.reclaims)
  line(writer, 'write_retries ', stats.writeRetries)
  line(writer, 'read_errors ', stats.readErrors)
}

function replacementText(writer: TextWriter, _pid: u32): void {
  switch (replacementAlgorithm()) {
    case PageReplacementAlgorithm.LRU: return writeText(writer, 'lru\n')
    case PageReplacementAlgorithm.Clock: return writeText(writer, 'clock\n')
    default: return writeText(writer, 'fifo\n')
  }
}

/** One of the three names, with or without an end of line: InvalidArgument for anything else. */
function replacementTake(text: ptr, bytes: u32): i32 {
  const length: u32 = bytes != 0 && load8(text, bytes - 1) == NEWLINE ? bytes - 1 : bytes
  if (spells(text, length, 'lru')) replacementSet(PageReplacementAlgorithm.LRU)
  else if (spells(text, length, 'clock')) replacementSet(PageReplacementAlgorithm.Clock)
  else if (spells(text, length, 'fifo')) replacementSet(PageReplacementAlgorithm.FIFO)
  else return Errno.InvalidArgument
  return Errno.None
}
