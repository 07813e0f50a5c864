// What the files of the system in /proc say: the formats of proc(5).

import { VERSION } from '../../config.ts'
import { diskFirst, type Disk } from '../../drivers/block/disk.ts'
import { clockNow64 } from '../../lib/clock.ts'
import { divide64, load32 } from '../../lib/intrinsics.ts'
import { staticMemory, type cstring, type u32 } from '../../lib/layout.ts'
import { writeChar, writeDecimal, writePadded, writeText, type TextWriter } from '../../lib/print.ts'
import { wallClockAtBoot } from '../../lib/wall-clock.ts'
import { framesFree, framesTotal } from '../../mm/frames.ts'
import { MountFlag, type FileSystem, type FileSystemType } from '../inode.ts'
import { DISK_MAJOR, DISK_MINORS, Mode } from '../mode.ts'
import { fileSystemTypes, mountFirst } from '../mount.ts'
import { processSelf } from '../process-hooks.ts'
import { ramFramesUsed } from '../ramfs/ram-inode.ts'
import { procHooks, systemFacts, type SystemFacts } from './facts.ts'
import { Place, procNodeAdd } from './nodes.ts'

const KIB_PER_PAGE_SHIFT: u32 = 2
const MICROSECONDS_PER_TICK: u32 = 10_000
const TICKS_PER_SECOND: u32 = 100
const SPACE: u32 = 0x20
const ZERO: u32 = 0x30

const quotient = staticMemory(8, 8)

/** Once, after the fixed places. */
export function systemTextsInit(): void {
  const readable: u32 = Mode.Regular | 0o444
  procNodeAdd(Place.Root, 'self', Mode.SymbolicLink | 0o777, self)
  procNodeAdd(Place.Root, 'mounts', readable, mounts)
  procNodeAdd(Place.Process, 'mounts', readable, mounts)
  procNodeAdd(Place.Root, 'filesystems', readable, fileSystems)
  procNodeAdd(Place.Root, 'meminfo', readable, memory)
  procNodeAdd(Place.Root, 'uptime', readable, uptime)
  procNodeAdd(Place.Root, 'loadavg', readable, load)
  procNodeAdd(Place.Root, 'stat', readable, stat)
  procNodeAdd(Place.Root, 'version', readable, version)
  procNodeAdd(Place.Root, 'cmdline', readable, commandLine)
  procNodeAdd(Place.Root, 'cpuinfo', readable, processor)
  procNodeAdd(Place.Root, 'partitions', readable, partitions)
}

function self(writer: TextWriter, _pid: u32): void {
  writeDecimal(writer, processSelf())
}

function mounts(writer: TextWriter, _pid: u32): void {
  let system: FileSystem | null = mountFirst()
  while (system != null) {
    writeText(writer, system.source as cstring)
    writeChar(writer, SPACE)
    writeText(writer, system.place as cstring)
    writeChar(writer, SPACE)
    writeText(writer, system.type.name)
    writeText(writer, (system.flags & MountFlag.ReadOnly) != 0 ? ' ro' : ' rw')
    if ((system.flags & MountFlag.NoSetUser) != 0) writeText(writer, ',nosuid')
    if ((system.flags & MountFlag.NoDevices) != 0) writeText(writer, ',nodev')
    if ((system.flags & MountFlag.NoExecute) != 0) writeText(writer, ',noexec')
    writeText(writer, ' 0 0\n')
    system = system.next
  }
}

function fileSystems(writer: TextWriter, _pid: u32): void {
  let type: FileSystemType | null = fileSystemTypes()
  while (type != null) {
    writeText(writer, 'nodev\t')
    writeText(writer, type.name)
    writeText(writer, '\n')
    type = type.next
  }
}

/** A line of meminfo. */
function kib(writer: TextWriter, label: cstring, pages: u32): void {
  writeText(writer, label)
  writePadded(writer, pages << KIB_PER_PAGE_SHIFT, 12, SPACE)
  writeText(writer, ' kB\n')
}

