// Virtual memory from nothing.

import type { PhysicalAddress } from '../lib/layout.ts'
import { spacesInit } from './address-space.ts'
import { clustersInit } from './cluster.ts'
import { familiesInit } from './family.ts'
import { faultsInit } from './fault.ts'
import { pagesInit } from './page.ts'
import { pageTablesInit, type InvalidateAll, type InvalidatePage } from './page-table.ts'
import { reclaimInit } from './reclaim.ts'
import { regionsInit } from './region.ts'

/**
 * Once, when there are frames and a heap: the kernel's root table (0 under test), whether the processor knows no-execute, and how it
 * is told that entries of the current space have changed.
 */
export function vmInit(
  kernelRoot: PhysicalAddress, hasNoExecute: boolean, invalidatePage: InvalidatePage, invalidateAll: InvalidateAll,
): void {
  pageTablesInit(kernelRoot, hasNoExecute, invalidatePage, invalidateAll)
  spacesInit()
  familiesInit()
  regionsInit()
  pagesInit()
  clustersInit()
  faultsInit()
  reclaimInit()
}
