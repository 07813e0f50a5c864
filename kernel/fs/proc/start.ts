// /proc from nothing.

import { Mode } from '../mode.ts'
import { procFilesInit } from './file.ts'
import { Place, procNodeAdd } from './nodes.ts'
import { processTextsInit } from './process-text.ts'
import { procfsInit } from './procfs.ts'
import { systemTextsInit } from './system-text.ts'
import { vmTextsInit } from './vm-text.ts'

/** Once, before it is mounted. */
export function procInit(): void {
  procNodeAdd(Place.None, '', Mode.Directory | 0o555, null) // Root
  procNodeAdd(Place.None, '', Mode.Directory | 0o555, null) // Process
  procNodeAdd(Place.Process, 'fd', Mode.Directory | 0o500, null)
  procNodeAdd(Place.Process, 'exe', Mode.SymbolicLink | 0o777, null)
  procNodeAdd(Place.Process, 'root', Mode.SymbolicLink | 0o777, null)
  procNodeAdd(Place.Process, 'cwd', Mode.SymbolicLink | 0o777, null)
  processTextsInit()
  systemTextsInit()
  vmTextsInit()
  procFilesInit()
  procfsInit()
}
