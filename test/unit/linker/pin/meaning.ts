// What pinned programs do, on every engine: the constructs whose pinned form is more than a rewriting.

import t from 'tap'
import { enginesOf, pinText } from '../../../pinned.ts'

const cases = (count: number, one: (i: number) => string): string => Array.from({ length: count }, (_, i) => one(i)).join('\n')

const program = pinText(`
let g = 10, trail = 0, text = cstr('abc'), handler = functionReference(twice), cell = table;
const table = staticMemory(64, 16), other = staticMemory(4096, 4096);
function mark(x) { trail = trail * 10 + x; return x; }
function order() { trail = 0; const r = mark(1) + mark(2) * mark(3); return trail * 100 + r; }
function globalThenCall() { g = 10; return g + setG(5) + g; }
function setG(x) { g = x; return 0; }
function both(a) { return a + (a = 5) + a++ + a; }
function shadow(a) { let r = a; { let a = 2; r = r * 10 + a; { let a = 3; r = r * 10 + a; } r = r * 10 + a; } return r * 10 + a; }
function early(n) { return later(n) + 1; }
function later(n) { return n * 2; }
function even(n) { if (n == 0) return 1; return odd(n - 1); }
function odd(n) { if (n == 0) return 0; return even(n - 1); }
function nothing(x) { g = x; }
function callsNothing(x) { nothing(x); return g; }
function never(x) { trap(); }
function mayTrap(x) { if (x > 3) { never(x); } return x; }
function defaultFirst(x) { let r = 0; switch (x) { default: r = r + 1; case 1: r = r + 10; break; case 2: r = r + 100; } return r; }
function defaultMiddle(x) { let r = 0; switch (x) { case 1: r = r + 1; default: r = r + 10; case 2: r = r + 100; } return r; }
function sparse(x) { switch (x) { case -2147483648: return 1; case -1: return 2; case 2147483647: return 3; } return 4; }
function large(x) { let r = 0; switch (x) { ${cases(400, i => `case ${i * 3 - 700}: r = ${i} + 1; break;`)} default: r = -1; } return r; }
function largeFalling(x) { let r = 0; switch (x) { ${cases(450, i => `case ${i}: r = r + 1; ${i % 150 === 149 ? 'break;' : ''}`)} } return r; }
function manyValues(x) { switch (x) { ${cases(300, i => `case ${i}:`)} return 1; ${cases(50, i => `case ${1000 + i}:`)} return 2; } return 0; }
function switchInLoop(n) { let r = 0; for (let i = 0; i < n; i++) { switch (i & 3) { case 0: continue; case 1: r = r + 1; break; case 2: r = r + 10; } r = r + 100; } return r; }
function labels(n) { let r = 0; outer: for (let i = 0; i < n; i++) { inner: for (let j = 0; ; j++) { if (j == i) continue outer; if (j > 3) break outer; if (j == 2) break inner; r = r + 1; } r = r + 100; } return r; }
function block(a) { let r = 0; out: { in1: { if (a == 1) break out; if (a == 2) break in1; r = r + 1; } r = r + 10; } return r + 100; }
function doWhile(n) { let i = 0, r = 0; do { i++; if (i == 2) continue; r = r * 10 + i; } while (i < n); return r; }
function logic(a, b, c) { return (a < b && b < c || !(a != c)) + (a < b ? 10 : 20) * (b < c ? 1 : 2); }
function logicInto(a, b) { a = a > 0 && b > a; return a; }
function sum20(a, b, c, d, e, f, g, h, i, j) { return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10; }
function callsSum(x) { return sum20(x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, x + 9); }
function twice(x) { return x * 2; }
function half(x) { return x / 2; }
function viaHandler(x) { return callReference(handler, x); }
function setHandler() { handler = functionReference(half); }
function viaZero() { return callReference(0, 1); }
function firstByte() { return load8(text, 0) + load8(text, 3); }
function cellIsTable() { return cell == table; }
function distinct() { store32(table, 0, 1); store32(other, 4092, 2); return load32(table, 0) + load32(other, 4092); }
function shifts(a, n) { return (a << n) + (a >> n) + (a << 33); }
function least(a, b) { return a / b; }
function leastRest(a, b) { return a % b; }
function literals() { return 2147483647 + 1 == -2147483648; }
function constantBranch() { if (1 < 2) { return 5; } return 6; }
${cases(300, i => `function chain${i}(x) { return ${i === 299 ? 'x' : `chain${i + 1}(x + 1)`}; }`)}
function nested(x) { let r = 0; ${'if (x > 0) { '.repeat(120)} r = 1; ${'} else { r = r + 2; }'.repeat(120)} return r; }
export { order, globalThenCall, both, shadow, early, even, callsNothing, mayTrap, defaultFirst, defaultMiddle, sparse, large,
  largeFalling, manyValues, switchInLoop, labels, block, doWhile, logic, logicInto, callsSum, viaHandler, setHandler, viaZero, firstByte,
  cellIsTable, distinct, shifts, least, leastRest, literals, constantBranch, chain0, nested };
`, 'load8', 'load32', 'store32', 'cstr', 'staticMemory', 'functionReference', 'callReference', 'trap')

