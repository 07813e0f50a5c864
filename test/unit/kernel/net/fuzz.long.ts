// A minute of `make fuzz`.
// Time limit: 420 s
// Runs alone: it takes every core

import t from 'tap'
import { run } from '../../../command.ts'
import { need } from '../../../need.ts'

t.test('AFL++ finds nothing in a minute', async t => {
  if (!need(t, { command: 'afl-fuzz' }, { command: 'afl-clang-fast++' })) return
  const { status, out, errors } = await run(process.execPath, ['--import=tsx', 'test/fuzz/main.ts', '--seconds', '60'], { seconds: 400 })
  t.equal(status, 0, (out + errors).trim())
  t.match(out, /\d{4,} inputs in all, nothing found/)
})
