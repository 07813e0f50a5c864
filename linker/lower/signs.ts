// Which operators are unsigned: inferred from how the operands are spelled (docs/dialect.md, "Signs").

import ts from 'typescript'
import { constantOf } from './constants.ts'
import { isAssignment, isUnknownType, type Model } from './model.ts'

/** 'any': a literal, which fits both. */
export type Sign = 'u' | 'i' | 'any'

/** The sign of an integer expression; null if nothing says which. */
export function signOf(model: Model, e: ts.Expression): Sign | null {
  const constant = constantOf(model, e)
  if (constant != null) return constant.sign
  if (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e)) return signOf(model, e.expression)
  if (ts.isAsExpression(e)) {
    return signOfType(model, model.checker.getTypeFromTypeNode(e.type)) ?? signOf(model, e.expression)
  }
  if (ts.isPrefixUnaryExpression(e) || ts.isPostfixUnaryExpression(e)) return signOf(model, e.operand)
  if (ts.isConditionalExpression(e)) return either(signOf(model, e.whenTrue), signOf(model, e.whenFalse))
  if (ts.isBinaryExpression(e)) return signOfBinary(model, e)
  const spelled = signOfType(model, typeOf(model, e))
  return spelled ?? signOfInitialiser(model, e)
}

/** The sign a type is spelled with; null if it is a plain number, or no number. */
export function signOfType(model: Model, type: ts.Type): Sign | null {
  if (isUnknownType(type) || (type.flags & ts.TypeFlags.BigIntLike) !== 0) return 'any' // complained about already
  if (type.flags & ts.TypeFlags.EnumLike) return signOfEnum(type)
  const brand = type.getProperties().find(each => each.name.startsWith('__@kind@'))
  if (brand == null) return null
  const kind = model.checker.getTypeOfSymbol(brand)
  for (const each of kind.isUnion() ? kind.types : [kind]) {
    if (each.isStringLiteral() && (each.value === 'u' || each.value === 'i')) return each.value
  }
  return null
}

/** Is this the type of numbers that wrap: an intersection named Seq? */
export function isSequence(model: Model, e: ts.Expression): boolean {
  return model.checker.getNonNullableType(typeOf(model, e)).aliasSymbol?.name === 'Seq'
}

/** An enum with a negative member is signed. */
function signOfEnum(type: ts.Type): Sign {
  const members = type.isUnion() ? type.types : [type]
  return members.some(each => each.isNumberLiteral() && each.value < 0) ? 'i' : 'u'
}

/** The type as declared: what a test narrowed it to has lost its sign. */
function typeOf(model: Model, e: ts.Expression): ts.Type {
  if (ts.isIdentifier(e) || ts.isPropertyAccessExpression(e)) {
    const symbol = model.symbolOf(e)
    if (symbol != null) return model.checker.getTypeOfSymbol(symbol)
  }
  return model.checker.getTypeAtLocation(e)
}

function signOfBinary(model: Model, e: ts.BinaryExpression): Sign | null {
  switch (e.operatorToken.kind) {
    case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
      return 'u'
    case ts.SyntaxKind.LessThanLessThanToken:
    case ts.SyntaxKind.GreaterThanGreaterThanToken:
      return signOf(model, e.left)
    default:
      if (isAssignment(e)) return signOf(model, e.left)
      return stronger(signOf(model, e.left), signOf(model, e.right))
  }
}

/** Of an operation: unsigned when either operand is, known when either is. */
function stronger(a: Sign | null, b: Sign | null): Sign | null {
  if (a === 'u' || b === 'u') return 'u'
  if (a === 'i' || b === 'i') return 'i'
  return a == null || b == null ? null : 'any'
}

/** Of two alternatives: they must agree. */
function either(a: Sign | null, b: Sign | null): Sign | null {
  return a === 'any' ? b : b === 'any' || a === b ? a : null
}

/** `const d = a - b` has the sign of `a - b`. A `let` that starts as a literal has none. */
function signOfInitialiser(model: Model, e: ts.Expression): Sign | null {
  const declaration = ts.isIdentifier(e) ? model.symbolOf(e)?.valueDeclaration : undefined
  if (declaration == null || !ts.isVariableDeclaration(declaration)) return null
  if (declaration.type != null || declaration.initializer == null) return null
  if (declaration.initializer.pos <= e.pos && e.pos < declaration.initializer.end) return null
  const sign = signOf(model, declaration.initializer)
  return sign === 'any' ? null : sign
}
