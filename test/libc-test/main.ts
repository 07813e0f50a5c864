// `make libc-test LIBC_TEST=path LTP=path`: other people's tests of the system-call interface, booted.
//
//   LIBC_TEST=libc-test LTP=ltp node --import=tsx test/libc-test/main.ts [--verbose] [PART …]
//
// What there is of the two: docs/libc-test.md. PARTs of names choose among the cases. Each is run on this machine's own
// Linux first: what fails there, or says that it can not be run, is left out. Root is needed for that, and busybox, strip,
// musl-gcc. What Linux said is kept in build/libc-test/linux.json. Ends with 1 when a case failed.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { hashOf, writeWhole } from '../../linker/cache.ts'
import { type Case, libcTestCases, ltpCases, stripped } from './cases.ts'
import { LATE, type Result, STOPPED, onLinux, onPorphyry } from './run.ts'

const KEPT = resolve('build/libc-test/linux.json')

const AT_ONCE = 4

/** LTP's exit status of a case that says it can not be run here. */
const CAN_NOT = 32

async function allCases(): Promise<Case[]> {
  const { LIBC_TEST, LTP } = process.env
  const cases = [...LIBC_TEST ? await libcTestCases(resolve(LIBC_TEST)) : [], ...LTP ? ltpCases(resolve(LTP)) : []]
  return cases.map(each => ({ name: each.name, file: stripped(each.file) }))
}

/** Those that pass on Linux, and how the others end there; a few at once, most of them only wait. */
async function passingOnLinux(cases: readonly Case[]): Promise<{ passing: Case[], out: [Case, Result][] }> {
  const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) as Record<string, Result> : {}
  const results: Result[] = []
  let next = 0
  const work = async () => {
    for (let i = next++; i < cases.length; i = next++) results[i] = await keptOrRun(kept, cases[i]!)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  writeWhole(KEPT, JSON.stringify(kept))
  const out = cases.flatMap((each, i): [Case, Result][] => results[i]!.status === 0 ? [] : [[each, results[i]!]])
  return { passing: cases.filter((_, i) => results[i]!.status === 0), out }
}

async function keptOrRun(kept: Record<string, Result>, each: Case): Promise<Result> {
  return kept[hashOf(each.name, readFileSync(each.file))] ??= await onLinux(each)
}

function words(status: number): string {
  if (status === CAN_NOT) return 'says it can not be run'
  if (status === LATE) return 'took too long'
  return status === STOPPED ? 'stopped the machine' : `status ${status}`
}

async function main(): Promise<number> {
  const command = new Command('make libc-test ARGS=')
    .argument('[cases...]', 'parts of names').option('--verbose', 'more of what each that fails says').parse()
  const positionals = command.args
  const { verbose = false } = command.opts<{ verbose?: boolean }>()
  const cases = (await allCases()).filter(each => positionals.length === 0 || positionals.some(part => each.name.includes(part)))
  if (cases.length === 0) {
    console.log('libc-test: LIBC_TEST=path and LTP=path name the sources, docs/libc-test.md')
    return 1
  }
  const { passing, out } = await passingOnLinux(cases)
  for (const [each, { status }] of out) console.log(`left out ${each.name}: on Linux ${words(status)}`)
  let passed = 0
  await onPorphyry(passing, (each, { status, said }) => {
    if (status === 0) passed++
    console.log(status === 0 ? `ok       ${each.name}` : `not ok   ${each.name}: ${words(status)}`)
    if (status !== 0) console.log(said.slice(verbose ? 0 : -6).map(line => `         ${line}`).join('\n'))
  })
  console.log(`libc-test: ${cases.length} cases, ${out.length} left out, ${passed} of ${passing.length} pass`)
  return passed === passing.length ? 0 : 1
}

process.exit(await main())
