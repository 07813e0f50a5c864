// The local APIC, by memory: enabling it, end of interrupt, and the one-shot timer. Intel SDM vol. 3 chapter 11.
// Context: `endOfInterrupt` runs in interrupt handlers; all else in boot and main-loop context.

import { rdmsr, wrmsr } from '../../lib/intrinsics.ts'
import { address, at, mmio, staticStruct, type Bytes, type u32 } from '../../lib/layout.ts'
import { panic } from '../../lib/panic.ts'
import { Register64 } from './cpu.ts'
import { deviceMap } from './device-window.ts'

/** SDM vol. 3 table 11-1; every register is 4 bytes on a 16-byte boundary. */
@mmio(0x400)
class LocalApic {
  gap000: Bytes<0x20>
  id: u32 // 0x020  bits 31-24
  gap024: Bytes<0x5c>
  taskPriority: u32 // 0x080
  gap084: Bytes<0x2c>
  endOfInterrupt: u32 // 0x0b0
  gap0b4: Bytes<0x3c>
  spuriousVector: u32 // 0x0f0  bit 8: enabled
  gap0f4: Bytes<0x22c>
  timer: u32 // 0x320  LVT: bits 7-0 vector, 16 masked, 18-17 mode (0 one-shot)
  gap324: Bytes<0x2c>
  lint0: u32 // 0x350  LVT
  gap354: Bytes<0x0c>
  lint1: u32 // 0x360  LVT
  gap364: Bytes<0x0c>
  error: u32 // 0x370  LVT
  gap374: Bytes<0x0c>
  initialCount: u32 // 0x380
  gap384: Bytes<0x0c>
  currentCount: u32 // 0x390
  gap394: Bytes<0x4c>
  divide: u32 // 0x3e0
  gap3e4: Bytes<0x1c>
}

const APIC_BASE: u32 = 0x1b
const APIC_BASE_ENABLE: u32 = 1 << 11
const ENABLE: u32 = 1 << 8
const MASKED: u32 = 1 << 16
const DELIVER_NMI: u32 = 4 << 8
/** Divide by 16: at QEMU's 1 GHz the 32-bit count lasts 68 s. SDM vol. 3 figure 11-10. */
const DIVIDE_BY_16: u32 = 3

const msr = staticStruct<Register64>()
let apic: LocalApic | null = null
let ticksPerMillisecond: u32 = 0

function local(): LocalApic {
  if (apic == null) panic('local APIC used before apicInit')
  return apic!
}

/** Map and enable the local APIC; `timerVector` and `spuriousVector` are its own two vectors. */
export function apicInit(timerVector: u32, spuriousVector: u32): void {
  rdmsr(APIC_BASE, address(msr))
  wrmsr(APIC_BASE, msr.low | APIC_BASE_ENABLE, msr.high)
  const registers = deviceMap(msr.low & 0xfffff000, msr.high, 0x400)
  if (registers == 0) panic('no room for the local APIC')
  apic = at<LocalApic>(registers)
  const each = local()
  each.taskPriority = 0
  each.lint0 = MASKED // the 8259s
  each.lint1 = DELIVER_NMI
  each.error = MASKED
  each.divide = DIVIDE_BY_16
  each.timer = timerVector
  each.initialCount = 0
  each.spuriousVector = ENABLE | spuriousVector
}

/** This processor's id, the destination of interrupts. */
export function localApicId(): u32 {
  return local().id >>> 24
}

/** Every handler's last act, spurious interrupts apart. */
export function endOfInterrupt(): void {
  local().endOfInterrupt = 0
}

/** Let the timer count down from the top without an interrupt in sight: the start of its calibration. */
export function apicTimerMeasure(): void {
  local().initialCount = 0xffffffff
}

/** Ticks since `apicTimerMeasure`. */
export function apicTimerElapsed(): u32 {
  return 0xffffffff - local().currentCount
}

/** Stop the timer and note how fast it is. */
export function apicTimerCalibrated(ticks: u32): void {
  local().initialCount = 0
  ticksPerMillisecond = ticks
}

/** Ticks a millisecond; 0 before calibration. */
export function apicTimerRate(): u32 {
  return ticksPerMillisecond
}

/** One interrupt in `milliseconds` (as many as the count can hold, if that is less), in place of any set before. */
export function apicTimerStart(milliseconds: u32): void {
  const longest = ticksPerMillisecond == 0 ? 0 : 0xffffffff / ticksPerMillisecond
  const ticks = milliseconds > longest ? 0xffffffff : milliseconds * ticksPerMillisecond
  local().initialCount = ticks == 0 ? 1 : ticks
}

/** No timer interrupt until the next start. */
export function apicTimerStop(): void {
  local().initialCount = 0
}
