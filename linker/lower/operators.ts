// Integer operators: which are unsigned, and the assignments and steps of variables made from them.

import ts from 'typescript'
import { constantOf } from './constants.ts'
import { isOnePair, operand, value } from './expressions.ts'
import { bare, isUnknownType } from './model.ts'
import { isRefused } from './rules.ts'
import { isSequence, signOf } from './signs.ts'
import { report, type Unit } from './unit.ts'

const K = ts.SyntaxKind

/** Operators whose meaning depends on the sign, and the intrinsic that is the unsigned one. */
const UNSIGNED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [K.LessThanToken, 'ult'], [K.LessThanEqualsToken, 'ule'], [K.GreaterThanToken, 'ugt'],
  [K.GreaterThanEqualsToken, 'uge'], [K.SlashToken, 'udiv'], [K.PercentToken, 'urem'],
  [K.GreaterThanGreaterThanToken, 'ushr'], [K.GreaterThanGreaterThanGreaterThanToken, 'ushr'],
])
const RELATIONAL: ReadonlySet<ts.SyntaxKind> = new Set([
  K.LessThanToken, K.LessThanEqualsToken, K.GreaterThanToken, K.GreaterThanEqualsToken,
])
const EQUALITY: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [K.EqualsEqualsToken, '=='], [K.EqualsEqualsEqualsToken, '=='],
  [K.ExclamationEqualsToken, '!='], [K.ExclamationEqualsEqualsToken, '!='],
])
const PLAIN: ReadonlySet<ts.SyntaxKind> = new Set([
  K.PlusToken, K.MinusToken, K.AsteriskToken, K.AmpersandToken, K.BarToken, K.CaretToken, K.LessThanLessThanToken,
])
/** `+=` to `+` and so on. */
const COMPOUND: ReadonlyMap<ts.SyntaxKind, ts.SyntaxKind> = new Map([
  [K.PlusEqualsToken, K.PlusToken], [K.MinusEqualsToken, K.MinusToken], [K.AsteriskEqualsToken, K.AsteriskToken],
  [K.SlashEqualsToken, K.SlashToken], [K.PercentEqualsToken, K.PercentToken],
  [K.AmpersandEqualsToken, K.AmpersandToken], [K.BarEqualsToken, K.BarToken], [K.CaretEqualsToken, K.CaretToken],
  [K.LessThanLessThanEqualsToken, K.LessThanLessThanToken],
  [K.GreaterThanGreaterThanEqualsToken, K.GreaterThanGreaterThanToken],
  [K.GreaterThanGreaterThanGreaterThanEqualsToken, K.GreaterThanGreaterThanGreaterThanToken],
])

/** The operator inside an assignment operator; null for `=`. */
export function operatorOf(assignment: ts.SyntaxKind): ts.SyntaxKind | null {
  return COMPOUND.get(assignment) ?? null
}

/** `left operator right`, from the texts of its operands; `e` has their types, and may be an assignment. */
export function operate(
  unit: Unit, e: ts.BinaryExpression, operator: ts.SyntaxKind, left: string, right: string,
): string {
  const text = ts.tokenToString(operator) ?? ''
  checkStrings(unit, e, text)
  const equality = EQUALITY.get(operator)
  if (equality != null) return `${left} ${equality} ${right}`
  const unsigned = UNSIGNED.get(operator)
  if (unsigned != null) {
    checkDivisor(unit, e, operator)
    if (!isUnsigned(unit, e, operator)) return `${left} ${text} ${right}`
    return `${unit.imports.intrinsic(unsigned)}(${unwrapped(left)}, ${unwrapped(right)})`
  }
  if (PLAIN.has(operator)) return `${left} ${text} ${right}`
  report(unit, e, 'PY1029', `'${text}'`)
  return '0'
}

