// What is known at compile time: numbers with i32 meaning, and addresses of statics, strings, functions and
// symbols. Used for initialisers of globals and, operation by operation, while functions are pinned.

import type { CallExpression, Expression, Node } from 'acorn'
import { INTRINSICS } from './intrinsics.ts'
import { staticAlignment, type Module } from './module.ts'
import { literal, type ArithmeticOperator, type ComparisonOperator, type Operand } from './program.ts'

export type Constant = Exclude<Operand, { kind: 'local' }>

const ARITHMETIC: Record<ArithmeticOperator, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => Math.imul(a, b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
}

const COMPARISON: Record<ComparisonOperator, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** The value of a 32-bit number literal; null if it is something else. */
export function integer(value: unknown): number | null {
  if (value === null) return 0
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'number' || !Number.isInteger(value)) return null
  return value < -0x80000000 || value > 0xffffffff ? null : value | 0
}

/** `a operator b` if it can be said now, or one of the two if the other changes nothing; else null. */
export function foldArithmetic(operator: ArithmeticOperator, a: Operand, b: Operand): Operand | null {
  if (a.kind === 'literal' && b.kind === 'literal') return literal(ARITHMETIC[operator](a.value, b.value))
  if (operator === '+') return moved(a, b, 1) ?? moved(b, a, 1)
  if (operator === '-') return moved(a, b, -1)
  if (operator === '*' && b.kind === 'literal' && b.value === 1) return a
  if ((operator === '<<' || operator === '>>') && b.kind === 'literal' && (b.value & 31) === 0) return a
  return null
}

function moved(a: Operand, b: Operand, sign: 1 | -1): Operand | null {
  if (b.kind !== 'literal') return null
  if (b.value === 0) return a
  if (a.kind !== 'static' && a.kind !== 'string') return null
  return { kind: a.kind, offset: a.offset + sign * b.value }
}

/** Whether `a operator b` holds, if that is known. An address in the program is not null. */
export function foldComparison(operator: ComparisonOperator, a: Operand, b: Operand): boolean | null {
  if (a.kind === 'literal' && b.kind === 'literal') return COMPARISON[operator](a.value, b.value)
  const nullTest = b.kind === 'literal' && b.value === 0 && a.kind !== 'local' && a.kind !== 'symbol'
  if (nullTest && operator === '==') return false
  if (nullTest && operator === '!=') return true
  return null
}

/** The result of an intrinsic for these operands, if it is known; division by zero is not. */
export function foldIntrinsic(name: string, args: readonly Operand[]): Operand | null {
  const fold = INTRINSICS.get(name)?.fold
  if (fold == null) return null
  const values = args.map(each => each.kind === 'literal' ? each.value : null)
  if (values.includes(null)) return null
  const result = fold(...values as number[])
  return result === null ? null : literal(result)
}

/** Evaluates initialisers of top-level names, each once. */
export class Constants {
  #known = new Map<string, Constant>()
  #busy = new Set<string>()

  constructor(readonly module: Module, readonly functionName: (local: string) => string) {}

  /** The value a top-level name begins with; for a name that is never assigned, its value. */
  of(name: string, at: Node): Constant {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (this.#busy.has(name)) this.module.refuse('PY2003', at, `${name} is defined by itself`)
    this.#busy.add(name)
    const init = this.module.variables.get(name)
    const value = init == null ? literal(0) as Constant : this.evaluate(init)
    this.#busy.delete(name)
    this.#known.set(name, value)
    return value
  }

  /** The value of a constant expression. Throws PY2003 if it is not one. */
  evaluate(e: Expression): Constant {
    const value = this.#fold(e)
    if (value === null || value.kind === 'local') return this.module.refuse('PY2003', e, e.type)
    return value
  }

  #fold(e: Expression): Operand | null {
    switch (e.type) {
      case 'Literal': {
        const value = integer(e.value)
        return value === null ? this.module.refuse('PY2008', e, String(e.raw)) : literal(value)
      }
      case 'Identifier': return this.#name(e.name, e)
      case 'ParenthesizedExpression': return this.evaluate(e.expression)
      case 'UnaryExpression': return this.#unary(e.operator, this.evaluate(e.argument))
      case 'BinaryExpression':
        return this.#binary(e.operator, this.evaluate(e.left as Expression), this.evaluate(e.right), e)
      case 'ConditionalExpression': {
        const test = this.evaluate(e.test)
        const yes = foldComparison('!=', test, literal(0))
        return yes === null ? null : this.evaluate(yes ? e.consequent : e.alternate)
      }
      case 'CallExpression': return this.#call(e)
      default: return null
    }
  }

