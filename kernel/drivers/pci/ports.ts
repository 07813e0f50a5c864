// Configuration space by ports 0xcf8 and 0xcfc, which every PC has, q35 too: "configuration mechanism #1",
// PCI Local Bus 3.0 §3.2.2.3.2. It reaches the first 256 bytes of a function, which is all that is used here.
// Main-loop context only: the pair of accesses is not atomic.

import { inl, outl } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'
import { configAccess } from './config.ts'

const enum Port { Address = 0xcf8, Data = 0xcfc }

const ENABLE: u32 = 0x80000000

function portRead(place: u32, offset: u32): u32 {
  outl(Port.Address, ENABLE | place | offset)
  return inl(Port.Data)
}

function portWrite(place: u32, offset: u32, value: u32): void {
  outl(Port.Address, ENABLE | place | offset)
  outl(Port.Data, value)
}

/** Reach configuration space by ports from now on. */
export function pciPortsInit(): void {
  configAccess(portRead, portWrite)
}
