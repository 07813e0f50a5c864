// What programs leave behind: everything a process can have is counted before the first one and after the last. With init= and
// selftest=mm on the command line, a difference is a failure. Context: boot, then the first process at its end.

import { pathWalks } from '../fs/path.ts'
import { fileLocksHeld } from '../fs/file-lock.ts'
import { filesOpen } from '../fs/file.ts'
import { pipesUsed } from '../fs/pipe.ts'
import { ramFramesUsed } from '../fs/ramfs/ram-inode.ts'
import { tablesUsed } from '../fs/descriptor.ts'
import { nth, staticRow, struct, type cstring, type u32 } from '../lib/layout.ts'
import { logDecimal, logEnd } from '../lib/log.ts'
import { heapStats } from '../mm/heap.ts'
import { signalsHeld } from '../process/signal-state.ts'
import { processCount } from '../process/table.ts'
import { swapManager } from '../swap/start.ts'
import { asyncHeld } from '../syscall/async.ts'
import { epollHeld } from '../syscall/epoll-item.ts'
import { futexWaiters } from '../syscall/futex.ts'
import { localHeld } from '../syscall/local/file.ts'
import { spaceCount } from '../vm/address-space.ts'
import { pagesListed } from '../vm/page.ts'
import { vmStats } from '../vm/stats.ts'
import { reportFailOpen, reportPass } from './report.ts'

/** What is counted; the first process itself, whose end this is, still has one of the last two. */
const enum Count {
  Spaces, Pages, PageTables, Slots, Files, Tables, Paths, Pipes, FileFrames, Locks, Futexes, Epolls, Local, Heap, Signals,
  Processes, All,
}

@struct
class Number {
  value: u32
}

const before = staticRow<Number>(Count.All)

function count(which: u32): u32 {
  switch (which) {
    case Count.Spaces: return spaceCount()
    case Count.Pages: return pagesListed()
    case Count.PageTables: return vmStats().pageTables
    case Count.Slots: return swapManager().slots.used
    case Count.Files: return filesOpen()
    case Count.Tables: return tablesUsed()
    case Count.Paths: return pathWalks()
    case Count.Pipes: return pipesUsed()
    case Count.FileFrames: return ramFramesUsed()
    case Count.Locks: return fileLocksHeld()
    case Count.Futexes: return futexWaiters()
    case Count.Epolls: return epollHeld() + asyncHeld()
    case Count.Local: return localHeld()
    case Count.Heap: return heapStats().allocations
    case Count.Signals: return signalsHeld()
    default: return processCount()
  }
}

function nameOf(which: u32): cstring {
  switch (which) {
    case Count.Spaces: return 'address spaces are left'
    case Count.Pages: return 'pages are left'
    case Count.PageTables: return 'page tables are left'
    case Count.Slots: return 'slots of the swap disk are left'
    case Count.Files: return 'open files are left'
    case Count.Tables: return 'descriptor tables are left'
    case Count.Paths: return 'walks of paths are left'
    case Count.Pipes: return 'pipes are left'
    case Count.FileFrames: return 'memory of files is left'
    case Count.Locks: return 'locks on files are left'
    case Count.Futexes: return 'sleepers on futexes are left'
    case Count.Epolls: return 'epolls, or files in them, or signals for input are left'
    case Count.Local: return 'local sockets are left'
    case Count.Heap: return 'memory of the heap is left'
    case Count.Signals: return 'signals are left'
    default: return 'processes are left'
  }
}

/** Before the first process. */
export function leftBegin(): void {
  for (let i: u32 = 0; i < Count.All; i++) nth(before, i).value = count(i)
}

/** After the last: report it, and say whether everything is where it was. */
export function leftEnd(): boolean {
  for (let i: u32 = 0; i < Count.All; i++) {
    const allowed: u32 = i >= Count.Signals ? 1 : 0
    const expected: u32 = nth(before, i).value + allowed
    if (count(i) != expected) return fail(i, expected)
  }
  if (reportPass('mm')) {
    logDecimal('counted', Count.All)
    logEnd()
  }
  return true
}

function fail(which: u32, expected: u32): boolean {
  if (reportFailOpen('mm', nameOf(which))) {
    logDecimal('expected', expected)
    logDecimal('found', count(which))
    logEnd()
  }
  return false
}
