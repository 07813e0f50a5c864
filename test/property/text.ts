// A random program as source in the dialect. Statements end in `;`: TypeScript reads `x = (y = z)` and a block after it
// as the beginning of an arrow function.

import {
  CELL_FIELDS, FRAME_FIELDS,
  type Condition, type Expression, type FunctionOf, type Place, type ProgramOf, type Recursion, type Statement, type Target,
} from './program.ts'

/** The module of a program: exports `run(a, b)`, and `state(i)` for every variable and field. */
export function programText(program: ProgramOf, layout: string, intrinsics: string): string {
  return [
    `import { addEndAround, byteSwap32, countLeadingZeros, countTrailingZeros, multiplyHigh, populationCount, rotateLeft } from '${intrinsics}'
import { nth, staticStruct, struct, wire, type Be, type Embed, type Le, type Row, type Stored, type bool, type i16, type i32, type i8, type u16, type u32, type u8 } from '${layout}'

type Action = (a: u32, b: u32) => u32

@struct
class Cell {
  wide: u32
  signed: i32
  action: Action
  half: u16
  signedHalf: i16
  byte: u8
  signedByte: i8
  flag: Stored<u8, bool>
  reserved: u8
  get total(): u32 { return this.wide + this.half * 3 }
  bump(by: u32): u32 { this.wide += by; this.byte += 1; return this.wide }
}

@struct
class Outer {
  inner: Embed<Cell>
  row: Row<Cell, 3>
}

@wire(17)
class Frame {
${FRAME_FIELDS.map(each => `  ${each.name}: ${each.type}\n`).join('')}}

const cell = staticStruct<Cell>()
const outer = staticStruct<Outer>()
const frame = staticStruct<Frame>()
`,
    ...program.constants.map(each => `export const ${each.name}: ${each.sign} = ${expression(each.value)}\n`),
    ...program.globals.map(each => `export let ${each.name}: ${each.sign} = ${each.initial}\n`),
    `export let reference: Action = ${program.leaves[0]!.name}\n`,
    ...program.functions.map(functionText),
    ...program.recursions.map(recursionText),
    ...program.leaves.map(functionText),
    entry(program),
    keepImports(),
  ].join('')
}

function keepImports(): string {
  return `export function imported(x: u32): u32 {
  return byteSwap32(x) ^ countLeadingZeros(x) ^ countTrailingZeros(x) ^ multiplyHigh(x, 3) ^ populationCount(x)
    ^ rotateLeft(x, 1) ^ addEndAround(x, 1) ^ nth(outer.row, 1).wide
}\n`
}

function entry(program: ProgramOf): string {
  const { name } = program.functions.at(-1)!
  const cells = ['cell', 'outer.inner', ...[0, 1, 2].map(each => `nth(outer.row, ${each})`)]
  const values = [
    ...program.globals.map(each => each.name),
    ...cells.flatMap(each => [...CELL_FIELDS.map(field => `${each}.${field.name}`), `(${each}.flag ? 1 : 0)`]),
    ...FRAME_FIELDS.map(each => `frame.${each.name}`),
  ]
  return `export function run(a: u32, b: u32): u32 {
  cell.action = ${program.leaves.at(-1)!.name}
  return ${name}(a, b) as number as u32
}
export function state(i: u32): u32 {
  switch (i) {
${values.map((each, i) => `    case ${i}: return ${each} as number as u32\n`).join('')}    default: return 0
  }
}
`
}

function recursionText({ name, other, step, end }: Recursion): string {
  return `export function ${name}(count: u32, x: u32): u32 {
  if (count == 0) return x + ${end}
  return ${other}(count - 1, ${expression(step)})
}
`
}

function functionText(f: FunctionOf): string {
  const parameters = f.parameters.map(each => `${each.name}: ${each.sign}`).join(', ')
  return `export function ${f.name}(${parameters}): ${f.sign} {\n${statements(f.body, '  ')}}\n`
}

function place(p: Place): string {
  return p.kind === 'static' ? 'cell' : p.kind === 'inner' ? 'outer.inner' : `nth(outer.row, ${expression(p.index)})`
}

function target(t: Target): string {
  return t.kind === 'cell' ? `${place(t.place)}.${t.field.name}` : t.kind === 'frame' ? `frame.${t.field.name}` : t.name
}

