// Small by default: functions of about 40 lines, files of about 300. The hard limits are here, and the ten longest
// functions are shown, so that growth is seen before it is a problem.

import t from 'tap'
import { filesBelow, functionsOf, read } from '../source-tree.ts'

const LONGEST_FUNCTION = 120
const LONGEST_LINE = 140
const files = ['kernel', 'linker', 'iso', 'ci', 'test'].flatMap(folder => filesBelow(folder, '.ts')).filter(file => !file.includes('/fixtures/'))

t.test(`no function is longer than ${LONGEST_FUNCTION} lines`, async t => {
  const functions = files.flatMap(functionsOf).filter(each => !isTestBody(each.file)).sort((a, b) => b.lines - a.lines)
  for (const each of functions.slice(0, 10)) t.comment(`${String(each.lines).padStart(4)} ${each.name} ${each.file}:${each.line}`)
  t.ok(functions.length > 0)
  t.same(functions.filter(each => each.lines > LONGEST_FUNCTION).map(each => `${each.name}: ${each.lines} lines, ${each.file}:${each.line}`), [])
})

/** The body of a `t.test` is as long as its cases; the rule is for functions that somebody calls. */
function isTestBody(file: string): boolean {
  return /^test\/(unit|boot|lint)\//.test(file)
}

t.test(`no line is wider than ${LONGEST_LINE} columns, the tables of tests apart`, async t => {
  const wide = files.filter(file => !file.startsWith('test/')).flatMap(file => read(file).split('\n').flatMap((line, i) =>
    [...line].length > LONGEST_LINE ? [`${file}:${i + 1}: ${[...line].length} columns`] : []))
  t.same(wide, [])
})

t.test('every file says what it is in its first line', async t => {
  const silent = files.filter(file => !/^(#!.*\n)?(\/\/ \S|\/\*\*? ?\S?)/.test(read(file)) && !file.endsWith('.d.ts'))
  t.same(silent, [])
})
