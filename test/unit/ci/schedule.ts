// Builds and tests in lanes: who goes first, and who waits for whom.

import t from 'tap'
import { type Build, type Task, schedule } from '../../../ci/schedule.ts'

/** Things that take so many turns of the event loop, and what happened. */
function scene() {
  const log: string[] = []
  const take = async (name: string, turns: number) => {
    log.push(`${name} begins`)
    for (let i = 0; i < turns; i++) await new Promise(resolve => setImmediate(resolve))
    log.push(`${name} ends`)
  }
  const build = (name: string, turns: number): Build => ({ name, run: lane => take(`${name} in lane ${lane}`, turns) })
  const task = (name: string, ...needs: string[]): Task => ({ needs, run: () => take(name, 1) })
  return { log, build, task }
}

t.test('a lane takes the next build when it has done one, in their order', async t => {
  const { log, build } = scene()
  await schedule([build('large', 50), build('b', 2), build('c', 2)], [], 2)
  t.same(log, ['large in lane 0 begins', 'b in lane 1 begins', 'b in lane 1 ends', 'c in lane 1 begins', 'c in lane 1 ends', 'large in lane 0 ends'])
})

t.test('a test waits for what it needs, others go before it', async t => {
  const { log, build, task } = scene()
  await schedule([build('large', 50), build('small', 2)], [task('first', 'small', 'large'), task('second', 'small'), task('third')], 2)
  t.same(log.slice(2), ['small in lane 1 ends', 'second begins', 'second ends', 'third begins', 'third ends', 'large in lane 0 ends',
    'first begins', 'first ends'])
})

t.test('what nobody builds is not waited for', async t => {
  const { log, task } = scene()
  await schedule([], [task('only', 'unknown')], 3)
  t.same(log, ['only begins', 'only ends'])
})

t.test('a build that fails ends it all', async t => {
  const { task } = scene()
  const failing: Build = { name: 'kernel', run: () => Promise.reject(new Error('no kernel')) }
  await t.rejects(schedule([failing], [task('a', 'kernel')], 1), { message: 'no kernel' })
})
