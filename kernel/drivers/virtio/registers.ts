// The common configuration structure and the bits in it. virtio 1.2 §4.1.4.3, §2.1, §6.

import { mmio, type Le, type u16, type u32, type u8 } from '../../lib/layout.ts'

/** 64-bit fields are written as two halves: §4.1.3.1. What 1.2 added behind queue_device is not used. */
@mmio(56)
export class CommonConfiguration {
  deviceFeatureSelect: Le<u32>
  deviceFeature: Le<u32>
  driverFeatureSelect: Le<u32>
  driverFeature: Le<u32>
  configMsixVector: Le<u16>
  numQueues: Le<u16>
  deviceStatus: u8
  configGeneration: u8
  queueSelect: Le<u16>
  queueSize: Le<u16>
  queueMsixVector: Le<u16>
  queueEnable: Le<u16>
  queueNotifyOff: Le<u16>
  queueDescLow: Le<u32>
  queueDescHigh: Le<u32>
  queueDriverLow: Le<u32>
  queueDriverHigh: Le<u32>
  queueDeviceLow: Le<u32>
  queueDeviceHigh: Le<u32>
}

/** Reading it says why there was an INTx interrupt, and takes it back. virtio 1.2 §4.1.4.5. */
@mmio(1)
export class IsrStatus {
  status: u8
}

/** virtio 1.2 §4.1.4.5. */
export const enum Isr { Queue = 1, Configuration = 2 }

/** virtio 1.2 §2.1. */
export const enum Status {
  Reset = 0,
  Acknowledge = 1,
  Driver = 2,
  DriverOk = 4,
  FeaturesOk = 8,
  NeedsReset = 64,
  Failed = 128,
}

/** Feature bits of every device, virtio 1.2 §6; the lower word of the features. */
export const FEATURE_EVENT_INDEX: u32 = 0x20000000 // bit 29, VIRTIO_F_EVENT_IDX
/** The upper word: bit 32, VIRTIO_F_VERSION_1. */
export const FEATURE_HIGH_VERSION_1: u32 = 1

/** What a vector register reads as when it has none. virtio 1.2 §4.1.4.3, §4.1.5.1.2. */
export const NO_VECTOR: u32 = 0xffff
