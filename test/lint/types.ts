// The types of the tools, of the programs and of the kernel, and the dialect's own diagnostics for the kernel.

import t from 'tap'
import { run } from '../command.ts'

async function passes(t: import('tap').Test, ...command: string[]): Promise<void> {
  const { status, out, errors } = await run(process.execPath, command, { seconds: 100 })
  t.same(status === 0 ? [] : [out, errors].join('\n').trim().split('\n'), [], 'no errors')
}

t.test('the tools and tests type-check', async t => passes(t, 'node_modules/typescript/bin/tsc', '-p', '.', '--pretty', 'false',
  '--incremental', '--tsBuildInfoFile', 'build/tests/tsc.json'))

t.test('the programs type-check', async t => passes(t, 'node_modules/typescript/bin/tsc', '-p', 'apps', '--pretty', 'false'))

t.test('the kernel type-checks and keeps to the dialect', async t => passes(t, 'bin/porphyry.js', 'check'))
