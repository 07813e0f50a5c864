// What test/bench/instructions.ts measures, as one program: the kernel's own functions, and a table for the ARP
// look-up to look in. test/bench/c/harness.c calls these.

import { staticStruct, type u32 } from '../../kernel/lib/layout.ts'
import { arpCacheInit, arpCreate } from '../../kernel/net/arp/cache.ts'
import type { NetInterface } from '../../kernel/net/interface.ts'

export { copyBytes } from '../../kernel/lib/memory.ts'
export { arpFind } from '../../kernel/net/arp/cache.ts'
export { onesSum } from '../../kernel/net/checksum.ts'
export { ipv4Fault } from '../../kernel/net/ipv4/header.ts'

/** 10.77.0.0, the first neighbour. */
const FIRST_NEIGHBOUR: u32 = 0x0a4d0000

const only = staticStruct<NetInterface>()

/** The interface all neighbours are on. */
export function benchInterface(): NetInterface {
  return only
}

/** Fill the ARP cache with `count` neighbours of consecutive addresses. */
export function benchArpFill(count: u32): void {
  arpCacheInit()
  for (let i: u32 = 0; i < count; i++) arpCreate(only, FIRST_NEIGHBOUR + i)
}
