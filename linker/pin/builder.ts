// One function while it is being pinned: its statements so far, its locals, the scopes of its names, the loops
// around the place that is being pinned. No decision about any construct is made here.

import type { Expression, Node } from 'acorn'
import type { Constant, Constants } from './constants.ts'
import type { Module } from './module.ts'
import { local, type Operand, type Statement } from './program.ts'

/** What a name of the source stands for inside a function. */
export type Binding = { readonly kind: 'local', readonly name: string } | Constant

/** A loop, switch or labelled block around the current place. */
export interface Target {
  readonly label: string // in the pinned program
  readonly names: readonly string[] // its labels in the source
  readonly kind: 'loop' | 'switch' | 'block'
  /** What a `continue` does before it jumps; null for what is not a loop. */
  readonly next: (() => void) | null
}

/** What is shared by all functions of a program. */
export interface Context {
  readonly module: Module
  readonly constants: Constants
  functionName(local: string): string
  globalName(local: string): string
  /** Called when a function's address is taken, or a symbol's. */
  used(constant: Constant): void
}

export class Builder {
  readonly locals: string[] = []
  #statements: Statement[] = []
  #scopes: Map<string, Binding>[] = [new Map()]
  #targets: Target[] = []
  #next = 0
  #file = ''
  #line = 0

  constructor(readonly context: Context, readonly returnsValue: boolean) {}

  get module(): Module { return this.context.module }

  emit(statement: Statement): void { this.#statements.push(statement) }

  /** Statements that `make` emits, apart from the others. */
  collect(make: () => void): Statement[] {
    const before = this.#statements
    const own: Statement[] = []
    this.#statements = own
    this.#line = 0
    make()
    this.#statements = before
    this.#line = 0
    return own
  }

  /** From here on the code is that of `node`; a marker is emitted when its line is another than before. */
  at(node: Node): void {
    const position = this.module.locate(node)
    if (position.line === this.#line && position.file === this.#file) return
    this.#line = position.line
    this.#file = position.file
    this.emit({ op: 'at', position })
  }

  /** A local of the compiler's own. */
  temporary(): string {
    const name = `t${this.#next++}`
    this.locals.push(name)
    return name
  }

  /** A fresh local for a variable of the source. */
  variable(name: string): string {
    const own = `v${this.#next++}_${name.replace(/\W/g, '_')}`
    this.locals.push(own)
    return own
  }

  /** A label of the compiler's own. */
  label(): string { return `L${this.#next++}` }

  declare(name: string, binding: Binding): void { this.#scopes.at(-1)!.set(name, binding) }

  /** What `name` stands for in the innermost scope that declares it; undefined: not a local. */
  lookup(name: string): Binding | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]!.get(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  scoped(make: () => void): void {
    this.#scopes.push(new Map())
    make()
    this.#scopes.pop()
  }

  within(target: Target, make: () => void): void {
    this.#targets.push(target)
    make()
    this.#targets.pop()
  }

  /** Where `break` or `continue`, with a label or without, leads to. */
  target(node: Node, jump: 'break' | 'continue', label: string | null): Target {
    for (let i = this.#targets.length - 1; i >= 0; i--) {
      const each = this.#targets[i]!
      if (label !== null ? each.names.includes(label) : jump === 'continue' ? each.kind === 'loop' : each.kind !== 'block') {
        return each
      }
    }
    return this.module.refuse('PY2001', node, `${jump} outside of a loop`)
  }

  /** The operand, in a form that is not an address: Porffor's expressions take literals and locals only. */
  plain(operand: Operand): Operand {
    if (operand.kind === 'literal' || operand.kind === 'local') return operand
    const to = this.temporary()
    this.store(to, operand)
    return local(to)
  }

  /** to = value. Nothing if it is there already. */
  store(to: string, value: Operand): void {
    if (value.kind === 'local' && value.name === to) return
    if (value.kind === 'function' || value.kind === 'symbol') this.context.used(value)
    this.emit({ op: 'copy', to, value })
  }

  refuse(code: Parameters<Module['refuse']>[0], node: Node | Expression, detail: string): never {
    return this.module.refuse(code, node, detail)
  }
}
