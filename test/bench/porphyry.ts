// What is measured of Porphyry: the files that `make kernel` and `make iso` leave.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { projectDirectory } from './results.ts'

/** The kernel, for -kernel. */
export const PORPHYRY_ELF = join(projectDirectory, 'build/porphyry.elf')
/** The bootable image. */
export const PORPHYRY_ISO = join(projectDirectory, 'build/porphyry.iso')
/** What the kernel prints when it serves. */
export const PORPHYRY_READY = /boot: ready us=\d+/

/** Throws, naming the command that makes it, if a file to be measured is not there. */
export function requireBuilt(): void {
  if (!existsSync(PORPHYRY_ELF)) throw new Error(`${PORPHYRY_ELF} is not there: make kernel`)
  if (!existsSync(PORPHYRY_ISO)) throw new Error(`${PORPHYRY_ISO} is not there: make iso`)
}
