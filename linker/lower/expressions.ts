// Expressions to JavaScript text. `value` gives a 32-bit integer, `condition` something that branches.
// Operands that are not a name, a literal or a call stand in parentheses: the text needs no precedence.

import ts from 'typescript'
import { call } from './calls.ts'
import { constantOf, type Constant } from './constants.ts'
import { readMember } from './fields.ts'
import { bare, hasModifier, isAssignment, isCallable, isUnknownType } from './model.ts'
import { assignVariable, operate, step } from './operators.ts'
import { isRefused } from './rules.ts'
import { report, type Unit } from './unit.ts'

/** The text of an expression's value; may need parentheses where it becomes an operand. */
export function value(unit: Unit, e: ts.Expression): string {
  if (isRefused(unit.model, e)) return '0'
  const constant = constantOf(unit.model, e)
  if (constant != null) return String(constant.value)
  const inner = bare(e)
  if (inner !== e) return value(unit, inner)
  if (e.kind === ts.SyntaxKind.NullKeyword) return '0'
  if (e.kind === ts.SyntaxKind.ThisKeyword) return self(unit, e)
  if (ts.isStringLiteral(e)) return `${unit.imports.intrinsic('cstr')}(${JSON.stringify(e.text)})`
  if (ts.isIdentifier(e)) return name(unit, e)
  if (ts.isPropertyAccessExpression(e)) return readMember(unit, e)
  if (ts.isCallExpression(e)) return call(unit, e)
  if (ts.isConditionalExpression(e)) {
    return `${condition(unit, e.condition, true)} ? ${operand(unit, e.whenTrue)} : ${operand(unit, e.whenFalse)}`
  }
  if (ts.isPrefixUnaryExpression(e)) return prefix(unit, e)
  if (ts.isPostfixUnaryExpression(e)) return step(unit, e)
  if (ts.isBinaryExpression(e)) return binary(unit, e)
  report(unit, e, 'PY1029', ts.SyntaxKind[e.kind])
  return '0'
}

/** The text of an expression's value, in parentheses unless it is a name, a literal or a call. */
export function operand(unit: Unit, e: ts.Expression): string {
  return parenthesized(value(unit, e))
}

/** The text of a condition; `isOperand` if it stands beside an operator. PY1101 if it is no boolean. */
export function condition(unit: Unit, e: ts.Expression, isOperand = false): string {
  if (isRefused(unit.model, e)) return 'false'
  checkBoolean(unit, e)
  const text = conditionText(unit, e)
  return isOperand ? parenthesized(text) : text
}

function conditionText(unit: Unit, e: ts.Expression): string {
  const constant = constantOf(unit.model, e)
  if (constant?.boolean === true) return constant.value !== 0 ? 'true' : 'false'
  if (ts.isParenthesizedExpression(e)) return conditionText(unit, e.expression)
  if (isBranching(e)) return value(unit, e)
  return `${operand(unit, e)} != 0`
}

const BRANCHING: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.LessThanToken, ts.SyntaxKind.LessThanEqualsToken, ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken, ts.SyntaxKind.EqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandToken, ts.SyntaxKind.BarBarToken,
])

function isBranching(e: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(e)) return e.operator === ts.SyntaxKind.ExclamationToken
  return ts.isBinaryExpression(e) && BRANCHING.has(e.operatorToken.kind)
}

function checkBoolean(unit: Unit, e: ts.Expression): void {
  const type = unit.model.checker.getTypeAtLocation(e)
  const parts = type.isUnion() ? type.types : [type]
  const isBoolean = parts.every(each => (each.flags & (ts.TypeFlags.BooleanLike | ts.TypeFlags.Never)) !== 0)
  if (!isBoolean && !isUnknownType(type)) report(unit, e, 'PY1101', unit.model.checker.typeToString(type))
}

