// Expressions to three-address code: every intermediate value gets a temporary, in the order of evaluation that
// JavaScript has, and what is known at compile time is computed here.

import type {
  AssignmentExpression, BinaryExpression, CallExpression, Expression, Identifier, Node, UpdateExpression,
} from 'acorn'
import type { Builder } from './builder.ts'
import { branch, comparisonOf, truth } from './condition.ts'
import { foldArithmetic, foldIntrinsic, integer, isImul } from './constants.ts'
import { INTRINSICS, takesBaseAndOffset } from './intrinsics.ts'
import { assignedNames } from './module.ts'
import { literal, local, type ArithmeticOperator, type Operand } from './program.ts'

/** Largest constant distance that is added to an offset instead of to a base: see `foldBase`. */
const LARGEST_FOLDED_DISTANCE = 0xffff

/**
 * The value of `e`. A result that needs a place goes to `into` when that is given, which is then written last,
 * after everything `e` reads; `wanted` false: nobody looks at the value.
 */
export function evaluate(f: Builder, e: Expression, into: string | null = null, wanted = true): Operand {
  switch (e.type) {
    case 'Literal': {
      const value = integer(e.value)
      return value === null ? f.refuse('PY2008', e, String(e.raw)) : literal(value)
    }
    case 'Identifier': return name(f, e, into)
    case 'ParenthesizedExpression': return evaluate(f, e.expression, into, wanted)
    case 'UnaryExpression': return unary(f, e.operator, e.argument, e, into)
    case 'BinaryExpression':
      return comparisonOf(e) !== null ? truth(f, e, into) : binary(f, e, into)
    case 'LogicalExpression': return truth(f, e, into)
    case 'ConditionalExpression': return conditional(f, e.test, e.consequent, e.alternate, into, wanted)
    case 'SequenceExpression': {
      e.expressions.slice(0, -1).forEach(each => evaluate(f, each, null, false))
      return evaluate(f, e.expressions.at(-1)!, into, wanted)
    }
    case 'AssignmentExpression': return assignment(f, e)
    case 'UpdateExpression': return update(f, e, wanted)
    case 'CallExpression': return call(f, e, into, wanted)
    default: return f.refuse('PY2001', e, e.type)
  }
}

/** The values of several expressions, each evaluated after the one before it and not changed by a later one. */
export function evaluateAll(f: Builder, list: readonly Expression[]): Operand[] {
  return list.map((e, i) => {
    const value = evaluate(f, e)
    if (value.kind !== 'local' || !list.slice(i + 1).some(later => writes(f, later, value.name))) return value
    const kept = f.temporary()
    f.store(kept, value)
    return local(kept)
  })
}

function writes(f: Builder, e: Node, name: string): boolean {
  for (const each of assignedNames(e)) {
    const binding = f.lookup(each)
    if (binding?.kind === 'local' && binding.name === name) return true
  }
  return false
}

function name(f: Builder, e: Identifier, into: string | null): Operand {
  const binding = f.lookup(e.name)
  if (binding !== undefined) return binding
  if (e.name === 'undefined') return literal(0)
  if (!f.module.variables.has(e.name)) return f.refuse('PY2002', e, e.name)
  if (!f.module.assigned.has(e.name)) return f.context.constants.of(e.name, e)
  const to = into ?? f.temporary()
  f.emit({ op: 'getGlobal', to, global: f.context.globalName(e.name) })
  return local(to)
}

function unary(f: Builder, operator: string, argument: Expression, e: Expression, into: string | null): Operand {
  if (operator === '!') return truth(f, e, into)
  if (operator === 'void') {
    evaluate(f, argument, null, false)
    return literal(0)
  }
  const value = evaluate(f, argument)
  if (operator === '+') return value
  if (operator === '-') return compute(f, '-', literal(0), value, into)
  if (operator === '~') return compute(f, '^', value, literal(-1), into)
  return f.refuse('PY2001', e, `operator ${operator}`)
}

function binary(f: Builder, e: BinaryExpression, into: string | null): Operand {
  const [a, b] = evaluateAll(f, [e.left as Expression, e.right])
  return operate(f, e.operator, a!, b!, e, into)
}

