// Random expressions over what is in scope. `depth` bounds the tree.

import {
  CELL_FIELDS, FRAME_FIELDS,
  type ArithmeticOperator, type ComparisonOperator, type Condition, type Expression, type FunctionOf, type Place, type Sign,
  type Statement, type Target,
} from './program.ts'
import type { Random } from './random.ts'

const NUMBERS: Record<Sign, readonly number[]> = {
  u32: [0, 1, 2, 3, 5, 7, 31, 32, 33, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678, 1000003],
  i32: [0, 1, -1, 2, -2, 3, 7, 31, 32, 255, -256, 65536, 0x7fffffff, -0x80000000, 0x12345678, -1000003],
}
const FREE: readonly ArithmeticOperator[] = ['+', '-', '*', '&', '|', '^']
const COMPARISONS: readonly ComparisonOperator[] = ['==', '!=', '<', '<=', '>', '>=']
const INTRINSICS: readonly (readonly [string, number])[] = [
  ['addEndAround', 2], ['multiplyHigh', 2], ['countLeadingZeros', 1], ['countTrailingZeros', 1], ['populationCount', 1],
  ['rotateLeft', 2], ['byteSwap32', 1],
]

interface Scope {
  readonly own: Map<string, Sign>
  readonly assignable: Set<string>
  readonly touched: Set<string> // names used in here so far, whatever they referred to
}

export class Expressions {
  readonly constants: { readonly name: string, readonly sign: Sign }[] = []
  readonly globals: { readonly name: string, readonly sign: Sign }[] = []
  readonly callable: FunctionOf[] = []
  readonly recursive: string[] = []
  references = false
  #scopes: Scope[] = []

  constructor(readonly random: Random) {}

  open(own: Map<string, Sign>, assignable = true): void {
    this.#scopes.push({ own: new Map(own), assignable: new Set(assignable ? own.keys() : []), touched: new Set() })
  }

  close(): void { this.#scopes.pop() }

  declare(name: string, sign: Sign, assignable: boolean): void {
    const scope = this.#scopes.at(-1)!
    scope.own.set(name, sign)
    if (assignable) scope.assignable.add(name)
  }

  /** A name that the innermost block neither declares nor has used; at the top of a function no parameter's. */
  freeName(names: readonly string[]): string | null {
    const { own, touched } = this.#scopes.at(-1)!
    const free = names.filter(each => !own.has(each) && !touched.has(each))
    return free.length === 0 ? null : this.random.pick(free)
  }

  /** `ga` or `gb` combined with a local; null if both are shadowed here. */
  use(name: string, sign: Sign): Statement | null {
    const global = sign === 'u32' ? 'ga' : 'gb'
    const into = this.#resolve(global) === 'global' ? global : null
    if (into === null || name === global) return { kind: 'if', test: this.#isOdd(name, sign), then: [], otherwise: null }
    this.#touch(global)
    this.#touch(name)
    const value: Expression = { kind: 'read', sign, target: { kind: 'local', name, sign } }
    return { kind: 'assign', target: { kind: 'global', name: into, sign }, operator: '^', value }
  }

  #isOdd(name: string, sign: Sign): Condition {
    this.#touch(name)
    const a: Expression = { kind: 'read', sign, target: { kind: 'local', name, sign } }
    const one: Expression = { kind: 'literal', sign, value: 1 }
    return { kind: 'compare', operator: '==', a: { kind: 'binary', sign, operator: '&', a, b: one }, b: one }
  }

  #resolve(name: string): 'local' | 'global' {
    return this.#scopes.some(each => each.own.has(name)) ? 'local' : 'global'
  }

  #touch(name: string): void { for (const each of this.#scopes) each.touched.add(name) }

