// What is fuzzed: the targets of test/kernel/fuzz.ts by name, their share of the time, and their corpora.

import { readdirSync, readFileSync } from 'node:fs'
import type { Bytes } from '../wire/bytes.ts'

export interface Target {
  name: string
  /** As fuzzRun takes it. */
  number: number
  /** Its part of the time, compared with the others'. */
  share: number
}

export const TARGETS: Target[] = [
  { name: 'input', number: 0, share: 5 },
  { name: 'ipv4', number: 1, share: 1 },
  { name: 'dhcp', number: 2, share: 1 },
  { name: 'dns', number: 3, share: 1 },
  { name: 'interface', number: 4, share: 1 },
  { name: 'command-line', number: 5, share: 1 },
  { name: 'cpio', number: 6, share: 1 },
  { name: 'names', number: 7, share: 1 },
]

/** Inputs kept because they reach something of their own; what once was a crash is called `crash-…`. */
export const corpusOf = (target: Target): string => `test/fuzz/corpus/${target.name}`

export function corpus(target: Target): { name: string, data: Bytes }[] {
  const folder = corpusOf(target)
  return readdirSync(folder).sort().map(name => ({ name, data: readFileSync(`${folder}/${name}`) }))
}
