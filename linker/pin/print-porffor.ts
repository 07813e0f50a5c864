// A pinned program as the TypeScript that Porffor compiles right: docs/dialect.md, "The pinned form".
//
// Each function is an arrow function of i32s. Intrinsics and line markers go through as C text. Functions are not
// exported: an exported function is compiled at once, and its calls of functions further down come out as
// nothing at all (docs/porffor.md). One exported function at the end calls all that must be kept.

import type { ComparisonOperator, Operand, PinnedFunction, PinnedProgram, Statement } from './program.ts'

/** The function that keeps the others alive; the C step removes it. */
export const ROOTS = 'f_porphyry_roots'

export interface PrintOptions {
  /** Write line markers (the default). */
  readonly lines?: boolean
}

export function printPorffor(program: PinnedProgram, options: PrintOptions = {}): string {
  const printer = new Printer(options.lines ?? true, program.references)
  const globals = program.globals.map(each => `let ${each.name}: i32 = 0;\n`)
  const functions = program.functions.map(each => printer.function(each))
  return [...globals, ...functions, roots(program)].join('')
}

/** What C text an operand is: literals, locals, and the macros of linker/intrinsics for addresses. */
export function operandInC(operand: Operand, references: readonly string[]): string {
  switch (operand.kind) {
    case 'literal': return inC(operand.value)
    case 'local': return operand.name
    case 'static': return `STATIC(${operand.offset})`
    case 'string': return `STRING(${operand.offset})`
    case 'function': return `FUNCTION(${operand.name}, ${references.indexOf(operand.name)})`
    case 'symbol': return `SYMBOL(${operand.name})`
  }
}

/** C reads -2147483648 as minus a number that needs 64 bits. */
function inC(value: number): string {
  return value === -0x80000000 ? '(-2147483647 - 1)' : `${value}`
}

const OPERATORS: Record<ComparisonOperator, string> = { '==': '===', '!=': '!==', '<': '<', '<=': '<=', '>': '>', '>=': '>=' }

function roots(program: PinnedProgram): string {
  const kept = new Set([...program.exports.values(), ...program.references])
  const calls = program.functions.filter(each => kept.has(each.name))
    .map(each => `${each.name}(${each.parameters.map(() => '0').join(', ')});\n`)
  return `export const ${ROOTS} = (): void => {\n${calls.join('')}};\n`
}

class Printer {
  #out: string[] = []

  constructor(readonly lines: boolean, readonly references: readonly string[]) {}

  function(f: PinnedFunction): string {
    this.#out = []
    const parameters = f.parameters.map(each => `${each}: i32`).join(', ')
    this.#line(`const ${f.name} = (${parameters}): ${f.returnsValue ? 'i32' : 'void'} => {`)
    for (const each of f.locals) this.#line(`let ${each}: i32 = 0;`)
    this.#marker(f.position.file, f.position.line)
    this.#statements(f.body)
    if (f.returnsValue) this.#line('return 0;')
    this.#line('};')
    return this.#out.join('')
  }

  #line(text: string): void { this.#out.push(text, '\n') }

  #c(text: string): void { this.#line(`Porffor.c\`${text}\`;`) }

  #marker(file: string, line: number): void {
    if (this.lines) this.#line(`Porffor.c\`\n#line ${line} "${file}"\n\`;`)
  }

  #operand(operand: Operand): string {
    if (operand.kind === 'local') return operand.name
    if (operand.kind !== 'literal') throw new Error(`an address of a ${operand.kind} outside of C text`)
    return operand.value < 0 ? `(${operand.value})` : `${operand.value}`
  }

  #statements(body: readonly Statement[]): void { for (const each of body) this.#statement(each) }

  #statement(s: Statement): void {
    switch (s.op) {
      case 'at': return this.#marker(s.position.file, s.position.line)
      case 'copy':
        if (s.value.kind === 'literal' || s.value.kind === 'local') return this.#line(`${s.to} = ${this.#operand(s.value)};`)
        return this.#c(`${s.to} = ${operandInC(s.value, this.references)};`)
      case 'compute': return this.#line(`${s.to} = ${this.#operand(s.a)} ${s.operator} ${this.#operand(s.b)};`)
      case 'getGlobal': return this.#line(`${s.to} = ${s.global};`)
      case 'setGlobal': return this.#line(`${s.global} = ${this.#operand(s.value)};`)
      case 'call': return this.#line(`${into(s.to)}${s.name}(${s.args.map(each => this.#operand(each)).join(', ')});`)
      case 'intrinsic':
        return this.#c(`${into(s.to)}i_${s.name}(${s.args.map(each => operandInC(each, this.references)).join(', ')});`)
      case 'callReference': return this.#callReference(s.to, s.callee, s.args)
      case 'if': return this.#if(s)
      case 'loop': return this.#block(`${s.label}: while (true) {`, s.body)
      case 'switch': return this.#switch(s)
      case 'break': return this.#line(`break ${s.label};`)
      case 'continue': return this.#line(`continue ${s.label};`)
      case 'return': return this.#line(s.value === null ? 'return;' : `return ${this.#operand(s.value)};`)
    }
  }

  /** Each parameter is followed by a tag, which no pinned function looks at. */
  #callReference(to: string | null, callee: Operand, args: readonly Operand[]): void {
    const types = args.map(() => 'i32, i32').join(', ')
    const values = args.map(each => `${operandInC(each, this.references)}, 1`).join(', ')
    const result = to === null ? 'void' : 'i32'
    this.#c(`${into(to)}((${result} (*)(${types}))callee(${operandInC(callee, this.references)}))(${values});`)
  }

  #block(head: string, body: readonly Statement[]): void {
    this.#line(head)
    this.#statements(body)
    this.#line('}')
  }

  #if(s: Extract<Statement, { op: 'if' }>): void {
    this.#line(`if (${this.#operand(s.a)} ${OPERATORS[s.operator]} ${this.#operand(s.b)}) {`)
    this.#statements(s.then)
    this.#line('} else {')
    this.#statements(s.otherwise)
    this.#line('}')
  }

  #switch(s: Extract<Statement, { op: 'switch' }>): void {
    this.#line(`${s.label}: switch (${this.#operand(s.value)}) {`)
    for (const each of s.cases) {
      if (each.values === null) this.#block('default: {', each.body)
      else {
        for (const value of each.values.slice(0, -1)) this.#line(`case ${this.#operand({ kind: 'literal', value })}: {}`)
        this.#block(`case ${this.#operand({ kind: 'literal', value: each.values.at(-1)! })}: {`, each.body)
      }
    }
    this.#line('}')
  }
}

function into(to: string | null): string { return to === null ? '' : `${to} = ` }
