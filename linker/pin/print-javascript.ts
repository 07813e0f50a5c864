// A pinned program as JavaScript for Node: one script whose value is a function that takes the host
// (linker/intrinsics/host.ts) and gives the exported functions. All state is inside, so that each call of it is
// a fresh instance.
//
// In the JavaScript every value is a number in the range of an i32: `|0` and Math.imul see to that.

import type { Operand, PinnedFunction, PinnedProgram, Statement } from './program.ts'

/** Addresses on the host, the same in both engines. */
export interface HostLayout {
  readonly strings: number // address of the block of strings
  readonly statics: number // address of the block of statics
  readonly end: number // first address after both
  readonly functions: number // address that stands for the first of `references`
  readonly functionStep: number
}

/** Kernel memory on the host begins here; its first 64 KiB are not mapped. */
export const HOST_KERNEL_BASE = 0x80000000
export const HOST_UNMAPPED = 0x10000

/** Where the host puts what a program brings with it. Function references are no addresses of memory there. */
export function hostLayout(program: PinnedProgram): HostLayout {
  const strings = HOST_KERNEL_BASE + HOST_UNMAPPED
  const alignment = program.staticsAlignment
  const statics = Math.ceil((strings + program.strings.length) / alignment) * alignment
  const end = Math.ceil((statics + program.staticsSize) / 16) * 16
  return { strings, statics, end, functions: 0xc0000000, functionStep: 16 }
}

export function printJavaScript(program: PinnedProgram): string {
  const printer = new Printer(program)
  const intrinsics = [...usedIntrinsics(program)].sort()
  const exports = [...program.exports].map(([name, own]) => `${JSON.stringify(name)}: ${own}`)
  return [
    '(function (host) {\n\'use strict\'\n',
    `const { ${[...intrinsics.map(each => `${each}: i_${each}`), 'callee'].join(', ')} } = host\n`,
    ...program.globals.map(each => `let ${each.name} = ${printer.operand(each.initial)}\n`),
    ...program.functions.map(each => printer.function(each)),
    `return { exports: { ${exports.join(', ')} }, references: [${program.references.join(', ')}] }\n})\n`,
  ].join('')
}

function usedIntrinsics(program: PinnedProgram): Set<string> {
  const names = new Set<string>()
  const visit = (body: readonly Statement[]): void => {
    for (const each of body) {
      if (each.op === 'intrinsic') names.add(each.name)
      if (each.op === 'if') [each.then, each.otherwise].forEach(visit)
      if (each.op === 'loop') visit(each.body)
      if (each.op === 'switch') each.cases.forEach(one => visit(one.body))
    }
  }
  for (const f of program.functions) visit(f.body)
  if (program.symbols.length > 0) names.add('linkerSymbol')
  return names
}

class Printer {
  #out: string[] = []
  #layout: HostLayout

  constructor(readonly program: PinnedProgram) { this.#layout = hostLayout(program) }

  function(f: PinnedFunction): string {
    this.#out = []
    this.#line(`function ${f.name}(${f.parameters.join(', ')}) { // ${f.position.file}:${f.position.line}`)
    if (f.locals.length > 0) this.#line(`let ${f.locals.map(each => `${each} = 0`).join(', ')}`)
    this.#statements(f.body)
    if (f.returnsValue) this.#line('return 0')
    this.#line('}')
    return this.#out.join('')
  }

  operand(operand: Operand): string {
    const layout = this.#layout
    switch (operand.kind) {
      case 'literal': return operand.value < 0 ? `(${operand.value})` : `${operand.value}`
      case 'local': return operand.name
      case 'static': return `${(layout.statics + operand.offset) | 0}`
      case 'string': return `${(layout.strings + operand.offset) | 0}`
      case 'function': return `${(layout.functions + layout.functionStep * this.program.references.indexOf(operand.name)) | 0}`
      case 'symbol': return 'i_linkerSymbol()'
    }
  }

  #line(text: string): void { this.#out.push(text, '\n') }

  #list(args: readonly Operand[]): string { return args.map(each => this.operand(each)).join(', ') }

  #statements(body: readonly Statement[]): void { for (const each of body) this.#statement(each) }

  #statement(s: Statement): void {
    switch (s.op) {
      case 'at': return this.#line(`// ${s.position.file}:${s.position.line}`)
      case 'copy': return this.#line(`${s.to} = ${this.operand(s.value)}`)
      case 'compute': {
        const [a, b] = [this.operand(s.a), this.operand(s.b)]
        return this.#line(`${s.to} = ${s.operator === '*' ? `Math.imul(${a}, ${b})` : `(${a} ${s.operator} ${b}) | 0`}`)
      }
      case 'getGlobal': return this.#line(`${s.to} = ${s.global}`)
      case 'setGlobal': return this.#line(`${s.global} = ${this.operand(s.value)}`)
      case 'call': return this.#line(`${into(s.to)}${s.name}(${this.#list(s.args)})`)
      case 'intrinsic': return this.#line(`${into(s.to)}i_${s.name}(${this.#list(s.args)})`)
      case 'callReference':
        return this.#line(`${into(s.to)}callee(${this.operand(s.callee)})(${this.#list(s.args)}) | 0`)
      case 'if': return this.#if(s)
      case 'loop': return this.#block(`${s.label}: while (true) {`, s.body)
      case 'switch': return this.#switch(s)
      case 'break': return this.#line(`break ${s.label}`)
      case 'continue': return this.#line(`continue ${s.label}`)
      case 'return': return this.#line(s.value === null ? 'return' : `return ${this.operand(s.value)}`)
    }
  }

  #block(head: string, body: readonly Statement[]): void {
    this.#line(head)
    this.#statements(body)
    this.#line('}')
  }

  #if(s: Extract<Statement, { op: 'if' }>): void {
    this.#line(`if (${this.operand(s.a)} ${s.operator} ${this.operand(s.b)}) {`)
    this.#statements(s.then)
    if (s.otherwise.length > 0) this.#line('} else {')
    this.#statements(s.otherwise)
    this.#line('}')
  }

  #switch(s: Extract<Statement, { op: 'switch' }>): void {
    this.#line(`${s.label}: switch (${this.operand(s.value)}) {`)
    for (const each of s.cases) {
      const heads = each.values === null ? ['default:'] : each.values.map(value => `case ${value}:`)
      this.#block(`${heads.join(' ')} {`, each.body)
    }
    this.#line('}')
  }
}

function into(to: string | null): string { return to === null ? '' : `${to} = ` }
