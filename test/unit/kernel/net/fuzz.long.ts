// A minute of `make fuzz`, from a seed that stays: the same frames every time.
// Time limit: 300 s

import t from 'tap'
import { run } from '../../../command.ts'

t.test('hostile frames for a minute, on the native engine', async t => {
  const { status, out, errors } = await run(process.execPath, ['--import=tsx', 'test/fuzz.ts', '--seconds', '60', '--seed', '1000'], { seconds: 240 })
  t.equal(status, 0, (out + errors).trim())
  t.match(out, /\d{4,} frames, nothing found/)
})
