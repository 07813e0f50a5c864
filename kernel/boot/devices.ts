// Devices: what the drivers need of the processor is handed to them as functions, then PCI is searched.

import { localApicId } from '../arch/x86/apic.ts'
import { deviceMap } from '../arch/x86/device-window.ts'
import { interruptAllocate, pciInterruptRoute } from '../arch/x86/interrupt.ts'
import { platformSet } from '../drivers/pci/platform.ts'
import { pciPortsInit } from '../drivers/pci/ports.ts'
import { pciProbe } from '../drivers/pci/probe.ts'
import { driversProbe } from '../drivers/probe.ts'
import { entropyInit, entropyReport } from '../drivers/rng/entropy.ts'

/** Find and start every device there is a driver for: cards are eth0, eth1, …, disks vda, vdb, … in bus order. */
export function devicesInit(): void {
  entropyInit() // RDRAND or jitter now, virtio-rng as soon as it answers
  platformSet(deviceMap, interruptAllocate, pciInterruptRoute, localApicId())
  pciPortsInit()
  pciProbe()
  driversProbe()
  entropyReport()
}
