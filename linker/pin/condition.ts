// Conditions: a branch compares two operands, `&&`, `||`, `!` and `?:` become branches. Code of either side is
// written once unless it is a single jump or assignment of a literal.

import type { Expression, LogicalExpression } from 'acorn'
import type { Builder } from './builder.ts'
import { foldComparison } from './constants.ts'
import { evaluate, evaluateAll } from './expression.ts'
import { literal, local, type ComparisonOperator, type Operand, type Statement } from './program.ts'

type Make = () => unknown

const COMPARISONS: Record<string, ComparisonOperator> = {
  '==': '==', '===': '==', '!=': '!=', '!==': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=',
}

/** The comparison a binary expression makes; null if it computes a number. */
export function comparisonOf(e: Expression): ComparisonOperator | null {
  return e.type === 'BinaryExpression' ? COMPARISONS[e.operator] ?? null : null
}

/** 1 if `e` holds, 0 if not. */
export function truth(f: Builder, e: Expression, into: string | null): Operand {
  const to = into !== null && !isLogical(e) ? into : f.temporary()
  const known = new Set<number>()
  let branches = 0
  const set = (value: number): void => {
    branches += 1
    known.add(value)
    f.store(to, literal(value))
  }
  branch(f, e, () => set(1), () => set(0))
  return branches === 1 ? literal([...known][0]!) : local(to)
}

function isLogical(e: Expression): boolean {
  if (e.type === 'UnaryExpression') return isLogical(e.argument)
  return e.type === 'LogicalExpression'
}

/** If `e` holds then what `yes` emits, else what `no` emits. */
export function branch(f: Builder, e: Expression, yes: Make, no: Make): void {
  if (e.type === 'ParenthesizedExpression') return branch(f, e.expression, yes, no)
  if (e.type === 'UnaryExpression' && e.operator === '!') return branch(f, e.argument, no, yes)
  if (e.type === 'LogicalExpression' && e.operator !== '??') return logical(f, e, yes, no)
  const operator = comparisonOf(e)
  if (operator !== null && e.type === 'BinaryExpression') {
    const [a, b] = evaluateAll(f, [e.left as Expression, e.right])
    return compare(f, a!, operator, b!, yes, no)
  }
  compare(f, evaluate(f, e), '!=', literal(0), yes, no)
}

function compare(f: Builder, a: Operand, operator: ComparisonOperator, b: Operand, yes: Make, no: Make): void {
  const known = foldComparison(operator, a, b)
  if (known !== null) {
    if (known) yes()
    else no()
    return
  }
  const left = f.plain(a)
  const right = f.plain(b)
  const then = f.collect(yes)
  const otherwise = f.collect(no)
  f.emit({ op: 'if', a: left, operator, b: right, then, otherwise })
}

/**
 * `a && b`: the code for "no" is wanted at two places, for `a || b` that for "yes". It is copied there if it
 * is small; if not, a flag says which way the condition went and one branch on it follows.
 */
function logical(f: Builder, e: LogicalExpression, yes: Make, no: Make): void {
  const and = e.operator === '&&'
  const shared = f.collect(and ? no : yes)
  const single = and ? yes : no
  if (isSmall(shared)) {
    const again = (): void => shared.forEach(each => f.emit(each))
    if (and) branch(f, e.left, () => branch(f, e.right, single, again), again)
    else branch(f, e.left, again, () => branch(f, e.right, again, single))
    return
  }
  const flag = f.temporary()
  f.store(flag, literal(and ? 0 : 1))
  if (and) branch(f, e.left, () => branch(f, e.right, () => f.store(flag, literal(1)), nothing), nothing)
  else branch(f, e.left, nothing, () => branch(f, e.right, nothing, () => f.store(flag, literal(0))))
  const own = f.collect(single)
  f.emit({
    op: 'if', a: local(flag), operator: '!=', b: literal(0),
    then: and ? own : shared, otherwise: and ? shared : own,
  })
}

function nothing(): void {}

function isSmall(code: readonly Statement[]): boolean {
  const real = code.filter(each => each.op !== 'at')
  if (real.length > 1) return false
  const [only] = real
  return only === undefined || only.op === 'break' || only.op === 'continue' || only.op === 'return'
    || (only.op === 'copy' && only.value.kind === 'literal')
}
