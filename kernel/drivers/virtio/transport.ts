// The virtio transport over PCI, virtio 1.x only: find the registers, agree on features, set up queues, start.
// virtio 1.2 §3.1.1 (the order of steps), §4.1.4 (registers), §4.1.5.1 (PCI). A driver calls, in this order:
//
//   virtioOpen       registers mapped, device reset, ACKNOWLEDGE, DRIVER
//   virtioNegotiate  features; FEATURES_OK
//   virtioInterrupts MSI-X, or INTx
//   virtioQueue      for each queue
//   virtioStart      DRIVER_OK
//
// Each says false when the device can not be used; it has logged why, in one line, and left the device FAILED or
// untouched. virtioInterrupts and virtioQueue are in interrupts.ts and queue-setup.ts. Main-loop context.

import { compilerBarrier } from '../../lib/intrinsics.ts'
import {
  address, at, plus, struct,
  type Embed, type Stored, type bool, type cstring, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { Level, logEnd, logHex, logQuoted, logStart, logText } from '../../lib/log.ts'
import { placeName } from '../pci/config.ts'
import { pciFunctionClaim, pciFunctionSilence, regionMap, type PciFunction } from '../pci/function.ts'
import { MsixTable } from '../pci/msix.ts'
import { CommonConfiguration, FEATURE_HIGH_VERSION_1, IsrStatus, Status } from './registers.ts'
import {
  Structure, StructureType, Structures, structureOf, structuresComplete, structuresFind,
} from './structures.ts'

@struct
export class VirtioDevice {
  fn: PciFunction
  common: CommonConfiguration
  isr: IsrStatus
  configuration: ptr // the device's own structure; 0: it has none
  configurationLength: u32
  notify: ptr
  notifyLength: u32
  notifyMultiplier: u32
  features: u32 // agreed on; the lower word, the upper is VERSION_1
  pending: ptr // a byte set to 1 by every interrupt
  msix: Embed<MsixTable>
  vectorsUsed: u16 // entries of the MSI-X table that are set
  usesMsix: Stored<u8, bool>
  configurationChanged: u8 // set by an interrupt, cleared by virtioHealthy
  structures: Embed<Structures>
}

/** Reads of the status register a reset may take: each is an exit to the hypervisor, so about a second. */
const RESET_READS: u32 = 1000000

/** Say why a device is not used, tell it so if it got that far, and stop its bus mastering. Returns false. */
export function virtioRefuse(device: VirtioDevice, why: cstring): boolean {
  report(device, Level.Warn, 'refused', why)
  if ((address(device.common) as u32) != 0) addStatus(device, Status.Failed)
  pciFunctionSilence(device.fn)
  return false
}

/**
 * Give up a device that was in use: it did what it must not, or asks for a reset. True if it was reset, and so
 * touches no buffer any more; false if it may still write to all it was ever given.
 */
export function virtioBreak(device: VirtioDevice, why: cstring): boolean {
  report(device, Level.Error, 'broken', why)
  addStatus(device, Status.Failed)
  const reset: boolean = virtioReset(device)
  pciFunctionSilence(device.fn)
  return reset
}

function report(device: VirtioDevice, level: Level, event: cstring, why: cstring): void {
  if (!logStart(level, 'virtio', event)) return
  logText('pci', placeName(device.fn.place))
  logHex('device', device.fn.device)
  logQuoted('why', why)
  logEnd()
}

function addStatus(device: VirtioDevice, bits: u32): void {
  device.common.deviceStatus = device.common.deviceStatus | bits
}

/** Take charge of `fn`: find and map its registers, reset it, and say that there is a driver. */
export function virtioOpen(device: VirtioDevice, fn: PciFunction): boolean {
  device.fn = fn
  device.common = at<CommonConfiguration>(0 as ptr)
  device.vectorsUsed = 0
  device.usesMsix = false
  device.configurationChanged = 0
  device.pending = 0 as ptr
  pciFunctionClaim(fn)
  structuresFind(device.structures, fn)
  if (!structuresComplete(device.structures)) {
    if (device.structures.rejected != 0) return virtioRefuse(device, 'its capabilities do not fit its BARs')
    return virtioRefuse(device, 'not a virtio 1.x device: no VERSION_1')
  }
  if (!mapStructures(device)) return virtioRefuse(device, 'no room in the device window')
  if (!virtioReset(device)) return virtioRefuse(device, 'does not reset')
  addStatus(device, Status.Acknowledge)
  addStatus(device, Status.Driver)
  return true
}

function mapOne(device: VirtioDevice, structure: Structure): ptr {
  return regionMap(device.fn, structure.bar, structure.offset, structure.length)
}

/** Map every structure that was found; false if one of the mandatory ones can not be. */
function mapStructures(device: VirtioDevice): boolean {
  const notify = structureOf(device.structures, StructureType.Notify)
  const own = structureOf(device.structures, StructureType.Device)
  const common = mapOne(device, structureOf(device.structures, StructureType.Common))
  const isr = mapOne(device, structureOf(device.structures, StructureType.Isr))
  device.notify = mapOne(device, notify)
  device.notifyLength = notify.length
  device.notifyMultiplier = notify.multiplier
  device.configuration = own.present ? mapOne(device, own) : 0 as ptr
  device.configurationLength = (device.configuration as u32) == 0 ? 0 : own.length
  if ((common as u32) == 0 || (isr as u32) == 0 || (device.notify as u32) == 0) return false
  device.common = at<CommonConfiguration>(common)
  device.isr = at<IsrStatus>(isr)
  return true
}

/** Write 0 to the status and wait until it reads 0: §4.1.4.3.2. Afterwards the device touches no buffer. */
export function virtioReset(device: VirtioDevice): boolean {
  device.common.deviceStatus = Status.Reset
  for (let i: u32 = 0; i < RESET_READS; i++) {
    if (device.common.deviceStatus == Status.Reset) return true
  }
  return false
}

/**
 * Agree on VERSION_1 and on those of the `wanted` features (lower word) that the device offers: `features` then says
 * which. §2.2, §3.1.1 steps 4 to 6.
 */
export function virtioNegotiate(device: VirtioDevice, wanted: u32): boolean {
  const common = device.common
  common.deviceFeatureSelect = 1
  if ((common.deviceFeature & FEATURE_HIGH_VERSION_1) == 0) {
    return virtioRefuse(device, 'not a virtio 1.x device: no VERSION_1')
  }
  common.deviceFeatureSelect = 0
  device.features = common.deviceFeature & wanted
  common.driverFeatureSelect = 0
  common.driverFeature = device.features
  common.driverFeatureSelect = 1
  common.driverFeature = FEATURE_HIGH_VERSION_1
  addStatus(device, Status.FeaturesOk)
  const accepted: u32 = common.deviceStatus & Status.FeaturesOk // §3.1.1 step 6: read it again
  if (accepted == 0) return virtioRefuse(device, 'wants features this kernel has not')
  return true
}

/** How the device interrupts, for the log. */
export function interruptName(device: VirtioDevice): cstring {
  if ((device.pending as u32) == 0) return 'none'
  return device.usesMsix ? 'msix' : 'intx'
}

/** The lower word of the features the device offers; before virtioNegotiate. */
export function virtioOffered(device: VirtioDevice): u32 {
  device.common.deviceFeatureSelect = 0
  return device.common.deviceFeature
}

/** Entries of queue `index` as the device has them, 0 if there is no such queue; before virtioQueue. §4.1.4.3. */
export function virtioQueueSize(device: VirtioDevice, index: u32): u32 {
  if (index >= device.common.numQueues) return 0
  device.common.queueSelect = index
  return device.common.queueSize
}

/** Whether all of these features were agreed on. */
export function virtioHas(device: VirtioDevice, features: u32): boolean {
  return (device.features & features) == features
}

/** DRIVER_OK: from here on the device looks at its queues. §3.1.1 step 8. */
export function virtioStart(device: VirtioDevice): void {
  addStatus(device, Status.DriverOk)
  if (!logStart(Level.Debug, 'virtio', 'started')) return
  logText('pci', placeName(device.fn.place))
  logText('interrupts', interruptName(device))
  logHex('features', device.features)
  logEnd()
}

/** Where the 16-bit notification register of a queue is, by its queue_notify_off; 0 outside the region. §4.1.4.4. */
export function virtioNotifyAddress(device: VirtioDevice, notifyOff: u32): ptr {
  const last: u32 = device.notifyLength - 2 // structuresFind saw to 2 at least
  const multiplier: u32 = device.notifyMultiplier
  if (multiplier != 0 && notifyOff > last / multiplier) return 0 as ptr
  return plus(device.notify, notifyOff * multiplier)
}

/** Readings of a configuration that keeps changing under the reader; what was read last is then used. */
export const CONFIGURATION_TRIES: u32 = 8

/**
 * Read the device's own fields between this and virtioConfigurationSame, and again until that says true: several
 * fields, or the halves of one, may change in between. §2.5.1.
 */
export function virtioConfigurationGeneration(device: VirtioDevice): u32 {
  return device.common.configGeneration
}

/** Whether nothing changed since virtioConfigurationGeneration gave `generation`. */
export function virtioConfigurationSame(device: VirtioDevice, generation: u32): boolean {
  return (device.common.configGeneration as u32) == generation
}

/**
 * After a configuration interrupt: whether the device still works. False when it asks to be reset (§2.1.2): its
 * driver then gives it up with virtioBreak.
 */
export function virtioHealthy(device: VirtioDevice): boolean {
  device.configurationChanged = 0
  compilerBarrier() // before what changed is looked at: an interrupt in between sets it again
  return (device.common.deviceStatus & Status.NeedsReset) == 0
}

