// `make fuzz`: AFL++ against the header parsers and the whole input path (test/kernel/fuzz.ts), natively, for as long as
// it is told.
//
//   node --import=tsx test/fuzz/main.ts [--seconds 60] [--target NAME]
//
// The time is dealt out to the targets by their shares; as many run at once as there are cores. Everything is in
// build/fuzz/TARGET. Ends with 1 if something crashed or hung: the input is printed with what the harness says of it.
// An input that crashed goes into test/fuzz/corpus/TARGET as crash-WHAT, where test/unit/kernel/net/corpus.ts runs it
// from then on.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { run } from '../command.ts'
import { buildHarness } from './build.ts'
import { TARGETS, type Target, corpusOf } from './targets.ts'

const LEAST_SECONDS = 3
const HANG_MILLISECONDS = 1000
const ENVIRONMENT = {
  AFL_NO_UI: '1', AFL_SKIP_CPUFREQ: '1', AFL_NO_AFFINITY: '1', AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES: '1',
    AFL_NO_STARTUP_CALIBRATION: '1',
}

interface Found { target: Target, runs: number, edges: string, inputs: number, bad: string[] }

async function fuzz(harness: string, target: Target, seconds: number): Promise<Found> {
  const out = `build/fuzz/${target.name}`
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const ended = await run('env', [
    ...Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
    'afl-fuzz', '-i', corpusOf(target), '-o', out, '-V', String(seconds), '-t', String(HANG_MILLISECONDS), '--',
      harness, String(target.number),
  ], { seconds: seconds + 120 })
  const statistics = `${out}/default/fuzzer_stats`
  if (ended.status !== 0 || !existsSync(statistics)) {
    throw new Error(`afl-fuzz on ${target.name}: status ${ended.status}\n${(ended.out + ended.errors).slice(-3000)}`)
  }
  const value = (name: string): string => new RegExp(`^${name} *: (\\S+)`, 'm').exec(readFileSync(statistics, 'utf8'))?.[1] ?? '?'
  const bad = ['crashes', 'hangs'].flatMap(kind => {
    const folder = `${out}/default/${kind}`
    return existsSync(folder) ? readdirSync(folder).filter(name => name.startsWith('id')).map(name => `${folder}/${name}`) : []
  })
  return { target, runs: Number(value('execs_done')), edges: value('edges_found'), inputs: Number(value('corpus_count')), bad }
}

async function report(harness: string, { target, runs, edges, inputs, bad }: Found): Promise<void> {
  console.log(`fuzz: ${target.name}: ${runs} inputs tried, ${edges} edges, ${inputs} inputs kept, ${bad.length} crashed or hung`)
  for (const file of bad) {
    const { errors } = await run(harness, [String(target.number), file], { seconds: 20 })
    console.log(`  ${file}\n    ${errors.trim().split('\n').slice(1).join('\n    ') || 'not again by itself'}`)
  }
}

function positive(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('It is a number above 0.')
  return Number(text)
}

async function main(): Promise<number> {
  const options = new Command('make fuzz ARGS=')
    .addOption(new Option('--seconds <n>', 'of all targets together').default(60).argParser(positive))
    .addOption(new Option('--target <name>', 'one alone').choices(TARGETS.map(each => each.name)))
    .parse().opts<{ seconds: number, target?: string }>()
  const { seconds } = options
  const chosen = TARGETS.filter(each => options.target === undefined || each.name === options.target)
  const harness = await buildHarness()
  const width = Math.min(availableParallelism(), chosen.length)
  const shares = chosen.reduce((sum, { share }) => sum + share, 0)
  const found: Found[] = []
  const waiting = [...chosen]
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      found.push(await fuzz(harness, next, Math.max(LEAST_SECONDS, Math.round(seconds * width * next.share / shares))))
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  for (const each of found) await report(harness, each)
  const bad = found.flatMap(each => each.bad).length
  const runs = found.reduce((sum, each) => sum + each.runs, 0)
  console.log(`fuzz: ${runs} inputs in all, ${bad === 0 ? 'nothing found' : `${bad} crashed or hung`}`)
  return bad === 0 ? 0 : 1
}

process.exit(await main())
