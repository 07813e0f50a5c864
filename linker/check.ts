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
  const count = complaints.length === 1 ? '1 complaint' : `${complaints.length} complaints`
  return [...complaints.map(formatComplaint), `${files} files, ${count}`].join('\n')
}