function memory(writer: TextWriter, _pid: u32): void {
  const hooks = procHooks()
  const swap = hooks.swap
  kib(writer, 'MemTotal:    ', framesTotal())
  kib(writer, 'MemFree:     ', framesFree())
  kib(writer, 'MemAvailable:', framesFree())
  kib(writer, 'Buffers:     ', 0)
  kib(writer, 'Cached:      ', ramFramesUsed())
  kib(writer, 'SwapCached:  ', 0)
  kib(writer, 'SwapTotal:   ', swap == null ? 0 : swap(true))
  kib(writer, 'SwapFree:    ', swap == null ? 0 : swap(false))
  kib(writer, 'Shmem:       ', ramFramesUsed())
  kib(writer, 'Slab:        ', 0)
}

/** Hundredths of a second since boot, 497 days of them. */
function ticks(): u32 {
  divide64(quotient, clockNow64(), MICROSECONDS_PER_TICK)
  return load32(quotient, 0)
}

/** Hundredths as a number with two places. */
function hundredths(writer: TextWriter, value: u32): void {
  writeDecimal(writer, value / TICKS_PER_SECOND)
  writeText(writer, '.')
  writePadded(writer, value % TICKS_PER_SECOND, 2, ZERO)
}

function uptime(writer: TextWriter, _pid: u32): void {
  hundredths(writer, ticks())
  writeChar(writer, SPACE)
  hundredths(writer, systemFacts().idleTicks)
  writeText(writer, '\n')
}

function load(writer: TextWriter, _pid: u32): void {
  const facts = systemFacts()
  for (let i: u32 = 0; i < 12; i += 4) {
    hundredths(writer, load32(facts.load, i))
    writeChar(writer, SPACE)
  }
  writeDecimal(writer, facts.running)
  writeText(writer, '/')
  writeDecimal(writer, facts.processes)
  writeChar(writer, SPACE)
  writeDecimal(writer, facts.lastPid)
  writeText(writer, '\n')
}

/** user nice system idle iowait irq softirq steal guest guest_nice. */
function processorTimes(writer: TextWriter, label: cstring, facts: SystemFacts): void {
  writeText(writer, label)
  writeDecimal(writer, facts.userTicks)
  writeText(writer, ' 0 ')
  writeDecimal(writer, facts.systemTicks)
  writeChar(writer, SPACE)
  writeDecimal(writer, facts.idleTicks)
  writeText(writer, ' 0 0 0 0 0 0\n')
}

function counter(writer: TextWriter, label: cstring, value: u32): void {
  writeText(writer, label)
  writeDecimal(writer, value)
  writeText(writer, '\n')
}

function stat(writer: TextWriter, _pid: u32): void {
  const facts = systemFacts()
  processorTimes(writer, 'cpu  ', facts)
  processorTimes(writer, 'cpu0 ', facts)
  counter(writer, 'ctxt ', facts.switches)
  counter(writer, 'btime ', wallClockAtBoot())
  counter(writer, 'processes ', facts.forks)
  counter(writer, 'procs_running ', facts.running)
  counter(writer, 'procs_blocked ', 0)
}

function version(writer: TextWriter, _pid: u32): void {
  writeText(writer, 'Porphyry version ')
  writeText(writer, VERSION)
  writeText(writer, '\n')
}

function commandLine(writer: TextWriter, _pid: u32): void {
  const line = procHooks().commandLine
  if (line != 0) writeText(writer, line as cstring)
  writeText(writer, '\n')
}

function processor(writer: TextWriter, _pid: u32): void {
  const name = procHooks().processor
  writeText(writer, 'processor\t: 0\n')
  if (name == 0) return
  writeText(writer, 'model name\t: ')
  writeText(writer, name as cstring)
  writeText(writer, '\n')
}

/** Sizes in KiB. */
function partitions(writer: TextWriter, _pid: u32): void {
  writeText(writer, 'major minor  #blocks  name\n\n')
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    writePadded(writer, DISK_MAJOR, 4, SPACE)
    writePadded(writer, disk.index * DISK_MINORS, 9, SPACE)
    writePadded(writer, disk.sectors >> 1, 11, SPACE)
    writeChar(writer, SPACE)
    writeText(writer, disk.name as cstring)
    writeText(writer, '\n')
    disk = disk.next
  }
}
