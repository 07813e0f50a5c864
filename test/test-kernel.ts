// The kernel of tests (test/kernel/boot-test.ts): the real one, which then does what its command line says. A library; no test in it.

import { mkdirSync } from 'node:fs'
import { must } from './command.ts'

const ENTRY = 'test/kernel/boot-test.ts'
/** Seconds that building it may take on a busy machine. */
const LIMIT = 300

/** Build it, if it is not there already, into a file of the caller's own: its stages are kept, and two may ask at once. */
export async function testKernel(name: string): Promise<string> {
  const file = `build/test/${name}.elf`
  mkdirSync('build/test', { recursive: true })
  await must(process.execPath, ['bin/porphyry.js', 'kernel', '--entry', ENTRY, '--out', file], { seconds: LIMIT })
  return file
}
