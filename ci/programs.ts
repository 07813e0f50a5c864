// The programs that test files run on the host's engines, each built once and before the tests: files side by side would
// compile the same one at the same time. What can not be built is told by the tests that ask for it.
//
//   tsx ci/programs.ts ENTRY…

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const NAMED = /\bengines\('(test\/kernel\/[\w-]+\.ts)'/g
/** What stands for packetdrill's library, which two files use and build themselves. */
const LIBRARY = 'test/packetdrill/build.ts'
const USES_LIBRARY = /\bbuildLibrary\(/
/** What stands for the kernel of tests, likewise. */
const KERNEL = 'test/kernel/boot-test.ts'
const USES_KERNEL = /\btestKernel\(/

/** Entries that these test files name, the one that most of them need first. */
export function programsOf(files: readonly string[]): string[] {
  const wanted = new Map<string, number>()
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const named = [...text.matchAll(NAMED)].map(([, entry]) => entry!)
    if (USES_LIBRARY.test(text)) named.push(LIBRARY)
    if (USES_KERNEL.test(text)) named.push(KERNEL)
    for (const entry of named) wanted.set(entry, (wanted.get(entry) ?? 0) + 1)
  }
  return [...wanted].sort(([, a], [, b]) => b - a).map(([entry]) => entry)
}

/** Build them in `width` processes: the first by itself, for it is the largest, the others shared out, since a process is
 *  quicker from its second on. */
export async function buildPrograms(entries: readonly string[], width: number, env: NodeJS.ProcessEnv): Promise<void> {
  const [first, ...others] = entries
  if (first === undefined) return
  const lanes = Math.max(width - 1, 1)
  const shared = Array.from({ length: lanes }, (_, lane) => others.filter((_, i) => i % lanes === lane))
  await Promise.all([[first], ...shared].filter(each => each.length > 0).map(each => build(each, env)))
}

async function build(entries: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, ['--import=tsx', 'ci/programs.ts', ...entries], { env, stdio: 'ignore' })
  await new Promise<void>(resolve => { child.on('error', () => resolve()).on('close', () => resolve()) })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { engines } = await import('../test/engine.ts')
  const { buildLibrary } = await import('../test/packetdrill/build.ts')
  const { testKernel } = await import('../test/test-kernel.ts')
  const built = (entry: string): Promise<unknown> => {
    if (entry === KERNEL) return testKernel('before')
    return entry === LIBRARY ? buildLibrary() : engines(entry)
  }
  for (const entry of process.argv.slice(2)) {
    await built(entry).catch(() => undefined) // told by the tests
  }
}
