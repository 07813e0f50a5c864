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
import { buildPrograms, programsOf } from './programs.ts'
import { type Job, type Outcome, endAll, runJob } from './run-file.ts'

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
  const jobs = level === 'check' ? batches(files) : files.map(jobOf)
  const began = performance.now()
  const total = emptyCount()
  const env = environment(level)
  await programs(files, env)
  const report = (outcome: Outcome) => { add(total, outcome.count); print(outcome) }
  await inParallel(jobs.filter(job => !job.alone), width(), async job => report(await runJob(job, env)))
  for (const job of jobs.filter(job => job.alone)) report(await runJob(job, env))
  finish(level, total, (performance.now() - began) / 1000)
}

async function programs(files: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const began = performance.now()
  const entries = programsOf(files)
  await buildPrograms(entries, width(), env)
  const seconds = (performance.now() - began) / 1000
  if (entries.length > 0) console.log(`${entries.length} programs of tests built, ${seconds.toFixed(1)} s`)
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

function width(): number {
  return Number(process.env.JOBS ?? Math.min(availableParallelism(), 4))
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
  const limit = /^\/\/ Time limit: (\d+) s/m.exec(headOf(file))
  return { name: file, files: [file], limitSeconds: limit ? Number(limit[1]) : 120, alone: headHas(file, 'Runs alone') }
}

/** Files by the handful, each handful in one process; the types alone, and first: they take longest. */
function batches(files: string[]): Job[] {
  const alone = files.filter(file => file === 'test/lint/types.ts')
  const others = files.filter(file => file !== 'test/lint/types.ts')
  const count = Math.min(width(), others.length)
  const dealt = Array.from({ length: count }, (_, n): Job => ({
    name: `${n + 1} of ${count}`, files: others.filter((_, i) => i % count === n), limitSeconds: 120, alone: false,
  }))
  return [...alone.map(jobOf), ...dealt]
}

async function inParallel(jobs: Job[], limit: number, run: (job: Job) => Promise<void>): Promise<void> {
  const waiting = [...jobs]
  const worker = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) await run(job)
  }
  await Promise.all(Array.from({ length: limit }, worker))
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
