// The check of a whole kernel: every file of its tsconfig.json, reached or not, types and dialect.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { checkKernel, formatCheck } from '../../../linker/check.ts'
import { root } from '../../lower/fixtures.ts'

const vocabulary = (name: string): string => readFileSync(path.join(root, 'kernel/lib', name), 'utf8')

/** A kernel of the vocabulary and these files; gives the path of its tsconfig.json. */
function kernel(t: Test, files: Record<string, string>): string {
  const config = readFileSync(path.join(root, 'kernel/tsconfig.json'), 'utf8')
  const lib = Object.fromEntries(['layout.ts', 'lib.d.ts', 'intrinsics.ts'].map(each => [each, vocabulary(each)]))
  return path.join(t.testdir({ kernel: { 'tsconfig.json': config, lib, ...files } }), 'kernel/tsconfig.json')
}

t.test('a kernel that is right', async t => {
  const main = "import type { u32 } from './lib/layout.ts'\n\nexport function one(): u32 {\n  return 1\n}\n"
  const result = checkKernel({ tsconfig: kernel(t, { 'main.ts': main, 'other.ts': main }) })
  t.equal(formatCheck(result), '2 files, 0 complaints')
})

t.test("types and dialect, in a file's order, of files that nothing imports", async t => {
  const b = "import type { u32, i32 } from './lib/layout.ts'\n\nexport function less(x: u32, y: i32): u32 {\n" +
    '  return x < y\n}\n\nexport function bad(x: i32): u32 {\n  return x\n}\n'
  const a = 'export function f(): void {\n  throw 1\n}\n'
  const result = checkKernel({ tsconfig: kernel(t, { 'b.ts': b, 'a.ts': a }) })
  t.same(result.complaints.map(each => `${each.file}:${each.line}:${each.column} ${each.code}`), [
    'kernel/a.ts:2:3 PY1006', 'kernel/b.ts:4:3 TS2322', 'kernel/b.ts:4:10 PY1103', 'kernel/b.ts:8:3 TS2322',
  ])
  const text = formatCheck(result).split('\n')
  t.equal(text[0], 'kernel/a.ts:2:3 PY1006 there are no exceptions')
  t.equal(text[1], '  suggestion: return an Errno, or panic for a broken invariant')
  t.same(text.slice(-3), [
    "kernel/b.ts:8:3 TS2322 Type 'i32' is not assignable to type 'u32'.",
    '  suggestion: one is signed, the other is not: convert with (x as number as u32), (x as number as i32)',
    '2 files, 4 complaints',
  ])
})

t.test('a file that does not parse is all that is said', async t => {
  const result = checkKernel({ tsconfig: kernel(t, { 'a.ts': 'export function (\n', 'b.ts': 'export const x = {}\n' }) })
  t.ok(result.complaints.length > 0)
  t.ok(result.complaints.every(each => each.file === 'kernel/a.ts' && each.code.startsWith('TS1')))
})
