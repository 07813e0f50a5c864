// What test files need built before they run, each built once: files side by side would compile the same at the same time. The
// kernel and its ISO, the kernel of tests, packetdrill's library, and the programs for the host's engines. What can not be built
// is told by the tests that ask for it, but for the kernel: without it there is nothing to test.
//
//   tsx ci/programs.ts            builds what it is sent, and answers each

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Build } from './schedule.ts'

const NAMED = /\bengines\('(test\/kernel\/[\w-]+\.ts)'/g
/** What stands for packetdrill's library, which two files use and build themselves. */
const LIBRARY = 'test/packetdrill/build.ts'
const USES_LIBRARY = /\bbuildLibrary\(/
/** What stands for the kernel of tests, likewise. */
const TEST_KERNEL = 'test/kernel/boot-test.ts'
const USES_TEST_KERNEL = /\btestKernel\(/
const KERNEL = 'build/porphyry.iso'
/** Where tests boot it. */
const BOOTS = 'test/boot/'

/** What one test file needs. */
export function needsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const needs = [...text.matchAll(NAMED)].map(([, entry]) => entry!)
  if (USES_LIBRARY.test(text)) needs.push(LIBRARY)
  if (USES_TEST_KERNEL.test(text)) needs.push(TEST_KERNEL)
  if (file.startsWith(BOOTS)) needs.push(KERNEL)
  return needs
}

/** What all of these need, what most of them need first; `end` when nothing is left to build. */
export function buildsOf(needs: readonly string[][], env: NodeJS.ProcessEnv): { builds: Build[], end: () => void } {
  const users = new Map<string, number>()
  for (const name of needs.flat()) users.set(name, (users.get(name) ?? 0) + 1)
  const names = [...users].sort(([, a], [, b]) => b - a).map(([name]) => name)
  const builders: ChildProcess[] = []
  const run = async (name: string, lane: number) => {
    if (name === KERNEL) return buildKernel(env)
    const builder = builders[lane] ??= fork('ci/programs.ts', { execArgv: ['--import=tsx'], env, stdio: 'ignore' })
    builder.send(name)
    await answerOf(builder)
  }
  return { builds: names.map(name => ({ name, run: lane => run(name, lane) })), end: () => builders.forEach(each => each.kill()) }
}

/** Its answer, or its end. */
async function answerOf(builder: ChildProcess): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      builder.off('message', done).off('close', done)
      resolve()
    }
    builder.on('message', done).on('close', done)
  })
}

async function buildKernel(env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, ['bin/porphyry.js', 'iso'], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error('the kernel could not be built')
}

/** A process is quicker from its second program on. */
async function answer(): Promise<void> {
  const { engines } = await import('../test/engine.ts')
  const { buildLibrary } = await import('../test/packetdrill/build.ts')
  const { testKernel } = await import('../test/test-kernel.ts')
  const built = (name: string): Promise<unknown> => {
    if (name === TEST_KERNEL) return testKernel('before')
    return name === LIBRARY ? buildLibrary() : engines(name)
  }
  process.on('message', (name: string) => {
    void built(name).catch(() => undefined).then(() => process.send?.(name)) // a failure is told by the tests
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await answer()
