// docs/dialect.md is the reference of the dialect: it has each diagnostic, with its suggestion as it is printed.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { checkKernel, formatCheck } from '../../../../linker/check.ts'
import { RULES } from '../../../../linker/lower/diagnostics.ts'
import { kernelConfig, root } from '../../../lower/fixtures.ts'

const text = readFileSync(path.join(root, 'docs/dialect.md'), 'utf8')
const rows = text.split('\n').filter(each => each.startsWith('| PY'))
const cell = (words: string): string => words.replaceAll('|', '\\|').replaceAll('<', '&lt;')

t.same(rows.map(each => each.slice(2, 8)), Object.keys(RULES), 'a row for each diagnostic, in order')

for (const [rule, { message, suggestion }] of Object.entries(RULES)) {
  t.test(rule, async t => {
    const row = rows.find(each => each.startsWith(`| ${rule} `)) ?? ''
    for (const words of message.split(/\{\d\}/)) t.ok(row.includes(cell(words)), `says ${words}`)
    t.ok(row.endsWith(`| ${cell(suggestion)} |`), `suggests ${suggestion}`)
  })
}

t.test('the example is right', async t => {
  const example = /```ts\n([^]*?)```/.exec(text)![1]!
  const lib = Object.fromEntries(['layout.ts', 'lib.d.ts'].map(each =>
    [each, readFileSync(path.join(root, 'kernel/lib', each), 'utf8')]))
  const config = readFileSync(kernelConfig, 'utf8')
  const directory = t.testdir({ kernel: { 'tsconfig.json': config, lib, net: { 'card.ts': example } } })
  const result = checkKernel({ tsconfig: path.join(directory, 'kernel/tsconfig.json') })
  t.equal(formatCheck(result), '1 file, 0 complaints')
})