/** `a operator b` for every binary operator that is not a comparison. */
function operate(f: Builder, operator: string, a: Operand, b: Operand, e: Node, into: string | null): Operand {
  switch (operator) {
    case '+': case '-': case '*': case '&': case '|': case '^': return compute(f, operator, a, b, into)
    case '<<': case '>>': return compute(f, operator, a, shiftCount(f, b), into)
    case '>>>': return b.kind === 'literal' && (b.value & 31) === 0 ? a : intrinsic(f, 'ushr', [a, b], into)
    case '/': case '%': {
      if (b.kind === 'literal' && b.value === 0) return f.refuse('PY2009', e, operator)
      return intrinsic(f, operator === '/' ? 'div' : 'rem', [a, b], into)
    }
    default: return f.refuse('PY2001', e, `operator ${operator}`)
  }
}

/** The compiler masks no shift count, C leaves an excessive one undefined. */
function shiftCount(f: Builder, count: Operand): Operand {
  return compute(f, '&', count, literal(31), null)
}

function compute(f: Builder, operator: ArithmeticOperator, a: Operand, b: Operand, into: string | null): Operand {
  const known = foldArithmetic(operator, a, b)
  if (known !== null) return known
  const left = f.plain(a)
  const right = f.plain(b)
  const to = into ?? f.temporary()
  f.emit({ op: 'compute', to, operator, a: left, b: right })
  return local(to)
}

function intrinsic(f: Builder, name: string, args: readonly Operand[], into: string | null): Operand {
  const known = foldIntrinsic(name, args)
  if (known !== null) return known
  const { result } = INTRINSICS.get(name)!
  const to = result ? into ?? f.temporary() : null
  for (const each of args) if (each.kind === 'function' || each.kind === 'symbol') f.context.used(each)
  f.emit({ op: 'intrinsic', to, name, args })
  return to === null ? literal(0) : local(to)
}

function conditional(
  f: Builder, test: Expression, yes: Expression, no: Expression, into: string | null, wanted: boolean,
): Operand {
  if (!wanted) {
    branch(f, test, () => evaluate(f, yes, null, false), () => evaluate(f, no, null, false))
    return literal(0)
  }
  const to = into ?? f.temporary()
  branch(f, test, () => f.store(to, evaluate(f, yes, to)), () => f.store(to, evaluate(f, no, to)))
  return local(to)
}

function assignment(f: Builder, e: AssignmentExpression): Operand {
  if (e.left.type !== 'Identifier') return f.refuse('PY2001', e, `assignment to ${e.left.type}`)
  const binding = f.lookup(e.left.name)
  if (binding !== undefined && binding.kind !== 'local') return f.refuse('PY2001', e, `${e.left.name} is constant`)
  if (binding === undefined && !f.module.variables.has(e.left.name)) return f.refuse('PY2002', e, e.left.name)
  const into = binding?.name ?? null
  const operator = e.operator.slice(0, -1)
  let value: Operand
  if (operator === '') value = evaluate(f, e.right, into)
  else {
    const [a, b] = evaluateAll(f, [e.left, e.right])
    value = operate(f, operator, a!, b!, e, into)
  }
  return write(f, e.left.name, into, value)
}

function write(f: Builder, source: string, into: string | null, value: Operand): Operand {
  if (into === null) {
    const plain = f.plain(value)
    f.emit({ op: 'setGlobal', global: f.context.globalName(source), value: plain })
    return plain
  }
  f.store(into, value)
  return local(into)
}

function update(f: Builder, e: UpdateExpression, wanted: boolean): Operand {
  if (e.argument.type !== 'Identifier') return f.refuse('PY2001', e, e.argument.type)
  const binding = f.lookup(e.argument.name)
  const into = binding?.kind === 'local' ? binding.name : null
  let before = evaluate(f, e.argument)
  if (wanted && !e.prefix && into !== null) {
    const kept = f.temporary()
    f.store(kept, before)
    before = local(kept)
  }
  const after = compute(f, e.operator === '++' ? '+' : '-', before, literal(1), into)
  const written = write(f, e.argument.name, into, after)
  return e.prefix ? written : before
}

