// COM1: the console's output, and its input by interrupt. National Semiconductor PC16550D data sheet.
//
// Output fills the 16-byte transmit FIFO and waits only when it is full. A port whose other end has stopped reading
// is waited for once, some seconds; from then on what it has no room for is dropped, until it moves again. Input is
// taken from the FIFO by the interrupt handler into a small ring; while that is full it stays in the port, whose other end may
// see that and wait. Output: any context. Reading: main loop.

import { interruptRouteIsa } from '../../arch/x86/interrupt.ts'
import { inb, load32, load8, outb, rdtsc, store8, subtract64 } from '../../lib/intrinsics.ts'
import { staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'

const COM1: u32 = 0x3f8
const COM1_IRQ: u32 = 4
/** 1.8432 MHz ÷ 16: the divisor of 1 is 115200 baud. */
const DIVISOR_115200: u32 = 1
const FIFO_BYTES: u32 = 16
/** Offsets from the port's base; the first two are the divisor while DLAB is set. */
const enum Register { Data = 0, InterruptEnable = 1, FifoControl = 2, LineControl = 3, ModemControl = 4, LineStatus = 5, Scratch = 7 }

const LINE_8N1: u32 = 0x03
const LINE_DLAB: u32 = 0x80
/** FIFOs on and emptied, interrupt at one byte. */
const FIFO_ON: u32 = 0x07
/** DTR, RTS, and OUT2, which lets the interrupt out to the bus. */
const MODEM_ON: u32 = 0x0b
const STATUS_DATA_READY: u32 = 0x01
const STATUS_TRANSMIT_EMPTY: u32 = 0x20
const ENABLE_RECEIVED: u32 = 0x01
/** Ticks that are waited for a port to move, upper half. */
const STALL_TICKS_HIGH: u32 = 4
const CHAR_RETURN: u32 = 0x0d
const CHAR_NEWLINE: u32 = 0x0a

/** A power of two; a person types, or a script pastes a line. */
const RING_SIZE: u32 = 256
const ring = staticMemory(256, 8)
const waitStart = staticMemory(8, 8)
const waited = staticMemory(8, 8)
let ringHead: u32 = 0 // next byte to read; both count modulo 2^32
let ringTail: u32 = 0 // next free place; the interrupt handler's
let held: boolean = false // the ring was full: no interrupt until it is empty
let present: boolean = false
let stalled: boolean = false
let room: u32 = 0

function register(which: Register): u32 {
  return COM1 + which
}

/** Set the port to 115200 8N1. Without a port, which the scratch register tells, output goes nowhere. */
export function serialInit(): void {
  outb(register(Register.Scratch), 0xa5)
  present = inb(register(Register.Scratch)) == 0xa5
  if (!present) return
  outb(register(Register.InterruptEnable), 0)
  outb(register(Register.LineControl), LINE_DLAB | LINE_8N1)
  outb(register(Register.Data), DIVISOR_115200)
  outb(register(Register.InterruptEnable), 0)
  outb(register(Register.LineControl), LINE_8N1)
  outb(register(Register.FifoControl), FIFO_ON)
  outb(register(Register.ModemControl), MODEM_ON)
}

/** Whether there is a port that works. */
export function serialPresent(): boolean {
  return present
}

/**
 * Wait until the FIFO is empty, or the port has stalled, which is after 2³⁴ ticks of the TSC, 4 to 16 s: an emulated
 * port waits for a busy host's reader. A stalled one is asked once.
 */
function waitForRoom(): void {
  rdtsc(waitStart)
  do {
    if ((inb(register(Register.LineStatus)) & STATUS_TRANSMIT_EMPTY) != 0) {
      room = FIFO_BYTES
      stalled = false
      return
    }
    rdtsc(waited)
    subtract64(waited, waited, waitStart)
  } while (!stalled && load32(waited, 4) < STALL_TICKS_HIGH)
  stalled = true
}

/** Send one byte as it is; a stalled port drops it. */
export function serialPut(byte: u32): void {
  if (!present) return
  if (room == 0) waitForRoom()
  if (room == 0) return
  outb(register(Register.Data), byte)
  room -= 1
}

/** Send `length` bytes and a line end: a sink of the log. */
export function serialWrite(line: ptr, length: u32): void {
  for (let i: u32 = 0; i < length; i++) serialPut(load8(line, i))
  serialPut(CHAR_RETURN)
  serialPut(CHAR_NEWLINE)
}

/** The interrupt handler: empty the receive FIFO into the ring. */
function received(_context: u32): void {
  while ((inb(register(Register.LineStatus)) & STATUS_DATA_READY) != 0) {
    if (ringTail - ringHead == RING_SIZE) {
      held = true
      outb(register(Register.InterruptEnable), 0)
      return
    }
    store8(ring, ringTail & (RING_SIZE - 1), inb(register(Register.Data)))
    ringTail += 1
  }
}

/** Take input by interrupt from now on. False when the port or its interrupt is not there. */
export function serialInputInit(): boolean {
  if (!present || !interruptRouteIsa(COM1_IRQ, received, 0)) return false
  outb(register(Register.InterruptEnable), ENABLE_RECEIVED)
  received(0) // what came before the interrupt was on would never raise it
  return true
}

/** Whether input waits; flags only, may be asked with interrupts off. */
export function serialPending(): boolean {
  return ringHead != ringTail
}

/** The next byte of input, or -1. */
export function serialRead(): i32 {
  if (ringHead == ringTail && held) release()
  if (ringHead == ringTail) return -1
  const byte: u32 = load8(ring, ringHead & (RING_SIZE - 1))
  ringHead += 1
  return byte as i32
}

/** The ring is empty: take what the port has, and be interrupted again. Nobody else looks while it can not interrupt. */
function release(): void {
  held = false
  received(0)
  if (!held) outb(register(Register.InterruptEnable), ENABLE_RECEIVED)
}
