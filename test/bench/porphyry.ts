// What is measured of Porphyry: the kernel and the ISO, built from the sources as they are.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { projectDirectory } from './results.ts'

/** The kernel, for -kernel. */
export const PORPHYRY_ELF = join(projectDirectory, 'build/porphyry.elf')
/** The bootable image. */
export const PORPHYRY_ISO = join(projectDirectory, 'build/porphyry.iso')
/** What the kernel prints when it serves. */
export const PORPHYRY_READY = /boot: ready us=\d+/

/** Build both, or find that nothing changed. Throws if the build fails; its messages are on stderr. */
export function buildPorphyry(): void {
  execFileSync(process.execPath, ['bin/porphyry.js', 'iso'], { cwd: projectDirectory, stdio: ['ignore', 2, 2] })
}