function binary(unit: Unit, e: ts.BinaryExpression): string {
  const operator = e.operatorToken.kind
  if (operator === ts.SyntaxKind.AmpersandAmpersandToken || operator === ts.SyntaxKind.BarBarToken) {
    return `${condition(unit, e.left, true)} ${e.operatorToken.getText()} ${condition(unit, e.right, true)}`
  }
  if (isAssignment(e)) return assignVariable(unit, e)
  return operate(unit, e, operator, operand(unit, e.left), operand(unit, e.right))
}

function prefix(unit: Unit, e: ts.PrefixUnaryExpression): string {
  switch (e.operator) {
    case ts.SyntaxKind.ExclamationToken: return negated(unit, e.operand)
    case ts.SyntaxKind.MinusToken: return `-${operand(unit, e.operand)}`
    case ts.SyntaxKind.TildeToken: return `~${operand(unit, e.operand)}`
    case ts.SyntaxKind.PlusToken:
      report(unit, e, 'PY1026')
      return value(unit, e.operand)
    default: return step(unit, e)
  }
}

function negated(unit: Unit, operand: ts.Expression): string {
  const e = bare(operand)
  const branches = isRefused(unit.model, e) || isBranching(e) || constantOf(unit.model, e) != null
  if (branches) return `!${condition(unit, operand, true)}`
  checkBoolean(unit, operand)
  return `${parenthesized(value(unit, e))} == 0`
}

/** A variable, a parameter or a global; a function's name is a reference to it. */
function name(unit: Unit, e: ts.Identifier): string {
  const symbol = unit.model.symbolOf(e)
  const declaration = symbol?.valueDeclaration
  if (declaration != null && ts.isBindingElement(declaration)) return '0' // its pattern was refused
  if (declaration != null && ts.isFunctionDeclaration(declaration)) return functionReference(unit, e, symbol!)
  if (declaration == null || !(ts.isVariableDeclaration(declaration) || ts.isParameter(declaration))) {
    const isJavaScript = declaration == null || unit.model.libraryType(symbol) != null
    report(unit, e, isJavaScript ? 'PY1030' : 'PY1306', e.text)
    return '0'
  }
  unit.imports.use(e)
  return e.text
}

function functionReference(unit: Unit, e: ts.Identifier, symbol: ts.Symbol): string {
  if (unit.model.intrinsic(symbol) != null || unit.model.vocabulary(symbol) != null) {
    report(unit, e, 'PY1306', e.text)
    return '0'
  }
  unit.imports.use(e)
  return `${unit.imports.intrinsic('functionReference')}(${e.text})`
}

function self(unit: Unit, e: ts.Expression): string {
  const scope = ts.findAncestor(e, isCallable)
  const isFunction = scope == null || ts.isFunctionDeclaration(scope)
  if (isFunction || hasModifier(scope, ts.SyntaxKind.StaticKeyword)) report(unit, e, 'PY1307')
  return unit.imports.free('self')
}

/** A text as an operand: itself if it is a name, a literal or a call, else in parentheses. */
export function parenthesized(text: string): string {
  return isAtom(text) ? text : `(${text})`
}

const ATOM_START = /^(\u0001\d+\u0002)*[\w$"]/

/** Nothing outside of parentheses but one word: strings only occur inside of them. */
function isAtom(text: string): boolean {
  if (!ATOM_START.test(text)) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') i = endOfString(text, i)
    else if (c === '(') depth++
    else if (c === ')') depth--
    else if (depth === 0 && c === ' ') return false
  }
  return true
}

/** Whether the parenthesis at the start is closed at the end, and not before: `(a) + (b)` is two pairs. */
export function isOnePair(text: string): boolean {
  if (!text.startsWith('(')) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') i = endOfString(text, i)
    else if (c === '(') depth++
    else if (c === ')' && --depth === 0) return i === text.length - 1
  }
  return false
}

function endOfString(text: string, start: number): number {
  let i = start + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}

/** A constant where a literal is needed, a case label; PY1407 otherwise. */
export function constantLabel(unit: Unit, e: ts.Expression): string {
  const constant: Constant | null = constantOf(unit.model, e)
  if (constant == null && !isRefused(unit.model, e)) report(unit, e, 'PY1407')
  return String(constant?.value ?? 0)
}
