// Constant expressions, with the meaning they have at run time: 32 bits, wrapping (docs/dialect.md).
// A constant's sign is the one it is spelled with; a bare literal up to 0x7fffffff fits both.

import ts from 'typescript'
import { layoutOfTypeNode } from './layout.ts'
import { bare, hasModifier, type Model } from './model.ts'
import { signOfType, type Sign } from './signs.ts'

/** `value` is an i32; `boolean` constants are 0 or 1. */
export interface Constant { readonly value: number; readonly sign: Sign; readonly boolean: boolean }

/** What is known of expressions, and of the constants they name. Nodes belong to one program. */
const known = new WeakMap<ts.Expression | ts.VariableDeclaration | ts.PropertyDeclaration, Constant | null>()

/** The value of an expression that has the same one every time, else null. */
export function constantOf(model: Model, e: ts.Expression): Constant | null {
  const cached = known.get(e)
  if (cached !== undefined) return cached
  const constant = compute(model, e)
  known.set(e, constant)
  return constant
}

function compute(model: Model, e: ts.Expression): Constant | null {
  if (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e)) return constantOf(model, e.expression)
  if (ts.isAsExpression(e)) return converted(model, e)
  if (ts.isNumericLiteral(e)) return literal(e)
  if (e.kind === ts.SyntaxKind.TrueKeyword) return { value: 1, sign: 'any', boolean: true }
  if (e.kind === ts.SyntaxKind.FalseKeyword) return { value: 0, sign: 'any', boolean: true }
  if (ts.isPrefixUnaryExpression(e)) return unary(model, e)
  if (ts.isBinaryExpression(e)) return binary(model, e)
  if (ts.isIdentifier(e)) return named(model, e)
  if (ts.isPropertyAccessExpression(e)) return member(model, e)
  if (ts.isCallExpression(e)) return folded(model, e)
  return null
}

/** The value of a type that is one number: a literal, an enum member, typeof a constant. */
export function constantOfType(model: Model, node: ts.TypeNode): number | null {
  if (ts.isTypeQueryNode(node)) {
    const symbol = model.symbolOf(node.exprName)
    return declared(model, symbol)?.value ?? null
  }
  const type = model.checker.getTypeFromTypeNode(node)
  return type.isNumberLiteral() && Number.isInteger(type.value) ? type.value : null
}

function converted(model: Model, e: ts.AsExpression): Constant | null {
  const constant = constantOf(model, e.expression)
  if (constant == null) return null
  const sign = signOfType(model, model.checker.getTypeFromTypeNode(e.type))
  return sign == null ? constant : { ...constant, sign }
}

function literal(e: ts.NumericLiteral): Constant | null {
  const value = Number(e.text)
  return Number.isInteger(value) && value <= 0xffffffff ? classified(BigInt(value)) : null
}

/** A number of no spelled sign: its size says which it can be. */
function classified(value: bigint): Constant {
  const sign = value < 0n ? 'i' : value > 0x7fffffffn ? 'u' : 'any'
  return { value: Number(BigInt.asIntN(32, value)), sign, boolean: false }
}

function unary(model: Model, e: ts.PrefixUnaryExpression): Constant | null {
  const operand = e.operator === ts.SyntaxKind.MinusToken || e.operator === ts.SyntaxKind.TildeToken
    ? constantOf(model, e.operand) : null
  if (operand == null || operand.boolean) return null
  const spelled = read(operand, operand.sign) // 2147483648 is that much before its sign is changed
  const exact = e.operator === ts.SyntaxKind.MinusToken ? -spelled : ~BigInt(operand.value)
  if (operand.sign === 'any' || isBareLiteral(e.operand)) return classified(exact)
  return { value: Number(BigInt.asIntN(32, exact)), sign: operand.sign, boolean: false }
}

/** -2147483648 is a signed literal although 2147483648 alone is an unsigned one. */
function isBareLiteral(e: ts.Expression): boolean {
  return ts.isNumericLiteral(bare(e)) && Number((bare(e) as ts.NumericLiteral).text) <= 0x80000000
}

