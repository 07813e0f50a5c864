// The C++ text of a program for one variant: types, what the program brings with it (statics, strings, initial
// values), the intrinsics of the variant, and the functions out of the compiler, static where nobody outside
// calls them.

import path from 'node:path'
import { ROOT } from './cache.ts'
import type { PinnedProgram } from './pin/program.ts'
import { hostLayout } from './pin/print-javascript.ts'
import { operandInC } from './pin/print-porffor.ts'

/** `bench` is the kernel's code in a Linux program, see linker/object.ts. */
export type Variant = 'kernel' | 'host' | 'bench'

const TYPES = `typedef unsigned char u8; typedef unsigned short u16; typedef unsigned u32; typedef unsigned long u64;
typedef signed char i8; typedef short i16; typedef int i32; typedef long i64;
`

/** Only data that the assembler lays out refers to it. */
const USED = '__attribute__((used)) '

/** Functions that never return and are called from everywhere: out of line, off the hot path, and each call kept
 *  apart, so that the return address says which one it was. */
const LAST_CALLS = new Set(['f_panic'])
const LAST_CALL = '__attribute__((noinline, cold, nomerge)) '

/** Intrinsics headers, from which a stage's key is made too. */
export const HEADERS = ['linker/intrinsics/common.h', 'linker/intrinsics/kernel.h', 'linker/intrinsics/host.h']

/** `compiled`: what compileToC made of the program. */
export function programInC(program: PinnedProgram, compiled: string, variant: Variant): string {
  const header = variant === 'host' ? 'host.h' : 'kernel.h'
  return [
    TYPES,
    variant === 'host' ? hostBlocks(program) : kernelBlocks(program),
    `#include "${header}"\n`,
    prototypes(program),
    ...program.symbols.map(each => `extern char ${each}[];\n`),
    functions(program, compiled, variant),
    variant === 'host' ? hostTables(program) : '',
  ].join('')
}

/** Directory that the generated text's #include is relative to. */
export const INCLUDE_DIRECTORY = path.join(ROOT, 'linker', 'intrinsics')

function kernelBlocks(program: PinnedProgram): string {
  const size = Math.max(program.staticsSize, 1)
  return `extern "C" {
__attribute__((used, aligned(${program.staticsAlignment}))) static u8 porphyry_statics[${size}] ${plainName('porphyry_statics')};
__attribute__((used)) static const u8 porphyry_strings[] ${plainName('porphyry_strings')} =
  ${bytesInC(program.strings)};
}\n`
}

function hostBlocks(program: PinnedProgram): string {
  const layout = hostLayout(program)
  return `#define PORPHYRY_STATICS ${layout.statics}u\n#define PORPHYRY_STRINGS ${layout.strings}u\n`
}

/** Bytes as a C string literal, cut after each zero byte. */
function bytesInC(bytes: Uint8Array): string {
  let text = '"'
  for (const byte of bytes) {
    const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
    if (byte === 0) text += '"\n"'
  }
  return `${text}"`
}

/** Each parameter is a value and a tag. */
function prototypes(program: PinnedProgram): string {
  const exported = new Set(program.exports.values())
  const lines = program.functions.filter(each => exported.has(each.name)).map(each => {
    const parameters = each.parameters.map(() => 'i32, i32').join(', ')
    return `${each.returnsValue ? 'i32' : 'void'} ${each.name}(${parameters});\n`
  })
  return `extern "C" {\n${lines.join('')}}\n`
}

/** The compiler's text with `static` before what is not exported, and the globals' initial values. */
function functions(program: PinnedProgram, compiled: string, variant: Variant): string {
  const exported = new Set(program.exports.values())
  const inData = new Set(program.globals.map(each => each.initial.kind === 'function' ? each.initial.name : ''))
  const name = String.raw`(?<type>i32|void) (?<name>f_\w+|g_\w+)`
  const declaration = new RegExp(`^${name}(?:(?<parameters>\\(.*\\))(?<end>;| \\{)| = 0;)$`, 'gm')
  const text = compiled.replace(declaration, (whole: string, ...rest: unknown[]) => {
    const found = rest.at(-1) as { type: string, name: string, parameters?: string, end?: string }
    if (found.parameters === undefined) return globalInC(program, found.name, variant)
    const last = LAST_CALLS.has(found.name) ? LAST_CALL : ''
    if (exported.has(found.name)) return last + whole
    const used = inData.has(found.name) ? USED : ''
    const symbol = found.end === ';' ? ` ${plainName(found.name)}` : ''
    return `${last}${used}static ${found.type} ${found.name}${found.parameters}${symbol}${found.end}`
  })
  return `extern "C" {\n${text}}\n`
}

/** C++ gives internal names a form of its own, which backtraces would show. */
function plainName(name: string): string { return `__asm__("${name}")` }

function globalInC(program: PinnedProgram, name: string, variant: Variant): string {
  const initial = program.globals.find(each => each.name === name)?.initial
  if (initial === undefined) throw new Error(`the compiler made a global ${name} that the program does not have`)
  if (initial.kind !== 'literal' && variant !== 'host') return addressGlobal(name, operandAsSymbol(initial))
  return `static i32 ${name} ${plainName(name)} = ${operandInC(initial, program.references)};`
}

/**
 * A variable that begins with an address: C++ would compute it in a constructor that nobody runs. The linker
 * writes it instead; 2^32 is added since the field takes unsigned values, and addresses are at the top.
 */
function addressGlobal(name: string, symbol: string): string {
  return `extern i32 ${name}; __asm__(".pushsection .data\\n.balign 4\\n${name}: .long ${symbol} + 0x100000000\\n.popsection");`
}

function operandAsSymbol(initial: PinnedProgram['globals'][number]['initial']): string {
  switch (initial.kind) {
    case 'static': return `porphyry_statics + ${initial.offset}`
    case 'string': return `porphyry_strings + ${initial.offset}`
    case 'function': case 'symbol': return initial.name
    case 'literal': return String(initial.value)
  }
}

/** What test/native/glue.cc finds a host program by. */
function hostTables(program: PinnedProgram): string {
  const layout = hostLayout(program)
  const byName = new Map(program.functions.map(each => [each.name, each]))
  const thunks = [...program.exports].map(([exported, name]) => {
    const f = byName.get(name)!
    const args = f.parameters.map((_, i) => `a[${i}], 1`).join(', ')
    const body = f.returnsValue ? `return ${name}(${args});` : `${name}(${args}); return 0;`
    return { exported, arity: f.parameters.length, thunk: `[](const i32 *a) -> i32 { (void)a; ${body} }` }
  })
  const references = program.references.map(each => `(void *)${each}`).join(', ')
  return `extern "C" {
void *const porphyry_references[] = { ${references || '(void *)0'} };
const u32 porphyry_reference_count = ${program.references.length};
struct PorphyryExport { const char *name; u32 arity; i32 (*call)(const i32 *); };
PorphyryExport porphyry_exports[] = {
${thunks.map(each => `  { "${each.exported}", ${each.arity}, ${each.thunk} },\n`).join('')}  { 0, 0, 0 } };
u8 porphyry_string_bytes[] = ${bytesInC(program.strings)};
u32 porphyry_string_size = ${program.strings.length};
u32 porphyry_string_address = ${layout.strings}u;
u32 porphyry_end = ${layout.end}u;
}
`
}