function call(f: Builder, e: CallExpression, into: string | null, wanted: boolean): Operand {
  const args = e.arguments as Expression[]
  if (isImul(e.callee)) {
    const [a, b] = evaluateAll(f, args)
    return compute(f, '*', a!, b!, into)
  }
  if (e.callee.type !== 'Identifier') return f.refuse('PY2001', e, 'a call of something that is not a name')
  const imported = f.module.intrinsics.get(e.callee.name)
  if (imported !== undefined) return callIntrinsic(f, imported, e, into, wanted)
  const declaration = f.module.functions.get(e.callee.name)
  if (declaration === undefined) return f.refuse('PY2002', e, e.callee.name)
  if (declaration.params.length !== args.length) f.refuse('PY2011', e, e.callee.name)
  const values = evaluateAll(f, args).map(each => f.plain(each))
  const to = f.module.valued.has(e.callee.name) ? into ?? f.temporary() : null
  f.emit({ op: 'call', to, name: f.context.functionName(e.callee.name), args: values })
  return to === null ? literal(0) : local(to)
}

function callIntrinsic(f: Builder, name: string, e: CallExpression, into: string | null, wanted: boolean): Operand {
  const args = e.arguments as Expression[]
  if (name === 'callReference' || name === 'callReferenceVoid') return callReference(f, name, args, into, wanted)
  const special = f.context.constants.special(name, e)
  if (special !== null) return special
  if (name === 'cstr' && args.length === 1) return evaluate(f, args[0]!, into) // an address already
  if ((name === 'plus' || name === 'distance') && args.length === 2) {
    const [a, b] = evaluateAll(f, args)
    return name === 'plus' ? compute(f, '+', a!, b!, into) : compute(f, '-', b!, a!, into)
  }
  if (INTRINSICS.get(name)?.arity !== args.length) return f.refuse('PY2007', e, name)
  const values = takesBaseAndOffset(name) ? foldBase(f, args) : evaluateAll(f, args)
  return intrinsic(f, name, values, into)
}

/**
 * `load32(plus(p, 4), 8)` becomes `load32(p, 12)`: one addressing mode instead of an addition and a
 * sign extension. The two differ only if the object lies across 0x80000000 or the end of the address space,
 * and the pages there are never mapped.
 */
function foldBase(f: Builder, args: readonly Expression[]): Operand[] {
  const [base, offset, ...rest] = args as [Expression, Expression, ...Expression[]]
  const moved = base.type === 'CallExpression' && base.callee.type === 'Identifier'
    && f.module.intrinsics.get(base.callee.name) === 'plus' ? base.arguments as Expression[]
    : base.type === 'BinaryExpression' && base.operator === '+' ? [base.left as Expression, base.right] : null
  const distance = moved === null ? null : known(f, moved[1]!)
  const from = known(f, offset)
  if (moved === null || distance === null || from === null || distance < 0 || distance > LARGEST_FOLDED_DISTANCE || from < 0) {
    return evaluateAll(f, args)
  }
  const [p, ...values] = evaluateAll(f, [moved[0]!, ...rest])
  return [p!, literal(distance + from), ...values]
}

/** The value of an expression that is a number at sight. */
function known(f: Builder, e: Expression): number | null {
  if (e.type === 'Literal') return integer(e.value)
  if (e.type !== 'Identifier' || f.module.assigned.has(e.name)) return null
  const value = f.lookup(e.name) ?? (f.module.variables.has(e.name) ? f.context.constants.of(e.name, e) : undefined)
  return value?.kind === 'literal' ? value.value : null
}

function callReference(f: Builder, name: string, args: readonly Expression[], into: string | null, wanted: boolean): Operand {
  const [callee, ...rest] = evaluateAll(f, args)
  const values = rest.map(each => f.plain(each))
  if (callee?.kind === 'function') f.context.used(callee)
  const to = name === 'callReference' && wanted ? into ?? f.temporary() : null
  f.emit({ op: 'callReference', to, callee: callee!, args: values })
  return to === null ? literal(0) : local(to)
}