function binary(model: Model, e: ts.BinaryExpression): Constant | null {
  const a = constantOf(model, e.left)
  const b = a == null ? null : constantOf(model, e.right)
  if (a == null || b == null || a.boolean || b.boolean) return null
  const isShift = SHIFTS.has(e.operatorToken.kind)
  const sign = isShift ? a.sign : combinedSign(a.sign, b.sign)
  const exact = result(e.operatorToken.kind, read(a, sign), read(b, isShift ? 'u' : sign))
  if (exact == null) return null
  if (sign === 'any') return classified(exact)
  const isUnsigned = sign === 'u' || e.operatorToken.kind === ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken
  return { value: Number(BigInt.asIntN(32, exact)), sign: isUnsigned ? 'u' : 'i', boolean: false }
}

const SHIFTS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.LessThanLessThanToken, ts.SyntaxKind.GreaterThanGreaterThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
])

function combinedSign(a: Sign, b: Sign): Sign {
  return a === 'u' || b === 'u' ? 'u' : a === 'i' || b === 'i' ? 'i' : 'any'
}

function read(constant: Constant, sign: Sign): bigint {
  return sign === 'u' ? BigInt.asUintN(32, BigInt(constant.value)) : BigInt(constant.value)
}

/** The exact result, before it wraps; null for what is no integer operator, and for division by zero. */
function result(operator: ts.SyntaxKind, a: bigint, b: bigint): bigint | null {
  switch (operator) {
    case ts.SyntaxKind.PlusToken: return a + b
    case ts.SyntaxKind.MinusToken: return a - b
    case ts.SyntaxKind.AsteriskToken: return a * b
    case ts.SyntaxKind.SlashToken: return b === 0n ? null : a / b
    case ts.SyntaxKind.PercentToken: return b === 0n ? null : a % b
    case ts.SyntaxKind.AmpersandToken: return a & b
    case ts.SyntaxKind.BarToken: return a | b
    case ts.SyntaxKind.CaretToken: return a ^ b
    case ts.SyntaxKind.LessThanLessThanToken: return BigInt.asUintN(32, a << (b & 31n))
    case ts.SyntaxKind.GreaterThanGreaterThanToken: return a >> (b & 31n)
    case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken: return BigInt.asUintN(32, a) >> (b & 31n)
    default: return null
  }
}

function named(model: Model, e: ts.Identifier): Constant | null {
  return declared(model, model.symbolOf(e))
}

/** The value of a `const`, or of a static readonly member of a class, whose initialiser is a constant. */
function declared(model: Model, symbol: ts.Symbol | null): Constant | null {
  const declaration = symbol?.valueDeclaration
  if (declaration != null && ts.isPropertyDeclaration(declaration)) {
    const isStatic = hasModifier(declaration, ts.SyntaxKind.StaticKeyword)
    return isStatic && hasModifier(declaration, ts.SyntaxKind.ReadonlyKeyword) ? initialised(model, declaration) : null
  }
  if (declaration == null || !ts.isVariableDeclaration(declaration)) return null
  const isConst = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.BlockScoped) === ts.NodeFlags.Const
  return isConst ? initialised(model, declaration) : null
}

function initialised(model: Model, declaration: ts.VariableDeclaration | ts.PropertyDeclaration): Constant | null {
  const cached = known.get(declaration)
  if (cached !== undefined) return cached
  known.set(declaration, null) // while it is looked at: a constant that needs itself is none
  const constant = declaration.initializer == null ? null : constantOf(model, declaration.initializer)
  const { type } = declaration
  const sign = type == null ? null : signOfType(model, model.checker.getTypeFromTypeNode(type))
  const spelled = constant == null || sign == null ? constant : { ...constant, sign }
  known.set(declaration, spelled)
  return spelled
}

/** A member of an enum, or a static constant of a struct class. */
function member(model: Model, e: ts.PropertyAccessExpression): Constant | null {
  const value = model.checker.getConstantValue(e)
  if (typeof value === 'number') return Number.isInteger(value) ? classified(BigInt(value)) : null
  return declared(model, model.symbolOf(e))
}

/** sizeof<T>() and offsetof<T>('field'). */
function folded(model: Model, e: ts.CallExpression): Constant | null {
  const word = model.vocabularyCall(e)
  if (word !== 'sizeof' && word !== 'offsetof') return null
  const layout = layoutOfTypeNode(model, e.typeArguments?.[0])
  if (layout == null) return null
  if (word === 'sizeof') return { value: layout.size, sign: 'u', boolean: false }
  const name = e.arguments[0]
  const field = name != null && ts.isStringLiteral(name) ? layout.fields.get(name.text) : undefined
  return field == null ? null : { value: field.offset, sign: 'u', boolean: false }
}
