// Character devices by number: what a device node leads to. docs of the numbers: Linux, Documentation/admin-guide/devices.txt.

import { struct, type cstring, type i32, type u32 } from '../lib/layout.ts'
import type { FileOperations, OpenFile } from './file.ts'

/** Make ready an open file whose operations are the device's: 0, or NoSuchDevice, … May sleep. */
type DeviceOpen = (file: OpenFile) => i32

@struct
export class CharacterDevice {
  next: CharacterDevice | null
  name: cstring // in /dev
  number: u32
  mode: u32 // permissions in /dev
  operations: FileOperations
  open: DeviceOpen | null
}

let first: CharacterDevice | null = null
let last: CharacterDevice | null = null

/** Add a device; its fields are set. */
export function deviceRegister(device: CharacterDevice): void {
  device.next = null
  if (last == null) first = device
  else last.next = device
  last = device
}

/** All devices, in the order registered. */
export function deviceFirst(): CharacterDevice | null {
  return first
}

/** The device of a number, or null. */
export function deviceFind(number: u32): CharacterDevice | null {
  let device = first
  while (device != null && device.number != number) device = device.next
  return device
}