/** Decide between the signed and the unsigned operator: PY1102, PY1103, PY1104. */
function isUnsigned(unit: Unit, e: ts.BinaryExpression, operator: ts.SyntaxKind): boolean {
  const { model } = unit
  const text = ts.tokenToString(operator)!
  if (operator === K.GreaterThanGreaterThanGreaterThanToken) return true
  if (RELATIONAL.has(operator) && (isSequence(model, e.left) || isSequence(model, e.right))) {
    report(unit, e, 'PY1104', text)
    return true
  }
  const left = signOf(model, e.left)
  if (left == null) report(unit, e.left, 'PY1102', text, e.left.getText())
  if (operator === K.GreaterThanGreaterThanToken) return left === 'u'
  const right = signOf(model, e.right)
  if (right == null) report(unit, e.right, 'PY1102', text, e.right.getText())
  if (left === 'u' && right === 'i' || left === 'i' && right === 'u') report(unit, e, 'PY1103', text)
  if (left === 'u' || right === 'u') checkZero(unit, e, operator)
  return left === 'u' || right === 'u'
}

/** `x < 0` and `x >= 0`, either way round, of an unsigned x: PY1109. */
function checkZero(unit: Unit, e: ts.BinaryExpression, operator: ts.SyntaxKind): void {
  const isZero = (each: ts.Expression): boolean => constantOf(unit.model, each)?.value === 0
  const belowZero = operator === K.LessThanToken && isZero(e.right) || operator === K.GreaterThanToken && isZero(e.left)
  const notBelow = operator === K.GreaterThanEqualsToken && isZero(e.right) ||
    operator === K.LessThanEqualsToken && isZero(e.left)
  if (belowZero || notBelow) report(unit, e, 'PY1109', e.getText(), String(notBelow))
}

function checkDivisor(unit: Unit, e: ts.BinaryExpression, operator: ts.SyntaxKind): void {
  const divides = operator === K.SlashToken || operator === K.PercentToken
  if (divides && constantOf(unit.model, e.right)?.value === 0) report(unit, e.right, 'PY1106')
}

function checkStrings(unit: Unit, e: ts.BinaryExpression, text: string): void {
  const isNull = (each: ts.Expression): boolean => bare(each).kind === K.NullKeyword
  if (EQUALITY.has(e.operatorToken.kind) && (isNull(e.left) || isNull(e.right))) return
  if (isText(unit, e.left) || isText(unit, e.right)) report(unit, e, 'PY1027', text)
}

function isText(unit: Unit, e: ts.Expression): boolean {
  const type = unit.model.checker.getTypeAtLocation(e)
  if (isUnknownType(type) || isRefused(unit.model, e)) return false
  return (type.isUnion() ? type.types : [type]).some(each => (each.flags & ts.TypeFlags.StringLike) !== 0)
}

/** An assignment to a local or a global, which has a value; PY1212 for a field: its statement is elsewhere. */
export function assignVariable(unit: Unit, e: ts.BinaryExpression): string {
  const target = variable(unit, e.left)
  if (target == null) return '0'
  const operator = operatorOf(e.operatorToken.kind)
  if (operator == null) return `${target} = ${value(unit, e.right)}`
  const text = operate(unit, e, operator, target, operand(unit, e.right))
  const plain = `${target} ${ts.tokenToString(operator)} `
  if (!text.startsWith(plain)) return `${target} = ${text}`
  return `${plain.trimEnd()}= ${unwrapped(text.slice(plain.length))}`
}

/** ++ and -- on a local or a global. */
export function step(unit: Unit, e: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): string {
  const target = variable(unit, e.operand)
  if (target == null) return '0'
  const operator = ts.tokenToString(e.operator)!
  return ts.isPrefixUnaryExpression(e) ? `${operator}${target}` : `${target}${operator}`
}

function variable(unit: Unit, target: ts.Expression): string | null {
  const e = bare(target)
  if (ts.isPropertyAccessExpression(e)) {
    report(unit, e, 'PY1212')
    return null
  }
  if (!ts.isIdentifier(e)) {
    if (!ts.isElementAccessExpression(e)) report(unit, e, 'PY1029', 'this target of an assignment')
    return null
  }
  unit.imports.use(e)
  return e.text
}

/** An operand that became an argument needs no parentheses. */
export function unwrapped(text: string): string {
  return isOnePair(text) ? text.slice(1, -1) : text
}
