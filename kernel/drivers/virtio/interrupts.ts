// How a virtio device over PCI interrupts: MSI-X, one vector for the configuration and one for each queue that
// asks; or INTx, shared, told apart by the ISR status. virtio 1.2 §4.1.5.1.2, §4.1.5.3, §4.1.5.4.
//
// The handlers run in interrupt context: they acknowledge, set `pending` (and `configurationChanged`) and return.

import { store8 } from '../../lib/intrinsics.ts'
import { address, at, type ptr, type u32 } from '../../lib/layout.ts'
import { pciIntxEnable } from '../pci/function.ts'
import { intxAttach } from '../pci/intx.ts'
import { msixClose, msixOpen, msixSet, msixStart } from '../pci/msix.ts'
import { Isr, NO_VECTOR } from './registers.ts'
import { virtioRefuse, type VirtioDevice } from './transport.ts'

/** An interrupt line register of 255 means: not connected. PCI Local Bus 3.0 §6.2.4. */
const NOT_CONNECTED: u32 = 255

function queueInterrupt(context: u32): void {
  store8(at<VirtioDevice>(context as ptr).pending, 0, 1)
}

function configurationInterrupt(context: u32): void {
  const device = at<VirtioDevice>(context as ptr)
  device.configurationChanged = 1
  store8(device.pending, 0, 1)
}

/** Reading the ISR status makes the device let go of the line. §4.1.4.5. */
function lineInterrupt(context: u32): void {
  const device = at<VirtioDevice>(context as ptr)
  const why: u32 = device.isr.status
  if (why == 0) return // another device's, on the same line
  if ((why & Isr.Configuration) != 0) device.configurationChanged = 1
  store8(device.pending, 0, 1)
}

/**
 * Have the device's interrupts set the byte at `pending`: by MSI-X if it has that, else by INTx. Before virtioQueue.
 */
export function virtioInterrupts(device: VirtioDevice, pending: ptr): boolean {
  device.pending = pending
  if (openMsix(device)) return true
  device.usesMsix = false
  const line: u32 = device.fn.interruptLine
  if (device.fn.interruptPin == 0 || line == NOT_CONNECTED) return virtioRefuse(device, 'has no interrupt')
  if (!intxAttach(line, lineInterrupt, address(device))) return virtioRefuse(device, 'its INTx line goes nowhere')
  pciIntxEnable(device.fn, true)
  return true
}

/** MSI-X with entry 0 for the configuration; with a table of one entry, that one stands for the queues too. */
function openMsix(device: VirtioDevice): boolean {
  if (!msixOpen(device.msix, device.fn)) return false
  if (!msixSet(device.msix, 0, configurationInterrupt, address(device))) {
    msixClose(device.msix)
    return false
  }
  device.common.configMsixVector = 0
  if (device.common.configMsixVector == NO_VECTOR) { // §4.1.5.1.2: the device could not allocate it
    msixClose(device.msix)
    return false
  }
  device.usesMsix = true
  device.vectorsUsed = 1
  msixStart(device.msix)
  return true
}

/** Give the selected queue a vector of its own, or the last one when the table is full; none if it asks for none. */
export function virtioQueueVector(device: VirtioDevice, interrupts: boolean): boolean {
  if (!device.usesMsix) return true
  if (!interrupts) {
    device.common.queueMsixVector = NO_VECTOR
    return true
  }
  let entry: u32 = device.vectorsUsed
  if (entry == device.msix.size) entry -= 1
  else if (msixSet(device.msix, entry, queueInterrupt, address(device))) device.vectorsUsed += 1
  else return virtioRefuse(device, 'no interrupt vector is left')
  device.common.queueMsixVector = entry
  if ((device.common.queueMsixVector as u32) != entry) return virtioRefuse(device, 'has no vector for a queue')
  return true
}
