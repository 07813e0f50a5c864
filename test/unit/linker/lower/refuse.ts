// Every diagnostic of the dialect has a program that earns it: test/fixtures/refuse/PY1xxx.ts, with all that is
// said about it in PY1xxx.err.

import path from 'node:path'
import t from 'tap'
import { formatComplaint } from '../../../../linker/lower/complaints.ts'
import { RULES } from '../../../../linker/lower/diagnostics.ts'
import { lowerFiles } from '../../../../linker/lower/lower.ts'
import { fixtures, golden, kernelConfig, root } from '../../../lower/fixtures.ts'

const files = fixtures('refuse')
const { complaints } = lowerFiles(files, kernelConfig)

t.same(files.map(each => path.basename(each, '.ts')), Object.keys(RULES).sort(), 'one program for each diagnostic')

for (const file of files) {
  const rule = path.basename(file, '.ts')
  t.test(rule, t => {
    const found = complaints.filter(each => each.file === path.relative(root, file))
    t.ok(found.some(each => each.code === rule), 'it is earned')
    const actual = found.map(each => `${formatComplaint(each)}\n`).join('')
    t.equal(actual, golden(file.replace(/\.ts$/, '.err'), actual))
    t.end()
  })
}

t.test('nothing else is complained about', t => {
  const elsewhere = complaints.filter(each => !each.file.startsWith('test/fixtures/refuse/'))
  const promise = "tsconfig:1:1 TS2318 Cannot find global type 'Promise'." // of PY1016.ts, an async function
  t.same(elsewhere.map(formatComplaint), [promise])
  t.end()
})
