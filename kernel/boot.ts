// Boot, one call a line in the order they depend on each other. When `boot` returns the kernel is ready: the main
// loop serves from then on. Boot context: one stack, interrupts on from `interruptInit`.

import { bootInfoTake, memoryInit, bootProtocolName, memoryTotalMib } from './arch/x86/memory-init.ts'
import { acpiInit } from './arch/x86/acpi-init.ts'
import { clockInit, clockStart, clockStartApic } from './arch/x86/clock.ts'
import { cpuInit } from './arch/x86/cpu.ts'
import { gdtInit } from './arch/x86/gdt.ts'
import { idleInit } from './arch/x86/idle.ts'
import { idtInit } from './arch/x86/idt.ts'
import { interruptInit } from './arch/x86/interrupt.ts'
import { pagingInit } from './arch/x86/paging.ts'
import { panicInit } from './arch/x86/panic.ts'
import { devicesInit } from './boot/devices.ts'
import { filesInit } from './boot/files.ts'
import { memoryManagerInit } from './boot/memory.ts'
import { networkInit } from './boot/network.ts'
import { optionsTake } from './boot/options.ts'
import { firstStart, programsInit } from './boot/programs.ts'
import { selftestInit } from './boot/selftest.ts'
import { VERSION } from './config.ts'
import { serialInit, serialInputInit, serialWrite } from './drivers/serial/serial.ts'
import { vgaInit, vgaWrite } from './drivers/vga/text.ts'
import { clockUpdate, nowMicroseconds } from './lib/clock.ts'
import { staticStruct, type u32 } from './lib/layout.ts'
import { Level, logDecimal, logEnd, logSinkAdd, logStart, logText } from './lib/log.ts'
import { Options } from './lib/options.ts'
import { waitRegister } from './lib/wait.ts'
import { armWakeUps, loopRound, workWaits } from './loop.ts'
import { swapStart } from './swap/start.ts'

const options = staticStruct<Options>()

/** From entry.S to ready. `magic` and `info` are what the loader gave: PVH's or multiboot2's. */
export function boot(magic: u32, info: u32): void {
  processorInit()
  const loader = bootInfoTake(magic, info) // copied out before its memory is given away
  optionsTake(options, loader) // the command line; log level, what a panic does
  logBootStart()
  memoryInit(options.memoryLimit) // usable RAM into the direct map
  memoryManagerInit() // frames, heap, packet buffers
  if (vgaInit()) logSinkAdd(vgaWrite)
  acpiInit() // where the I/O APICs are; the reset register
  interruptInit() // PIC masked, APICs set up; from here interrupts arrive
  clockStartApic()
  clockInit() // ends the calibration that clockStart began; from here the log tells the time
  idleInit(workWaits, armWakeUps)
  waitRegister(loopRound) // who waits runs rounds of the main loop
  serialInputInit()
  devicesInit() // PCI, virtio, randomness
  swapStart(options) // the disk that the contract's rule picks, if any
  programsInit() // memory of processes, system calls
  filesInit(options) // the root, from the boot modules; /dev, /proc
  networkInit(options)
  logReady()
  selftestInit(options) // if the command line asks for one: exits when it is done, unless a program follows
  firstStart(options) // the first program, if the command line asks for one
}

/** What must be before anything can go wrong: a clock that runs, a console, a place for faults to go. */
function processorInit(): void {
  cpuInit()
  clockStart()
  serialInit()
  logSinkAdd(serialWrite)
  gdtInit()
  idtInit()
  panicInit() // from here every unexpected exception is a panic with a backtrace
  pagingInit() // the kernel's own tables: W^X, guard pages, no identity map
}

function logBootStart(): void {
  if (!logStart(Level.Info, 'boot', 'start')) return
  logText('version', VERSION)
  logDecimal('ram_mib', memoryTotalMib())
  logText('protocol', bootProtocolName())
  logEnd()
}

function logReady(): void {
  clockUpdate()
  if (!logStart(Level.Info, 'boot', 'ready')) return
  logDecimal('us', nowMicroseconds())
  logEnd()
}
