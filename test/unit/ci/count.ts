// The counting of tests: what .ci/run's totals rest on.

import t from 'tap'
import { type Count, countTap } from '../../../ci/count.ts'

const summary = ({ passed, failed, skipped }: Count) => [passed, failed, skipped]
const lines = (...text: string[]) => ['TAP version 14', ...text, ''].join('\n')

t.test('an innermost subtest is one test, whatever it asserts', async t => {
  const count = countTap(lines(
    '# Subtest: outer', '    # Subtest: inner', '        ok 1 - a', '        ok 2 - b', '        1..2', '    ok 1 - inner',
    '    # Subtest: other', '        ok 1 - c', '        1..1', '    ok 2 - other', '    1..2', 'ok 1 - outer', '1..1'))
  t.same(summary(count), [2, 0, 0])
  t.equal(count.assertions, 3)
})

t.test('an assertion outside any subtest is a test', async t => {
  t.same(summary(countTap(lines('ok 1 - a', 'not ok 2 - b', '1..2'))), [1, 1, 0])
})

t.test('a failed subtest is one failure, with its path and diagnostics', async t => {
  const count = countTap(lines(
    '# Subtest: outer', '    # Subtest: inner', '        not ok 1 - a', '          ---', '          diff: |', '            -1',
    '            +2', '          ...', '        not ok 2 - b', '        1..2', '    not ok 1 - inner', '    1..1', 'not ok 1 - outer', '1..1'))
  t.same(summary(count), [0, 1, 0])
  t.equal(count.failures[0]?.name, 'outer > inner > a')
  t.match(count.failures[0]?.diagnostics, /^diff:\n {2}-1\n {2}\+2$/)
  t.equal(count.failures[1]?.name, 'outer > inner > b')
})

t.test('an assertion that fails beside subtests is a failure of its own', async t => {
  t.same(summary(countTap(lines(
    '# Subtest: outer', '    # Subtest: inner', '        ok 1 - a', '        1..1', '    ok 1 - inner',
    '    not ok 2 - beside', '    1..2', 'not ok 1 - outer', '1..1'))), [1, 1, 0])
})

t.test('skips and todos are counted as skipped, at any depth', async t => {
  t.same(summary(countTap(lines('ok 1 - a # SKIP no tshark', '1..1'))), [0, 0, 1])
  t.same(summary(countTap(lines('not ok 1 - a # ' + 'TO' + 'DO', '1..1'))), [0, 0, 1])
  t.same(summary(countTap(lines('# Subtest: outer', '    ok 1 - a # SKIP why', '    1..1', 'ok 1 - outer', '1..1'))), [0, 0, 1])
  t.same(summary(countTap(lines(
    '# Subtest: outer', '    # Subtest: inner', '        ok 1 - a', '        1..1', '    ok 1 - inner',
    '    ok 2 - sibling # SKIP why', '    1..2', 'ok 1 - outer', '1..1'))), [1, 0, 1])
})

t.test('output that ends early is a failure', async t => {
  t.equal(countTap(lines('ok 1 - a', '1..2')).failed, 1)
  t.equal(countTap(lines('# Subtest: outer', '    ok 1 - a')).failed > 0, true)
  t.equal(countTap(lines('ok 1 - a', 'Bail out! on fire')).failed, 1)
})

t.test('no output is no test', async t => {
  const { passed, skipped } = countTap('')
  t.same([passed, skipped], [0, 0])
})

t.test('a subtest that timed out is a failure even when all it asserted held', async t => {
  const count = countTap(lines(
    '# Subtest: slow', '    ok 1 - a', '    1..1', 'not ok 1 - slow', '  ---', '  message: timeout!', '  ...', '1..1'))
  t.same(summary(count), [0, 1, 0])
  t.match(count.failures[0], { name: 'slow', diagnostics: /timeout/ })
})
