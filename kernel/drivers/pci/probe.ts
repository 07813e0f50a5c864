// Finding what is on the PCI buses: bus 0, then every bus behind a bridge, by the numbers the firmware gave.
// PCI Local Bus 3.0 §3.2.2.3.2 (a function that is not there reads as all ones), §6.2.1 (header type, bit 7:
// the device has more than one function); PCI-to-PCI Bridge 1.2 §3.2.5 (secondary bus number).

import { store8, load8 } from '../../lib/intrinsics.ts'
import { nth, staticMemory, staticRow, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logHex, logStart, logText } from '../../lib/log.ts'
import { ConfigRegister, configRead32, placeName, placeOf } from './config.ts'
import { HeaderType, PciFunction, pciFunctionRead } from './function.ts'

/** Functions remembered: twice the slots of a bus. More are counted and logged. */
const PCI_FUNCTION_LIMIT: u32 = 64
const MULTI_FUNCTION: u32 = 0x80
const NO_VENDOR: u32 = 0xffff
const DEVICES: u32 = 32
const FUNCTIONS: u32 = 8
const BUSES: u32 = 256

const enum BusState { Unknown, Waiting, Scanned }

const functions = staticRow<PciFunction>(PCI_FUNCTION_LIMIT)
const buses = staticMemory(BUSES) // a BusState each
let count: u32 = 0
let skipped: u32 = 0

/** How many functions were found. */
export function pciCount(): u32 {
  return count
}

/** The function found `index`th, below pciCount(). */
export function pciFunctionAt(index: u32): PciFunction {
  return nth(functions, index)
}

/** Look at every function of every bus. A bus that bridges lead to twice is looked at once. Logs what it finds. */
export function pciProbe(): void {
  count = 0
  skipped = 0
  for (let bus: u32 = 0; bus < BUSES; bus++) store8(buses, bus, BusState.Unknown)
  store8(buses, 0, BusState.Waiting)
  let scanned: u32 = 0
  let bus: u32 = nextBus()
  while (bus < BUSES) {
    store8(buses, bus, BusState.Scanned)
    scanBus(bus)
    scanned += 1
    bus = nextBus()
  }
  if (logStart(Level.Info, 'pci', 'found')) {
    logDecimal('functions', count)
    logDecimal('buses', scanned)
    logEnd()
  }
  if (skipped != 0 && logStart(Level.Warn, 'pci', 'table full')) {
    logDecimal('skipped', skipped)
    logEnd()
  }
}

/** The lowest bus that waits; BUSES when none does. */
function nextBus(): u32 {
  let bus: u32 = 0
  while (bus < BUSES && load8(buses, bus) != BusState.Waiting) bus += 1
  return bus
}

function scanBus(bus: u32): void {
  for (let device: u32 = 0; device < DEVICES; device++) {
    if (!isThere(placeOf(bus, device, 0))) continue // function 0 is mandatory: without it there is no device
    scanFunction(placeOf(bus, device, 0))
    const header: u32 = configRead32(placeOf(bus, device, 0), ConfigRegister.Header) >> 16
    if ((header & MULTI_FUNCTION) == 0) continue
    for (let i: u32 = 1; i < FUNCTIONS; i++) {
      if (isThere(placeOf(bus, device, i))) scanFunction(placeOf(bus, device, i))
    }
  }
}

function isThere(place: u32): boolean {
  return (configRead32(place, ConfigRegister.Identity) & 0xffff) != NO_VENDOR
}

function scanFunction(place: u32): void {
  if (count == PCI_FUNCTION_LIMIT) {
    skipped += 1
    return
  }
  const fn = nth(functions, count)
  count += 1
  pciFunctionRead(fn, place)
  logFunction(fn)
  if (fn.headerType == HeaderType.Bridge) {
    const secondary: u32 = configRead32(place, ConfigRegister.Buses) >> 8 & 0xff
    if (load8(buses, secondary) == BusState.Unknown) store8(buses, secondary, BusState.Waiting)
  }
}

function logFunction(fn: PciFunction): void {
  if (!logStart(Level.Debug, 'pci', 'function')) return
  logText('pci', placeName(fn.place))
  logHex('vendor', fn.vendor)
  logHex('device', fn.device)
  logHex('class', fn.classCode)
  logEnd()
}
