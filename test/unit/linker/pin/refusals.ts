// What pin refuses: each number with a program that earns it, and the message.

import t from 'tap'
import { PIN_MESSAGES, PinError, type PinCode } from '../../../../linker/pin/diagnostics.ts'
import { pinText } from '../../../pinned.ts'

const many = (count: number, one: (i: number) => string): string => Array.from({ length: count }, (_, i) => one(i)).join(' ')

/** Jumps out of 126 loops, each of two levels. */
const deep = `out: while (true) { ${'while (true) { '.repeat(126)} break out; ${'} '.repeat(126)} }`

const PROGRAMS: Record<PinCode, [code: string, detail: string, ...intrinsics: string[]]> = {
  PY2001: ['function f(a) { for (const x of a) {} } export { f };', 'ForOfStatement'],
  PY2002: ['function f() { return nobody; } export { f };', 'nobody'],
  PY2003: ['let g = 1; const c = g + 1; function f() { g = c; } export { f };', 'g is a variable'],
  PY2004: [`function f(a) { ${many(2001, i => `a = a + ${i + 1};`)} return a; } export { f };`, 'f_f has 2002, at most 2000 are compiled'],
  PY2005: [`function f(a) { ${deep} return a; } export { f };`, '254 levels, at most 250'],
  PY2006: [`function f(a) { switch (a) { ${many(201, i => `case ${i}: a = a + 1;`)} } return a; } export { f };`, '201 bodies'],
  PY2007: ['function f(a) { return load32(a); } export { f };', 'load32', 'load32'],
  PY2008: ['function f() { return 1.5; } export { f };', '1.5'],
  PY2009: ['function f(a) { return a % 0; } export { f };', '%'],
  PY2010: ['const m = staticMemory(8, 3); function f() { return m; } export { f };', '8 bytes aligned to 3', 'staticMemory'],
  PY2011: ['function f(a) { return f(a, 1); } export { f };', 'f'],
}

for (const [code, [program, detail, ...intrinsics]] of Object.entries(PROGRAMS)) {
  t.test(code, async t => {
    const message = `bundle.js:1: error ${code}: ${PIN_MESSAGES[code as PinCode]} (${detail})`
    t.throws(() => pinText(program, ...intrinsics), { name: 'PinError', message, code })
  })
}

t.test('syntax that has no pinned form', async t => {
  const bodies = [
    'const x = { a: 1 };', 'const x = [1];', 'const x = `a`;', 'a.b = 1;', 'throw a;', 'a = () => 1;', 'a = a ** 2;',
    'const { b } = a;', 'new f();', 'a?.b;', 'try { f(a); } catch {}', 'for (const k in a) {}', 'a = typeof a;',
  ]
  for (const each of bodies) t.throws(() => pinText(`function f(a) { ${each} } export { f };`), PinError, each)
  t.throws(() => pinText('f(1); function f(a) {} export { f };'), PinError, 'a statement at the top level')
  t.throws(() => pinText('function f(a = 1) {} export { f };'), PinError, 'a default')
})

t.test('the limits are where they are said to be', async t => {
  t.doesNotThrow(() => pinText(`function f(a) { ${many(1999, i => `a = a + ${i + 1};`)} return a; } export { f };`))
  const near = `out: while (true) { ${'while (true) { '.repeat(124)} break out; ${'} '.repeat(124)} }`
  t.doesNotThrow(() => pinText(`function f(a) { ${near} return a; } export { f };`))
})

t.test('a position is found through the source map', async t => {
  const { pin } = await import('../../../../linker/pin/index.ts')
  // Line 1 of the bundle is line 12 of kernel/lib/x.ts.
  const map = { version: 3 as const, sources: ['kernel/lib/x.ts'], names: [], mappings: 'AAWA,YAAY' }
  t.throws(() => pin({ code: 'const c = 1.5; function f() { return c; } export { f };', map, root: '/p', mapBase: '/p' }),
    { message: /^kernel\/lib\/x\.ts:12: error PY2008/ })
})