  #name(name: string, e: Node): Constant | null {
    if (name === 'undefined') return literal(0) as Constant
    if (!this.module.variables.has(name)) return null
    if (this.module.assigned.has(name)) this.module.refuse('PY2003', e, `${name} is a variable`)
    return this.of(name, e)
  }

  #unary(operator: string, a: Constant): Operand | null {
    if (operator === '-') return foldArithmetic('-', literal(0), a)
    if (operator === '~') return foldArithmetic('^', a, literal(-1))
    if (operator === '+') return a
    if (operator !== '!') return null
    const zero = foldComparison('==', a, literal(0))
    return zero === null ? null : literal(Number(zero))
  }

  #binary(operator: string, a: Constant, b: Constant, e: Node): Operand | null {
    if (operator in ARITHMETIC) return foldArithmetic(operator as ArithmeticOperator, a, b)
    const comparison = operator.replace(/^([=!]=)=$/, '$1')
    if (comparison in COMPARISON) {
      const holds = foldComparison(comparison as ComparisonOperator, a, b)
      return holds === null ? null : literal(Number(holds))
    }
    const division = operator === '/' ? 'div' : operator === '%' ? 'rem' : operator === '>>>' ? 'ushr' : null
    if (division === null) return null
    if (division !== 'ushr' && b.kind === 'literal' && b.value === 0) this.module.refuse('PY2009', e, operator)
    return foldIntrinsic(division, [a, b])
  }

  #call(e: CallExpression): Operand | null {
    if (e.callee.type === 'MemberExpression') {
      return isImul(e.callee) ? this.#binary('*', ...this.#two(e), e) : null
    }
    const name = e.callee.type === 'Identifier' ? this.module.intrinsics.get(e.callee.name) : undefined
    if (name === undefined) return null
    if (name === 'plus') return this.#binary('+', ...this.#two(e), e)
    if (name === 'distance') return this.#binary('-', ...this.#two(e).reverse() as [Constant, Constant], e)
    return this.special(name, e) ?? foldIntrinsic(name, e.arguments.map(each => this.evaluate(each as Expression)))
  }

  #two(e: CallExpression): [Constant, Constant] {
    return [this.evaluate(e.arguments[0] as Expression), this.evaluate(e.arguments[1] as Expression)]
  }

  /** The calls that name something of the program: strings, statics, functions, symbols. Null: not one of them. */
  special(name: string, e: CallExpression): Constant | null {
    const [first, second] = e.arguments as (Expression | undefined)[]
    if (name === 'cstr' && first !== undefined) return this.#string(first)
    if (name === 'linkerSymbol' && first !== undefined) return { kind: 'symbol', name: this.#text(first) }
    if (name === 'functionReference') {
      if (first?.type !== 'Identifier' || !this.module.functions.has(first.name)) {
        return this.module.refuse('PY2002', e, 'functionReference takes a function of the program')
      }
      return { kind: 'function', name: this.functionName(first.name) }
    }
    if (name !== 'staticMemory' || first === undefined) return null
    const bytes = this.evaluate(first)
    const asked = second === undefined ? literal(1) as Constant : this.evaluate(second)
    if (bytes.kind !== 'literal' || asked.kind !== 'literal') return this.module.refuse('PY2003', e, 'staticMemory')
    const alignment = staticAlignment(bytes.value, asked.value)
    if (alignment === null) return this.module.refuse('PY2010', e, `${bytes.value} bytes aligned to ${asked.value}`)
    return { kind: 'static', offset: this.module.blocks.statics(e, bytes.value, alignment) }
  }

  #string(e: Expression): Constant | null {
    const text = e.type === 'TemplateLiteral' && e.expressions.length === 0 ? e.quasis[0]!.value.cooked // esbuild's, of text with lines
      : e.type === 'Literal' ? e.value : null
    return typeof text === 'string' ? { kind: 'string', offset: this.module.blocks.string(text) } : null
  }

  /** The text of a string literal, also inside `cstr("…")`. */
  #text(e: Expression): string {
    if (e.type === 'Literal' && typeof e.value === 'string') return e.value
    const inner = e.type === 'CallExpression' ? e.arguments[0] : undefined
    if (inner?.type === 'Literal' && typeof inner.value === 'string') return inner.value
    return this.module.refuse('PY2003', e, 'the name of a symbol is a string literal')
  }
}

/** Whether this is `Math.imul`. */
export function isImul(e: Node): boolean {
  const member = e as unknown as { type: string, object?: { name?: string }, property?: { name?: string } }
  return member.type === 'MemberExpression' && member.object?.name === 'Math' && member.property?.name === 'imul'
}
