// Boot modules, brought to where the kernel sees them. A loader puts them where it likes: QEMU at the top of low RAM. What lies
// within the reach of the direct map stays there and is mapped; what does not is copied down, through views of a MiB at a
// time, to the end of some usable RAM. Boot context.

import { DIRECT_MAP_LIMIT } from '../../config.ts'
import { nth, plus, type PhysicalAddress, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../../lib/log.ts'
import { copyBytes } from '../../lib/memory.ts'
import { directVirtual, pageDown, pageUp } from './address-map.ts'
import type { BootInfo, BootModule } from './boot-info.ts'
import { physicalView, windowMark, windowRelease } from './device-window.ts'
import { directMapAdd } from './paging.ts'
import { rangesTakeEnd, type RangeSet } from './ranges.ts'

/** Bytes looked at through the window at once. */
const VIEW_BYTES: u32 = 1 << 20

/** Whether the direct map reaches all of a module. */
function isWithinReach(module: BootModule): boolean {
  return module.base.high == 0 && module.base.low < DIRECT_MAP_LIMIT && module.length <= DIRECT_MAP_LIMIT - module.base.low
}

/** Map every module, or copy it into RAM taken from `usable`. One for which there is none is dropped, and the log says so. */
export function modulesPlace(info: BootInfo, usable: RangeSet): void {
  for (let i: u32 = 0; i < info.moduleCount; i++) {
    const module = nth(info.modules, i)
    const placed = isWithinReach(module) ? mapped(module) : copied(module, usable)
    if (!placed) drop(module, i)
  }
}

/** The module's memory, its last page whole. */
function mapped(module: BootModule): boolean {
  const end = pageUp(module.base.low + module.length)
  return directMapAdd(pageDown(module.base.low) as PhysicalAddress, end as PhysicalAddress) == end
}

function copied(module: BootModule, usable: RangeSet): boolean {
  if (module.length > DIRECT_MAP_LIMIT) return false
  const place = rangesTakeEnd(usable, pageUp(module.length))
  const end: u32 = place + pageUp(module.length)
  if (place == 0 || directMapAdd(place as PhysicalAddress, end as PhysicalAddress) != end) return false
  if (!copyDown(module, directVirtual(place as PhysicalAddress))) return false
  module.base.low = place
  module.base.high = 0
  return true
}

function copyDown(module: BootModule, to: ptr): boolean {
  for (let done: u32 = 0; done < module.length; done += VIEW_BYTES) {
    const left: u32 = module.length - done
    const bytes: u32 = left < VIEW_BYTES ? left : VIEW_BYTES
    const low: u32 = module.base.low + done
    const mark = windowMark()
    const from = physicalView(low, low < done ? module.base.high + 1 : module.base.high, bytes)
    if (from == 0) return false
    copyBytes(plus(to, done), from, bytes)
    windowRelease(mark)
  }
  return true
}

function drop(module: BootModule, index: u32): void {
  if (logStart(Level.Warn, 'boot', 'module')) {
    logDecimal('index', index)
    logDecimal('bytes', module.length)
    logText('dropped', 'no-memory')
    logEnd()
  }
  module.length = 0
}
