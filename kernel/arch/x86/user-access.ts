// The kernel's own accesses to user pages, where a copy would be one too many: pages that are pinned (vm/user-copy.ts),
// until the next sleep. Everything else goes by the direct map. Intel SDM vol. 3 §4.6.1 (SMAP).

import { clac, stac } from '../../lib/intrinsics.ts'
import { Cpu, cpuHas } from './cpu.ts'

/** User pages of the present address space can be read and written; nothing may sleep until `userAccessEnd`. */
export function userAccessBegin(): void {
  if (cpuHas(Cpu.Smap)) stac()
}

/** And not any more. */
export function userAccessEnd(): void {
  if (cpuHas(Cpu.Smap)) clac()
}
