// Runs the tests of a level, prints a line a file and the failures in full, and ends with the totals.
//
//   tsx ci/test.ts check|test|rest|all [file…]
//
// `check` is what takes seconds: lints, types, unit tests on the Node engine. `test` is everything that is run often.
// `rest` is what only a full run has (*.long.ts); `all` is both. Named files narrow the level to those.
// The totals also go to build/tests/LEVEL.json, for .ci/run to add up. docs/testing.md tells more.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type Count, emptyCount } from './count.ts'
import { buildsOf, needsOf } from './programs.ts'
import { type Job, type Outcome, endAll, runJob } from './run-file.ts'
import { type Task, schedule } from './schedule.ts'

/** Files that share a process. */
const HANDFUL = 6
const TYPES = 'test/lint/types.ts'
const KERNEL_UNIT = /^test\/unit\/kernel\//

const LEVELS = ['check', 'test', 'rest', 'all'] as const
type Level = typeof LEVELS[number]

/** In CI a test that cannot run is a failure: nothing may go unproven there because a tool was missing. */
const skipsFail = process.env.CI === 'true'

async function main(): Promise<void> {
  const [level, ...only] = process.argv.slice(2)
  if (!isLevel(level)) {
    console.error(`usage: tsx ci/test.ts ${LEVELS.join('|')} [file…]`)
    process.exit(2)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { endAll(); process.exit(130) })
  const files = testFiles(level).filter(file => only.length === 0 || only.some(wanted => file.includes(wanted)))
  const jobs = handfuls(files, level)
  const began = performance.now()
  const total = emptyCount()
  const env = environment(level)
  const report = (outcome: Outcome) => { add(total, outcome.count); print(outcome) }
  const { builds, end } = buildsOf(jobs.map(job => job.needs), env)
  const taskOf = (job: Job): Task => ({ needs: job.needs, run: async () => report(await runJob(job, env)) })
  await schedule(builds, jobs.filter(job => !job.alone).map(taskOf), width(level))
  end()
  await schedule([], jobs.filter(job => job.alone).map(taskOf), 1)
  finish(level, total, (performance.now() - began) / 1000)
}

function isLevel(text: string | undefined): text is Level {
  return LEVELS.some(level => level === text)
}

function testFiles(level: Level): string[] {
  const files = ['test/lint', 'test/unit', 'test/differential', 'test/boot'].filter(folder => existsSync(folder)).flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`))
  return files.filter(file => file.endsWith('.ts')).sort().filter(file => {
    const long = file.endsWith('.long.ts')
    if (level === 'check') return !long && isQuick(file)
    return level === 'all' || long === (level === 'rest')
  })
}

/** What a test may look at: which engines to try, how long it may take about it. */
function environment(level: Level): NodeJS.ProcessEnv {
  const effort = level === 'rest' ? 'all' : level
  return { ...process.env, ENGINES: level === 'check' ? 'node' : 'node,native', LEVEL: effort, TAP_BAIL: '0' }
}

/** Boots wait half of their time, so one more than there are cores; `check` only computes. */
function width(level: Level): number {
  return Number(process.env.JOBS ?? Math.min(availableParallelism() + (level === 'check' ? 0 : 1), 4))
}

function isQuick(file: string): boolean {
  return /^test\/(lint|unit)\//.test(file) && !file.endsWith('.native.ts') && !headHas(file, 'Left out of check')
}

function headOf(file: string): string {
  const text = readFileSync(file, 'utf8')
  return text.slice(0, text.search(/^(?!\/\/|$)/m))
}

function headHas(file: string, wish: string): boolean {
  return new RegExp(`^// ${wish}: `, 'm').test(headOf(file))
}

/** A file's own wishes stand in its head comment: `// Time limit: 300 s`, `// Runs alone: why`, `// Left out of check: why`. */
function jobOf(file: string): Job {
  return { ...batch(file, [file]), alone: headHas(file, 'Runs alone') }
}

/** Several files in one process. */
function batch(name: string, files: string[]): Job {
  return { name, files, limitSeconds: Math.max(...files.map(limitOf)), alone: false, needs: files.flatMap(needsOf) }
}

function limitOf(file: string): number {
  const [, limit] = /^\/\/ Time limit: (\d+) s/m.exec(headOf(file)) ?? []
  return Number(limit ?? 120)
}

/**
 * Unit tests of the kernel by the handful, in their order, and in `check` all tests but the types, which take longest and go first: to
 * start Node and load both engines takes longer than most of them.
 */
function handfuls(files: string[], level: Level): Job[] {
  const isUnit = (file: string) => KERNEL_UNIT.test(file) && !file.endsWith('.long.ts') && isQuick(file)
  const small = files.filter(file => level === 'check' ? file !== TYPES : isUnit(file))
  const jobs = files.filter(file => !small.includes(file)).map(jobOf)
  for (let i = 0; i < small.length; i += HANDFUL) {
    const [first = '', ...others] = small.slice(i, i + HANDFUL)
    jobs.push(others.length === 0 ? jobOf(first) : batch(`${first} and ${others.length} more`, [first, ...others]))
  }
  return jobs
}

function add(total: Count, count: Count): void {
  total.passed += count.passed
  total.failed += count.failed
  total.skipped += count.skipped
  total.assertions += count.assertions
}

function print({ job, count, seconds }: Outcome): void {
  const verdict = count.failed > 0 ? 'FAIL' : count.skipped > 0 ? 'skip' : 'ok  '
  const failed = count.failed > 0 ? `, ${count.failed} failed` : ''
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  console.log(`${verdict} ${job.name.padEnd(50)} ${count.passed} passed${failed}${skipped}, ${seconds.toFixed(1)} s`)
  for (const failure of count.failures) {
    console.log(`\n  not ok: ${failure.name}\n${failure.diagnostics.replace(/^/gm, '    ')}\n`)
  }
}

function finish(level: Level, total: Count, seconds: number): void {
  if (skipsFail && total.skipped > 0) {
    console.log(`${total.skipped} tests could not run here, and CI=true: they count as failed`)
    total.failed += total.skipped
    total.skipped = 0
  }
  if (total.passed + total.failed === 0) {
    console.log('no test ran')
    total.failed++
  }
  const { passed, failed, skipped, assertions } = total
  mkdirSync('build/tests', { recursive: true })
  writeFileSync(`build/tests/${level}.json`, JSON.stringify({ passed, failed, skipped, assertions, seconds }) + '\n')
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped (${assertions} assertions, ${seconds.toFixed(0)} s)`)
  process.exit(failed > 0 ? 1 : 0)
}

await main()