  #visible(): Map<string, { sign: Sign, assignable: boolean }> {
    const all = new Map<string, { sign: Sign, assignable: boolean }>()
    for (const { own, assignable } of this.#scopes) {
      for (const [name, sign] of own) all.set(name, { sign, assignable: assignable.has(name) })
    }
    return all
  }

  /** Something that can be assigned to. */
  target(): Target {
    const { random } = this
    const locals = [...this.#visible()].filter(([, each]) => each.assignable)
    const kind = random.below(6)
    if (kind < 2 && locals.length > 0) {
      const [name, { sign }] = random.pick(locals)
      this.#touch(name)
      return { kind: 'local', name, sign }
    }
    if (kind < 4) return this.#global(random.pick(this.globals)) ?? this.#frame()
    return kind === 4 ? this.#frame() : this.#cell(1)
  }

  /** A local or a global: an assignment to a field is a statement only. */
  #variable(sign: Sign): Target | null {
    const locals = [...this.#visible()].filter(([, each]) => each.assignable && each.sign === sign)
    if (locals.length > 0 && this.random.once(2)) {
      const [name] = this.random.pick(locals)
      this.#touch(name)
      return { kind: 'local', name, sign }
    }
    return this.#global(this.random.pick(this.globals.filter(each => each.sign === sign)))
  }

  #global({ name, sign }: { name: string, sign: Sign }): Target | null {
    if (this.#resolve(name) === 'local') return null
    this.#touch(name)
    return { kind: 'global', name, sign }
  }

  #frame(): Target {
    const field = this.random.pick(FRAME_FIELDS)
    return { kind: 'frame', field, sign: field.sign }
  }

  #cell(depth: number): Target {
    const field = this.random.pick(CELL_FIELDS)
    return { kind: 'cell', place: this.place(depth), field, sign: field.sign }
  }

  place(depth: number): Place {
    const kind = this.random.below(3)
    if (kind === 0) return { kind: 'static' }
    if (kind === 1) return { kind: 'inner' }
    const three: Expression = { kind: 'literal', sign: 'u32', value: 3 }
    return { kind: 'row', index: { kind: 'binary', sign: 'u32', operator: '%', a: this.#spelled('u32', depth), b: three } }
  }

  assignmentOperator(sign: Sign): ArithmeticOperator | null {
    if (this.random.once(2)) return null
    const all: ArithmeticOperator[] = [...FREE, '<<', '>>', '/', '%']
    if (sign === 'u32') all.push('>>>')
    return this.random.pick(all)
  }

  /** What stands to the right of an operator, or of an assignment with it. */
  right(operator: ArithmeticOperator | null, sign: Sign, depth: number): Expression {
    if (operator === '<<' || operator === '>>' || operator === '>>>') return this.#spelled(this.random.pick(['u32', 'i32']), depth)
    if (operator !== '/' && operator !== '%') return this.expression(sign, depth)
    if (this.random.once(12)) return this.#spelled(sign, depth) // may be zero
    const one: Expression = { kind: 'literal', sign, value: 1 }
    return { kind: 'binary', sign, operator: '|', a: this.#spelled(sign, depth), b: one }
  }

  /** The value of an assignment statement; a field takes no number that does not fit it. */
  assigned(operator: ArithmeticOperator | null, target: Target): Expression {
    const value = this.right(operator, target.sign, 3)
    return target.kind === 'cell' || target.kind === 'frame' ? isSpelled(value) ? value : this.#read(target.sign) : value
  }

  expression(sign: Sign, depth: number): Expression {
    const { random } = this
    if (depth <= 0 || random.once(5)) return this.#simple(sign)
    switch (random.below(13)) {
      case 0: return { kind: 'unary', sign, operator: random.pick(['-', '~']), a: this.#spelled(sign, depth - 1) }
      case 1: return { kind: 'choice', sign, test: this.condition(depth - 1), yes: this.#spelled(sign, depth - 1), no: this.#spelled(sign, depth - 1) }
      case 2: return { kind: 'convert', sign, a: this.#spelled(sign === 'u32' ? 'i32' : 'u32', depth - 1) }
      case 3: case 4: return this.#call(sign, depth) ?? this.#simple(sign)
      case 5: return this.#intrinsic(sign, depth)
      case 6: return this.#assignment(sign, depth) ?? this.#simple(sign)
      case 7: case 8: return this.#signed(sign, depth)
      default: {
        const a = this.expression(sign, depth - 1)
        // Literals alone would have the sign of their value.
        const b = isSpelled(a) ? this.expression(sign, depth - 1) : this.#spelled(sign, depth - 1)
        return { kind: 'binary', sign, operator: random.pick(FREE), a, b }
      }
    }
  }

  /** An operator that goes by the sign. */
  #signed(sign: Sign, depth: number): Expression {
    const operators: ArithmeticOperator[] = ['/', '%', '<<', '>>']
    if (sign === 'u32') operators.push('>>>')
    const operator = this.random.pick(operators)
    const a = this.#spelled(sign, depth - 1)
    return { kind: 'binary', sign, operator, a, b: this.right(operator, sign, depth - 1) }
  }

  #simple(sign: Sign): Expression {
    const { random } = this
    const constants = this.constants.filter(each => each.sign === sign)
    if (constants.length > 0 && random.once(8)) return { kind: 'constant', sign, name: random.pick(constants).name }
    return random.once(3) ? { kind: 'literal', sign, value: random.pick(NUMBERS[sign]) } : this.#read(sign)
  }

  #read(sign: Sign): Expression {
    const { random } = this
    const locals = [...this.#visible()].filter(([, each]) => each.sign === sign)
    if (locals.length > 0 && !random.once(3)) {
      const [name] = random.pick(locals)
      this.#touch(name)
      return { kind: 'read', sign, target: { kind: 'local', name, sign } }
    }
    const global = this.#global(random.pick(this.globals.filter(each => each.sign === sign)))
    if (global !== null && random.once(2)) return { kind: 'read', sign, target: global }
    const frame = FRAME_FIELDS.filter(each => each.sign === sign)
    if (random.once(2)) return { kind: 'read', sign, target: { kind: 'frame', field: random.pick(frame), sign } }
    const cell = CELL_FIELDS.filter(each => each.sign === sign)
    return { kind: 'read', sign, target: { kind: 'cell', place: this.place(0), field: random.pick(cell), sign } }
  }

  /** An expression that is not all literals: its sign is spelled somewhere. */
  #spelled(sign: Sign, depth: number): Expression {
    const e = this.expression(sign, depth)
    return isSpelled(e) ? e : this.#read(sign)
  }

  #call(sign: Sign, depth: number): Expression | null {
    const { random } = this
    const kind = random.below(sign === 'u32' ? 5 : 1)
    if (kind === 1 && this.references) {
      return { kind: 'callReference', sign, through: random.pick(['global', 'cell']), args: [this.expression('u32', depth - 1), this.expression('u32', depth - 1)] }
    }
    if (kind === 2 && this.recursive.length > 0) {
      const count: Expression = { kind: 'literal', sign, value: random.below(6) }
      return { kind: 'call', sign, name: random.pick(this.recursive), args: [count, this.expression('u32', depth - 1)] }
    }
    if (kind === 3) return { kind: 'total', sign, place: this.place(depth - 1) }
    if (kind === 4) return { kind: 'bump', sign, place: this.place(depth - 1), by: this.expression('u32', depth - 1) }
    const fitting = this.callable.filter(each => each.sign === sign)
    if (fitting.length === 0) return null
    const f = random.pick(fitting)
    return { kind: 'call', sign, name: f.name, args: f.parameters.map(each => this.expression(each.sign, depth - 1)) }
  }

  #intrinsic(sign: Sign, depth: number): Expression {
    const [name, arity] = this.random.pick(INTRINSICS)
    const args = Array.from({ length: arity }, () => this.expression('u32', depth - 1))
    const call: Expression = { kind: 'intrinsic', sign: 'u32', name, args }
    return sign === 'u32' ? call : { kind: 'convert', sign, a: call }
  }

  #assignment(sign: Sign, depth: number): Expression | null {
    const target = this.#variable(sign)
    if (target === null) return null
    if (this.random.once(2)) return { kind: 'step', sign, target, by: this.random.pick([1, -1]), prefix: this.random.once(2) }
    const operator = this.assignmentOperator(sign)
    return { kind: 'assign', sign, target, operator, value: this.right(operator, sign, depth - 1) }
  }

  condition(depth: number): Condition {
    const { random } = this
    const kind = depth <= 0 ? 9 : random.below(8)
    if (kind < 2) return { kind: kind === 0 ? 'and' : 'or', a: this.condition(depth - 1), b: this.condition(depth - 1) }
    if (kind === 2) return { kind: 'not', a: this.condition(depth - 1) }
    if (kind === 3) return { kind: 'flag', place: this.place(0) }
    const sign: Sign = random.once(2) ? 'u32' : 'i32'
    const operator = random.pick(COMPARISONS)
    const a = this.#spelled(sign, depth)
    if (random.once(3)) {
      const value = random.pick(NUMBERS[sign])
      const always = sign === 'u32' && value === 0 && (operator === '<' || operator === '>=')
      return { kind: 'compare', operator, a: this.#unnamed(a), b: { kind: 'literal', sign, value: always ? 1 : value } }
    }
    return { kind: 'compare', operator, a, b: this.#spelled(sign, depth) }
  }

  /** A comparison of a variable with a literal would narrow its type, and the next one be an error. */
  #unnamed(e: Expression): Expression {
    if (e.kind !== 'read') return e
    return { kind: 'binary', sign: e.sign, operator: '^', a: e, b: { kind: 'literal', sign: e.sign, value: this.random.below(3) } }
  }

  /** A value that a switch has cases for. */
  switched(): Expression {
    const sign: Sign = this.random.once(2) ? 'u32' : 'i32'
    const mask: Expression = { kind: 'literal', sign, value: 7 }
    return { kind: 'binary', sign, operator: this.random.pick(['&', '%']), a: this.#spelled(sign, 2), b: mask }
  }

  /** A call, an assignment or a step: what may stand as a statement. */
  withEffect(): Expression {
    for (let tries = 0; tries < 10; tries += 1) {
      const sign: Sign = this.random.once(2) ? 'u32' : 'i32'
      const e = this.random.once(2) ? this.#call(sign, 2) : this.#assignment(sign, 2)
      if (e !== null && e.kind !== 'total') return e
    }
    return { kind: 'bump', sign: 'u32', place: { kind: 'inner' }, by: { kind: 'literal', sign: 'u32', value: 1 } }
  }

  /** An expression of literals only. */
  constant(sign: Sign, depth: number): Expression {
    const { random } = this
    if (depth === 0 || random.once(3)) return { kind: 'literal', sign, value: random.pick(NUMBERS[sign]) }
    return { kind: 'binary', sign, operator: random.pick(FREE), a: this.constant(sign, depth - 1), b: this.constant(sign, depth - 1) }
  }
}

/** Whether something in `e` has a declared sign: what is all literals has the sign of its value. */
export function isSpelled(e: Expression): boolean {
  switch (e.kind) {
    case 'literal': case 'constant': return false
    case 'binary': return e.operator === '<<' || e.operator === '>>' ? isSpelled(e.a) : isSpelled(e.a) || isSpelled(e.b)
    case 'unary': return isSpelled(e.a)
    case 'assign': return e.operator !== null || isSpelled(e.value) // its type is the value's
    case 'choice': return isSpelled(e.yes) || isSpelled(e.no)
    default: return true
  }
}
