// Virtual memory under test: without a processor that has to be told of changes.

import type { PhysicalAddress, ptr } from '../../kernel/lib/layout.ts'
import { vmInit } from '../../kernel/vm/start.ts'

export function startVm(): void {
  vmInit(0 as PhysicalAddress, true, nothingOf, nothing)
}

function nothingOf(_page: ptr): void {}

function nothing(): void {}
