// The pinned form of each construct, as text: what docs/dialect.md says Porffor compiles right.

import t from 'tap'
import { printPorffor } from '../../../../linker/pin/index.ts'
import { pinText } from '../../../pinned.ts'

/** The statements of the first function, without declarations and markers. */
function pinned(code: string, ...intrinsics: string[]): string[] {
  const text = printPorffor(pinText(code, ...intrinsics), { lines: false })
  const [first] = text.split(/^};$/m)
  return first!.split('\n').slice(1).map(each => each.replace(/^let .*/, '')).filter(each => each !== '')
}

const body = (...lines: string[]): string[] => lines

t.test('every value has a temporary, in the order of evaluation', async t => {
  t.same(pinned('let g = 0; function f(a) { return g + h(a * 2); } function h(x) { g = x; return 1; } export { f };').slice(1), body(
    't0 = g_g;', 't1 = p0_a * 2;', 't2 = f_h(t1);', 't3 = t0 + t2;', 'return t3;', 'return 0;'))
})

t.test('a variable that a later operand changes is copied', async t => {
  t.same(pinned('function f(a) { return a + a++; } export { f };'), body(
    't0 = p0_a;', 't1 = p0_a;', 'p0_a = t1 + 1;', 't2 = t0 + t1;', 'return t2;', 'return 0;'))
})

t.test('a loop begins with its test, and continue repeats the update', async t => {
  t.same(pinned('function f(n) { for (let i = 0; i < n; i++) { if (i == 3) continue; n = n - 1; } return n; } export { f };'), body(
    'v0_i = 0;', 'L1: while (true) {', 'if (v0_i < p0_n) {', '} else {', 'break L1;', '}',
    'if (v0_i === 3) {', 'v0_i = v0_i + 1;', 'continue L1;', '} else {', '}',
    'p0_n = p0_n - 1;', 'v0_i = v0_i + 1;', '}', 'return p0_n;', 'return 0;'))
})

t.test('conditions become branches; what is small is written twice', async t => {
  t.same(pinned('function f(a, b) { while (a < 3 && b > 4) { a = a + 1; } return a; } export { f };'), body(
    'L0: while (true) {', 'if (p0_a < 3) {', 'if (p1_b > 4) {', '} else {', 'break L0;', '}', '} else {', 'break L0;', '}',
    'p0_a = p0_a + 1;', '}', 'return p0_a;', 'return 0;'))
})

t.test('what is large is written once, behind a flag', async t => {
  const text = pinned('function f(a, b) { if (a < 3 && b > 4) { a = 1; b = 2; } else { a = 3; b = 4; } return a + b; } export { f };')
  t.equal(text.filter(each => each === 'p0_a = 3;').length, 1)
  t.same(text.slice(0, 8), body('t0 = 0;', 'if (p0_a < 3) {', 'if (p1_b > 4) {', 't0 = 1;', '} else {', '}', '} else {', '}'))
})

t.test('a default stands last', async t => {
  t.same(pinned('function f(a) { switch (a) { default: a = 5; break; case -1: case 2: a = 6; } return a; } export { f };'), body(
    't0 = p0_a;', 'L1: switch (t0) {', 'case (-1): {}', 'case 2: {', 'p0_a = 6;', 'break L1;', '}',
    'default: {', 'p0_a = 5;', 'break L1;', '}', '}', 'return p0_a;', 'return 0;'))
})

t.test('a labelled block is a loop that runs once', async t => {
  t.same(pinned('function f(a) { out: { if (a < 1) break out; a = 7; } return a; } export { f };'), body(
    'L0: while (true) {', 'if (p0_a < 1) {', 'break L0;', '} else {', '}', 'p0_a = 7;', 'break L0;', '}', 'return p0_a;', 'return 0;'))
})

t.test('constants are folded with i32 meaning, also through names and intrinsics', async t => {
  t.same(pinned('const A = 0x7fffffff; const B = A + 2; function f() { return udiv(B, 2) + urem(-1, 10); } export { f };', 'udiv', 'urem'),
    body(`return ${((((0x80000001 / 2) >>> 0) + (0xffffffff % 10)) | 0)};`, 'return 0;'))
  t.same(pinned('const A = 3; function f() { if (A > 4) { return 1; } return 2; } export { f };'), body('return 2;', 'return 0;'))
})

t.test('a variable shift count is masked, a literal one too', async t => {
  t.same(pinned('function f(a, n) { return a << n; } export { f };'), body('t0 = p1_n & 31;', 't1 = p0_a << t0;', 'return t1;', 'return 0;'))
  t.same(pinned('function f(a) { return a >> 33; } export { f };'), body('t0 = p0_a >> 1;', 'return t0;', 'return 0;'))
})

t.test('division goes through a guarded intrinsic', async t => {
  t.same(pinned('function f(a, b) { return a / b; } export { f };'), body('Porffor.c`t0 = i_div(p0_a, p1_b);`;', 'return t0;', 'return 0;'))
})

t.test('a constant distance moves from the base into the offset', async t => {
  t.same(pinned('function f(p) { return load32(plus(p, 8), 4); } export { f };', 'load32', 'plus'),
    body('Porffor.c`t0 = i_load32(p0_p, 12);`;', 'return t0;', 'return 0;'))
  t.same(pinned('function f(p) { return load32(plus(p, -8), 4); } export { f };', 'load32', 'plus'),
    body('t0 = p0_p + (-8);', 'Porffor.c`t1 = i_load32(t0, 4);`;', 'return t1;', 'return 0;'))
})

t.test('names of the source never reach C', async t => {
  const text = printPorffor(pinText('let Map = 1; function printf(int, $x) { let register = int + $x; Map = register; return Map; } export { printf as main };'))
  t.match(text, 'const f_main = (p0_int: i32, p1__x: i32): i32')
  t.match(text, 'let g_Map: i32 = 0;')
  t.match(text, 'v0_register = p0_int + p1__x;')
})

t.test('a local name that is an export of another function gets another', async t => {
  const { functions, exports } = pinText('function a() { return b(); } function b() { return 2; } export { a as b };')
  t.equal(exports.get('b'), 'f_b')
  t.same(functions.map(each => each.name), ['f_b', 'f_b_2'])
})

t.test('equal strings are one, and bytes are UTF-8', async t => {
  const { strings } = pinText('function f() { g(cstr("ab")); g(cstr("é")); g(cstr("ab")); } function g(p) {} export { f };', 'cstr')
  t.equal(Buffer.from(strings).toString('utf8'), 'ab\0é\0')
})

t.test('statics are aligned as asked, to 16 at least, and counted when used', async t => {
  const { staticsSize, staticsAlignment, functions } = pinText(
    'const a = staticMemory(3, 1); const unused = staticMemory(5000, 1); const b = staticMemory(8, 64); function f() { return g(a, b); } function g(x, y) { return x; } export { f };', 'staticMemory')
  t.equal(staticsSize, 72)
  t.equal(staticsAlignment, 64)
  const copies = functions[0]!.body.filter(each => each.op === 'copy').map(each => each.value)
  t.same(copies, [{ kind: 'static', offset: 0 }, { kind: 'static', offset: 64 }])
})

t.test('a line marker stands before what comes from another line', async t => {
  const text = printPorffor(pinText('function f(a) {\n  a = a + 1;\n  a = a + 2;\n  return a;\n}\nexport { f };'))
  t.same([...text.matchAll(/#line (\d+) "bundle.js"/g)].map(each => each[1]), ['1', '2', '3', '4'])
})
