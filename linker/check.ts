// The check of the whole kernel, reached or not: TypeScript's errors and the dialect's, for every file that
// kernel/tsconfig.json names (kernel/ and test/kernel/). No output is made: a few seconds at most.

import { formatComplaint, type Complaint } from './lower/complaints.ts'
import { lowerFiles } from './lower/lower.ts'

/** What was looked at, and what is wrong with it: nothing if `complaints` is empty. */
export interface CheckResult { readonly files: number; readonly complaints: readonly Complaint[] }

/** Check every file of a kernel's tsconfig.json. */
export function checkKernel({ tsconfig }: { tsconfig: string }): CheckResult {
  const { files, complaints } = lowerFiles(null, tsconfig)
  return { files: files.size, complaints }
}

/** The complaints as `porphyry check` prints them, and a last line that counts. */
export function formatCheck({ files, complaints }: CheckResult): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  const last = `${count(files, 'file')}, ${count(complaints.length, 'complaint')}`
  return [...complaints.map(formatComplaint), last].join('\n')
}
