// The kernel's object: TypeScript lines, plain names, initial values that are addresses, nothing of floating point.

import { execFileSync } from 'node:child_process'
import t from 'tap'
import { compileToC } from '../../../linker/compile.ts'
import { assemblyOf, compileObject, objectOf, refuseFloatingPoint } from '../../../linker/object.ts'
import { printPorffor } from '../../../linker/pin/index.ts'
import { pinText } from '../../pinned.ts'

const program = pinText(`
let count = 7, handler = functionReference(inner), text = cstr('abc'), place = table, end = linkerSymbol('kernel_end');
const table = staticMemory(64, 64);
function outer(p) {
  store32(table, 4, p);
  count = count + load32(p, 8);
  text = text + 1; place = place + 1; end = end + 1;
  return callReference(handler, p) + text + place + end + inner(count);
}
function inner(x) {
  handler = functionReference(inner);
  return x > 1 ? inner(x - 1) * 2 + inner(x - 2) : 1;
}
export { outer as entry };`, 'load32', 'store32', 'functionReference', 'callReference', 'cstr', 'staticMemory', 'linkerSymbol')
const compiled = compileToC(printPorffor(program))
const object = compileObject(program, compiled, 'kernel')
const assembly = assemblyOf(object)

t.test('lines are those of the source, those of intrinsics too', async t => {
  const lines = new Set([...assembly.matchAll(/^; .*?([\w.]+):(\d+)$/gm)].map(each => `${each[1]}:${each[2]}`))
  for (const line of [5, 6, 7, 8, 11, 12]) t.ok(lines.has(`bundle.js:${line}`), `line ${line}`)
  t.same([...lines].filter(each => !each.startsWith('bundle.js')), [])
})

t.test('names are plain; exports are global and the rest is not', async t => {
  const symbols = execFileSync('nm', [object], { encoding: 'utf8' }).split('\n').map(each => each.slice(17))
  for (const each of ['T f_entry', 't f_inner', 'b porphyry_statics', 'r porphyry_strings', 'd g_count', 'U kernel_end']) {
    t.ok(symbols.includes(each), each)
  }
  t.notOk(symbols.some(each => /_Z|main|roots/.test(each)), 'nothing of Porffor is left')
})

t.test('a static is addressed directly, and a variable begins with its address', async t => {
  t.match(assembly, /movl\s+%edi, \(%rip\)|movl\s+%edi, 0x0/)
  const relocations = execFileSync('llvm-objdump-19', ['--reloc', object], { encoding: 'utf8' })
  for (const each of ['.text', '.rodata', '.bss', 'kernel_end']) {
    t.match(relocations, new RegExp(`R_X86_64_32 +\\S*${each.replace('.', '\\.')}\\S*\\+0x100000000`), each)
  }
})

t.test('floating point is found', async t => {
  t.doesNotThrow(() => refuseFloatingPoint(object))
  t.throws(() => refuseFloatingPoint(objectOf('extern "C" double f(double a) { return a * 2; }', 'host')), { message: /floating point in the kernel/ })
  t.throws(() => refuseFloatingPoint(objectOf('extern "C" long double f(long double a) { return a * 2; }', 'host')))
})

t.test('the same program gives the same bytes', async t => {
  const again = pinText('function f(a) { return a + 1; } export { f };')
  const [a, b] = [0, 1].map(() => compileObject(again, compileToC(printPorffor(again)), 'kernel'))
  t.equal(a, b)
  t.notMatch(execFileSync('strings', ['-a', object], { encoding: 'utf8' }), process.cwd(), 'and none of this place')
})
