// Files: the root with what the boot modules have in them, /dev, /proc, the terminal on the serial port. The modules' memory is free
// then.

import { bootInfo, bootModuleLength, bootModuleStart } from '../arch/x86/memory-init.ts'
import { wallClock } from '../arch/x86/rtc.ts'
import { serialPut } from '../drivers/serial/serial.ts'
import { CpioResult, cpioLoad } from '../fs/cpio.ts'
import { procHooks } from '../fs/proc/facts.ts'
import { fsInit, fsMountSystem, kernelFiles } from '../fs/start.ts'
import { ttyConsole, ttyInit } from '../fs/tty/tty.ts'
import { nowSeconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { plus, staticStruct, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../lib/log.ts'
import { Given, optionGiven, type Options } from '../lib/options.ts'
import { panic } from '../lib/panic.ts'
import { wallClockSet } from '../lib/wall-clock.ts'
import { pageCeiling, pageFloor, physicalOf } from '../mm/address.ts'
import { framesAddRegion } from '../mm/frames.ts'

const result = staticStruct<CpioResult>()

/** Make the file system of the machine. Without memory for its root the kernel can not go on: a panic. */
export function filesInit(options: Options): void {
  const seconds = wallClock()
  wallClockSet(seconds > nowSeconds() ? seconds - nowSeconds() : 0)
  procHooks().commandLine = bootInfo().commandLine
  ttyInit(serialPut)
  ttyConsole().expected = optionGiven(options, Given.Init)
  if (fsInit() != Errno.None) panic('no memory for the root of the file system')
  for (let i: u32 = 0; i < bootInfo().moduleCount; i++) moduleTake(i, options.memoryLimit == 0)
  if (fsMountSystem() != Errno.None && logStart(Level.Error, 'fs', 'system-mounts-failed')) logEnd()
}

/** Unpack one module; its memory goes to the allocator, unless the command line has set how much that may have. */
function moduleTake(index: u32, isReleased: boolean): void {
  const start = bootModuleStart(index)
  const length = bootModuleLength(index)
  if (length == 0) return
  const fault = cpioLoad(kernelFiles(), start, length, result)
  if (isReleased) framesAddRegion(physicalOf(pageFloor(start) as ptr), physicalOf(pageCeiling(plus(start, length)) as ptr))
  const isWhole = fault == Errno.None && result.skipped == 0
  if (!logStart(isWhole ? Level.Info : Level.Warn, 'fs', 'ramdisk')) return
  logDecimal('module', index)
  logDecimal('files', result.files)
  logDecimal('bytes', result.bytes)
  logDecimal('skipped', result.skipped)
  if (fault != Errno.None) logText('fault', fault == Errno.OutOfMemory ? 'no-memory' : 'malformed')
  logEnd()
}
