// Running test files in a process of their own, with a time limit, and keeping their TAP.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Count, countTap } from './count.ts'

export interface Job { name: string, files: string[], limitSeconds: number, alone: boolean, needs: string[] }
export interface Outcome { job: Job, count: Count, seconds: number }

/** What node-tap says on stderr, and nowhere else, of tests that come after it has ended. */
const LOST = /cannot create subtest after/

const running = new Set<ChildProcess>()

/** End every test process that is still there, with the QEMUs it started: they are in its process group. */
export function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Run one job. Never rejects: a crash, a time-out and an empty output are failures in the count. */
export async function runJob(job: Job, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const began = performance.now()
  const [program = '', ...others] = job.files
  const child = spawn(process.execPath, ['--import=tsx', '--enable-source-maps', others.length > 0 ? 'ci/batch.ts' : program], {
    env: { ...env, TAP_TIMEOUT: String(job.limitSeconds), BATCH: job.files.join('\n') }, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  let timedOut = false
  const limit = setTimeout(() => {
    timedOut = true
    signalGroup(child, 'SIGTERM') // tap prints what is unfinished, and the test's own clean-up runs
    setTimeout(() => signalGroup(child, 'SIGKILL'), 5000).unref()
  }, job.limitSeconds * 1000)
  const how = await new Promise<string>(resolve => {
    child.on('error', error => resolve(`could not be started: ${error.message}`))
    child.on('close', (code, signal) => resolve(signal ? `ended by ${signal}` : code ? `exit status ${code}` : ''))
  })
  clearTimeout(limit)
  running.delete(child)
  signalGroup(child, 'SIGKILL') // what it left behind

  keepOutput(job, out, errors)
  const count = countTap(out)
  const seconds = (performance.now() - began) / 1000
  const wrong = timedOut ? `not done after ${job.limitSeconds} s` : LOST.test(errors) ? 'tests were lost' : count.failed === 0 && how
    ? how : count.passed + count.failed + count.skipped === 0 ? `no test ran${how && `, ${how}`}` : ''
  if (wrong) {
    count.failed++
    count.failures.push({ name: job.name, diagnostics: [wrong, errors.trimEnd()].join('\n') })
  }
  return { job, count, seconds }
}

function keepOutput(job: Job, out: string, errors: string): void {
  const file = join('build/tests', job.name.replace(/\.ts$/, '') + '.tap')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, out + errors.replace(/^(?=.)/gm, '# stderr: '))
}