export function expression(e: Expression): string {
  switch (e.kind) {
    case 'literal': return e.value < 0 ? `(${e.value})` : `${e.value}`
    case 'constant': return e.name
    case 'read': return target(e.target)
    case 'binary': return `(${expression(e.a)} ${e.operator} ${rightOf(e.operator, e.b)})`
    case 'unary': return `(${e.operator}${expression(e.a)})`
    case 'choice': return `(${condition(e.test)} ? (${expression(e.yes)}) : ${expression(e.no)})`
    case 'convert': return `(${expression(e.a)} as number as ${e.sign})`
    case 'call': case 'intrinsic': return `${e.name}(${e.args.map(expression).join(', ')})`
    case 'callReference':
      return `${e.through === 'global' ? 'reference' : 'cell.action'}(${e.args.map(expression).join(', ')})`
    case 'total': return `${place(e.place)}.total`
    case 'bump': return `${place(e.place)}.bump(${expression(e.by)})`
    case 'assign': return `(${target(e.target)} ${e.operator ?? ''}= ${expression(e.value)})`
    case 'step': {
      const operator = e.by === 1 ? '++' : '--'
      return e.prefix ? `(${operator}${target(e.target)})` : `(${target(e.target)}${operator})`
    }
  }
}

/** TypeScript reads `x < (y) > (z)` as a call with type arguments; `0 + y` is no type. */
function rightOf(operator: string, e: Expression): string {
  const text = expression(e)
  return operator.startsWith('<') && e.kind !== 'literal' ? `(0 + ${text})` : text
}

function condition(c: Condition): string {
  switch (c.kind) {
    case 'compare': return `${expression(c.a)} ${c.operator} ${rightOf(c.operator, c.b)}`
    case 'and': return `(${condition(c.a)} && ${condition(c.b)})`
    case 'or': return `(${condition(c.a)} || ${condition(c.b)})`
    case 'not': return `!(${condition(c.a)})`
    case 'flag': return `${place(c.place)}.flag`
  }
}

function statements(body: readonly Statement[], indent: string): string {
  return body.map(each => statement(each, indent)).join('')
}

function statement(s: Statement, indent: string): string {
  const inner = `${indent}  `
  const block = (body: readonly Statement[]): string => `{\n${statements(body, inner)}${indent}}`
  switch (s.kind) {
    case 'declare': return `${indent}${s.constant ? 'const' : 'let'} ${s.name}: ${s.spelled} = ${expression(s.value)};\n`
    case 'assign': return `${indent}${target(s.target)} ${s.operator ?? ''}= ${expression(s.value)};\n`
    case 'setFlag': return `${indent}${place(s.place)}.flag = ${condition(s.value)};\n`
    case 'setReference': return `${indent}${s.through === 'global' ? 'reference' : 'cell.action'} = ${s.name};\n`
    case 'evaluate': return `${indent}${expression(s.value).replace(/^\((.*)\)$/, '$1')};\n`
    case 'if': return `${indent}if (${condition(s.test)}) ${block(s.then)}${s.otherwise === null ? '' : ` else ${block(s.otherwise)}`}\n`
    case 'block': return `${indent}${block(s.body)}\n`
    case 'for': {
      const label = s.label === null ? '' : `${s.label}: `
      return `${indent}${label}for (let ${s.name}: u32 = 0; ${s.name} < ${s.limit}; ${s.name}++) ${block(s.body)}\n`
    }
    case 'while': return whileText(s, indent)
    case 'switch': return `${indent}switch (${expression(s.value)}) {\n${s.cases.map(each => {
      const heads = each.values.map(value => value === null ? 'default:' : `case ${value}:`).join(' ')
      return `${inner}${heads} {\n${statements(each.body, `${inner}  `)}${inner}}\n`
    }).join('')}${indent}}\n`
    case 'break': case 'continue': return `${indent}${s.kind}${s.label === null ? '' : ` ${s.label}`}\n`
    case 'return': return `${indent}return ${expression(s.value)}\n`
  }
}

/** The counter stands before the loop, in a block of its own, and counts at the head of the body. */
function whileText(s: Extract<Statement, { kind: 'while' }>, indent: string): string {
  const label = s.label === null ? '' : `${s.label}: `
  const test = `${s.name} < ${s.limit} && ${condition(s.test)}`
  const body = `{\n${indent}    ${s.name} += 1\n${statements(s.body, `${indent}    `)}${indent}  }`
  const loop = s.first ? `${label}while (${test}) ${body}` : `${label}do ${body} while (${test})`
  return `${indent}{\n${indent}  let ${s.name}: u32 = 0\n${indent}  ${loop}\n${indent}}\n`
}
