// Which driver takes which PCI function: virtio devices, by vendor and device id. virtio 1.2 §4.1.2.

import type { u32 } from '../lib/layout.ts'
import { virtioBlkProbe } from './block/virtio-blk-probe.ts'
import { virtioNetProbe } from './net/virtio-net-probe.ts'
import { HeaderType, pciIntxEnable, type PciFunction } from './pci/function.ts'
import { pciCount, pciFunctionAt } from './pci/probe.ts'
import { virtioRngProbe } from './rng/virtio-rng.ts'

/** virtio 1.2 §4.1.2. */
const VIRTIO_VENDOR: u32 = 0x1af4
/** Ids of devices that are virtio 1.x only are this plus the device type. */
const MODERN_BASE: u32 = 0x1040
const MODERN_LAST: u32 = 0x107f
/** First id of the transitional devices, whose subsystem id is the device type. */
const TRANSITIONAL_FIRST: u32 = 0x1000

/** virtio 1.2 §5. */
const enum DeviceType { None = 0, Net = 1, Block = 2, Entropy = 4 }

/** The virtio device type of a function; None if it is no virtio device. */
function deviceType(fn: PciFunction): u32 {
  if (fn.vendor != VIRTIO_VENDOR || fn.device < TRANSITIONAL_FIRST || fn.device > MODERN_LAST) return DeviceType.None
  return fn.device >= MODERN_BASE ? fn.device - MODERN_BASE : fn.subsystem
}

/**
 * Hand every function found by pciProbe to its driver. Returns how many devices are in use. One that nobody drives is
 * told not to interrupt: one that held a line it shares with a driven one would never let go.
 */
export function driversProbe(): u32 {
  let used: u32 = 0
  for (let i: u32 = 0; i < pciCount(); i++) {
    const fn = pciFunctionAt(i)
    if (probeOne(fn)) used += 1
    else if (fn.headerType == HeaderType.Device) pciIntxEnable(fn, false)
  }
  return used
}

function probeOne(fn: PciFunction): boolean {
  switch (deviceType(fn)) {
    case DeviceType.Net: return virtioNetProbe(fn)
    case DeviceType.Block: return virtioBlkProbe(fn)
    case DeviceType.Entropy: return virtioRngProbe(fn)
    default: return false
  }
}
