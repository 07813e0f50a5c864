// Porffor 0.61.13 as it is: each defect that docs/porffor.md lists, by the smallest program that shows it. A test that
// fails here says that a new version has mended something, and that a rule of linker/pin may have become needless. Nothing else can
// change them, so it is enough that a full run looks.

import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { porfforC } from '../../../linker/compile.ts'
import { CLANG } from '../../../linker/object.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-porffor-'))
t.setTimeout(120_000) // forty compilations
t.teardown(() => fs.rmSync(directory, { recursive: true }))

const one = (...body: string[]): string => `export const f_a = (p: i32): i32 => {\n${body.join('\n')}\n};\n`
const COMMON = ['--valtype=i32', '--no-alwaysMemory', '--unroll-threshold=0', '--module']

/** What `f_a(argument)` returns, compiled as C. */
function result(program: string, argument: number, options?: readonly string[]): number {
  const from = path.join(directory, 'program.c')
  const to = path.join(directory, 'program')
  const c = porfforC(program, options).replace('int main()', 'int porffor_main()').replace(/^const f64 .*$/gm, '')
  const head = '#include <stdio.h>\n#include <stdlib.h>\n#define NaN (0.0/0.0)\n#define Infinity (1.0/0.0)\n'
  fs.writeFileSync(from, `${head}${c}\nint main() { porffor_main(); printf("%d", f_a(${argument}, 1)); return 0; }\n`)
  execFileSync(CLANG, ['-w', '-O1', '-fwrapv', '-fbracket-depth=2000', '-o', to, from, '-lm'])
  return Number(execFileSync(to, { encoding: 'utf8' }))
}

/** Whether the C compiles at all. */
function isC(program: string): boolean {
  const c = porfforC(program)
  return spawnSync(CLANG, ['-w', '-fsyntax-only', '-x', 'c', '-'], { input: `#include <stdio.h>\n#include <stdlib.h>\n${c}` }).status === 0
}