for (const e of enginesOf(program)) {
  t.test(e.kind, async t => {
    const m = e.start()
    const same = (name: string, args: number[], expected: number): void => { t.equal(m.call(name, ...args), expected, `${name}(${args.join(', ')})`) }
    t.test('operands are evaluated from left to right', async () => {
      same('order', [], 123 * 100 + 7)
      same('globalThenCall', [], 15)
      same('both', [1], 1 + 5 + 5 + 6)
    })
    t.test('inner names hide outer ones', async () => same('shadow', [1], 12321))
    t.test('functions may stand after their callers, and call each other', async () => {
      same('early', [4], 9)
      same('even', [101], 0)
      same('chain0', [0], 299)
    })
    t.test('functions without a result', async t => {
      same('callsNothing', [7], 7)
      same('mayTrap', [3], 3)
      t.throws(() => m.call('mayTrap', 4), { message: 'trap' })
    })
    t.test('switches with a default that is not last', async () => {
      for (const [x, r] of [[0, 11], [1, 10], [2, 100]]) same('defaultFirst', [x!], r!)
      for (const [x, r] of [[1, 111], [2, 100], [3, 110]]) same('defaultMiddle', [x!], r!)
    })
    t.test('switches over far values, and over many', async () => {
      for (const [x, r] of [[-0x80000000, 1], [-1, 2], [0x7fffffff, 3], [0, 4]]) same('sparse', [x!], r!)
      for (const i of [0, 1, 199, 200, 201, 249, 250, 399]) same('large', [i * 3 - 700], i + 1)
      for (const x of [-701, -699, 498, 0x7fffffff]) same('large', [x], -1)
      for (const i of [0, 149, 150, 299, 300, 449]) same('largeFalling', [i], 150 - i % 150)
      for (const [x, r] of [[0, 1], [299, 1], [300, 0], [1000, 2], [1049, 2], [-1, 0]]) same('manyValues', [x!], r!)
    })
    t.test('jumps out of loops, switches and blocks', async () => {
      same('switchInLoop', [8], 2 * 1 + 2 * 10 + 6 * 100)
      same('labels', [10], 1 + 2 + 7 * 102)
      for (const [x, r] of [[1, 100], [2, 110], [3, 111]]) same('block', [x!], r!)
      same('doWhile', [4], 134)
      same('nested', [1], 1)
      same('nested', [0], 2)
    })
    t.test('conditions as values', async () => {
      same('logic', [1, 2, 3], 1 + 10)
      same('logic', [3, 2, 3], 1 + 20)
      same('logic', [3, 2, 1], 0 + 40)
      same('logicInto', [1, 2], 1)
      same('logicInto', [1, 1], 0)
    })
    t.test('ten parameters', async () => same('callsSum', [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].reduce((s, x) => s + x * x, 0)))
    t.test('function references', async t => {
      same('viaHandler', [21], 42)
      m.call('setHandler')
      same('viaHandler', [21], 10)
      t.throws(() => m.call('viaZero'), { message: 'no function at 0x00000000' })
    })
    t.test('strings and statics', async () => {
      same('firstByte', [], 97)
      same('cellIsTable', [], 1)
      same('distinct', [], 3)
    })
    t.test('shifts, division and numbers at the edge', async t => {
      same('shifts', [-5, 33], -10 + -3 + -10)
      same('least', [-0x80000000, -1], -0x80000000)
      same('leastRest', [-0x80000000, -1], 0)
      same('least', [-7, 2], -3)
      same('leastRest', [-7, 2], -1)
      t.throws(() => m.call('least', 1, 0), { message: 'division by zero' })
      t.throws(() => m.call('leastRest', 1, 0), { message: 'division by zero' })
      same('literals', [], 1)
      same('constantBranch', [], 5)
    })
    t.test('an instance is fresh', async t => {
      t.equal(m.call('callsNothing', 7), 7)
      t.equal(e.start().call('viaHandler', 21), 42)
    })
  })
}