/** The definition of f_a in the C. */
function body(program: string): string {
  const c = porfforC(program)
  return c.slice(c.search(/^(i32|void) f_a\(.*\{$/m))
}

const choose = (argument: number): string => `(p < ${argument} ? p : 2)`
const deep = (levels: number): string => one('let r: i32 = 0;', 'L: while (true) {', 'r = r + 1;', 'if (p === 1) {\n'.repeat(levels),
  'if (r === 5) { break L; }', '}\n'.repeat(levels), 'if (r === 7) { break L; }', '}', 'return r;')
const middle = one('let r: i32 = 0;', 'switch (p) {', 'case 1: { r = r + 1; }', 'default: { r = r + 10; }', 'case 2: { r = r + 100; }', '}', 'return r;')

/** Programs that compile and do something else. */
const WRONG: readonly { what: string, program: string, argument: number, means: number, does: number, options?: readonly string[] }[] = [
  {
    what: 'a call of a function that stands further down, in an exported function',
    program: `${one('let t: i32 = 0;', 't = f_b(p);', 'return t;')}const f_b = (p: i32): i32 => {\nreturn p + 1;\n};\n`,
    argument: 5, means: 6, does: 0,
  },
  { what: '>>> shifts in the sign', program: one('return p >>> 1;'), argument: -2, means: 0x7fffffff, does: -1 },
  { what: 'break out of a labelled block', program: one('let r: i32 = 0;', 'B: {', 'if (p === 1) { break B; } else {}', 'r = r + 1;', '}', 'return r;'), argument: 1, means: 0, does: 1 },
  { what: 'a default that something falls into', program: middle, argument: 3, means: 110, does: 10 },
  { what: 'a default that falls into something', program: middle, argument: 2, means: 100, does: 110 },
  { what: 'a jump across 258 levels', program: deep(255), argument: 1, means: 5, does: 7 },
  { what: 'a literal past 2147483647 in an operation', program: one('let t: i32 = 0;', 't = 2147483648 >> 1;', 'return t;'), argument: 0, means: -1073741824, does: 1073741824 },
  { what: 'a literal past 2147483647 in a comparison', program: one('let t: i32 = 0;', 't = p + 4294967295;', 'if (t === 4294967295) { t = 5; }', 'return t;'), argument: 0, means: 5, does: -1 },
  { what: 'two steps in one expression', program: one('let t: i32 = 0;', 't = p++ + p++;', 'return t;'), argument: 5, means: 11, does: 14 },
  {
    what: 'an argument changed by a later one',
    program: `const f_b = (p: i32, q: i32): i32 => {\nreturn p - q;\n};\n${one('return f_b(p, p = 3);')}`,
    argument: 5, means: 2, does: 0,
  },
  { what: 'an operand changed by a later one, with --2cDirectLocalGet', program: one('return p + (p = 3);'), argument: 5, means: 8, does: 6 },
  { what: 'a local named Map', program: one('let Map: i32 = 0;', 'Map = p + 1;', 'return Map;'), argument: 5, means: 6, does: 9 },
  { what: 'a local named Math', program: one('let Math: i32 = 0;', 'Math = p + 1;', 'return Math;'), argument: 5, means: 6, does: 16 },
  {
    what: 'a last statement at the top level that has a value',
    program: `let g: i32 = 0;\nconst f_b = (p: i32): i32 => {\ng = p;\nreturn p;\n};\n${one('return g;')}f_b(5);\n`,
    argument: 0, means: 5, does: 0,
  },
]

for (const { what, program, argument, means, does } of WRONG) {
  t.test(`wrong: ${what}`, async t => {
    const found = result(program, argument)
    t.equal(found, does, 'what it was seen to do')
    t.not(found, means, 'and not what it means')
  })
}

t.test('right: 257 levels, and the operand without --2cDirectLocalGet', async t => {
  t.equal(result(deep(254), 1), 5)
  t.equal(result(one('return p + (p = 3);'), 5, COMMON), 8)
})

t.test('floating point: `!` and `||` on numbers', async t => {
  for (const e of ['!p', 'p || 3']) t.match(body(one('let t: i32 = 0;', `t = ${e};`, 'return t;')), /\bf64\b/, e)
})

t.test('floating point, strings and 180 KB: the sum of two choices', async t => {
  const c = porfforC(one(`return ${choose(1)} + ${choose(3)};`))
  t.match(c, '__Porffor_concatStrings')
  t.ok(c.length > 100_000)
})

t.test('the order of evaluation is left to C', async t => {
  t.match(body(`let g: i32 = 1;\nconst f_s = (): i32 => {\ng = 10;\nreturn 0;\n};\n${one('return g + f_s();')}`), 'return g + f_s();')
})

t.test('shift counts and divisors are left to C', async t => {
  t.match(body(one('let t: i32 = 0;', 't = 1 << p;', 'return t;')), 't = 1 << p;')
  t.match(body(one('let t: i32 = 0;', 't = 7 / p;', 'return t;')), 't = 7 / p;')
})

t.test('a function as a value: the program ends', async t => {
  const program = `const f_b = (p: i32): i32 => {\nreturn p + 1;\n};\n${one('let h: i32 = f_b;', 'let t: i32 = 0;', 't = h(p);', 'return t;')}`
  t.throws(() => result(program, 5), { message: /^Command failed/ })
})

t.test('throw is exit(1)', async t => t.match(body(one('if (p === 5) { throw 1; }', 'return 1;')), 'exit(1);'))

t.test('a function declaration with these types, and the name constructor: Porffor itself fails', async t => {
  t.throws(() => porfforC('export function f_a(p: i32): i32 {\nreturn p + 1;\n}\n'), { name: 'CompileError' })
  t.throws(() => porfforC(`const constructor = (p: i32): i32 => {\nreturn p;\n};\n${one('return constructor(p);')}`), { name: 'CompileError' })
})

t.test('names that C has for itself reach it', async t => {
  for (const name of ['linux', 'printf', 'malloc', 'int', 'register', 'u8', 'i32']) {
    const program = `const ${name} = (p: i32): i32 => {\nreturn p + 1;\n};\n${one('let t: i32 = 0;', `t = ${name}(p);`, 'return t;')}`
    // `linux` is a macro of the GNU dialects only, which is what clang compiles by default.
    t.equal(isC(program), false, name)
  }
})

t.test('initial values are set in main, not in the definitions', async t => {
  const c = porfforC(`let g: i32 = 7;\nexport const f_a = (): i32 => {\nreturn g;\n};\nexport const f_b = (): void => {\ng = 8;\n};\n`)
  t.match(c, /^i32 g = 0;$/m)
  t.match(c, /^ +g = 7;$/m)
})
