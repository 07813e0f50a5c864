// Members of structs: fields to loads and stores at an address and a constant offset, getters and setters to
// calls. Offsets of structs held by value add up: `tcb.send.unacknowledged` is one load.

import ts from 'typescript'
import { constantOf } from './constants.ts'
import { operand, parenthesized, value } from './expressions.ts'
import { layoutAt, nameOf, type Field } from './layout.ts'
import { bare, isUnknownType } from './model.ts'
import { operate, operatorOf, unwrapped } from './operators.ts'
import { isRefused } from './rules.ts'
import { mark } from './text.ts'
import { report, type Unit } from './unit.ts'

/**
 * An address: `base`, the text of an expression, plus `index`, the text of a distance that is no constant, if
 * there is one, plus a constant. Index and constant go into the offset of a load, which is not sign-extended.
 */
interface Place { readonly base: string; readonly index: string | null; readonly offset: number }

/** The largest constant that moves from an address into an offset: the two wrap differently (dialect.md §2). */
const LARGEST_OFFSET = 0x10000

/** The value of `object.member`. */
export function readMember(unit: Unit, e: ts.PropertyAccessExpression): string {
  const { model } = unit
  const layout = layoutAt(model, e.expression)
  if (layout == null) {
    refuseMember(unit, e)
    return '0'
  }
  const field = layout.fields.get(e.name.text)
  if (field == null) return readGetter(unit, e)
  const place = placeOf(unit, e.expression)
  if (field.held === 'inside') return addressText(move(place, field.offset))
  return mark(e) + load(unit, field, move(place, field.offset))
}

/** The text of an address. */
function addressText({ base, index, offset }: Place): string {
  const indexed = index == null ? base : `${parenthesized(base)} + ${parenthesized(index)}`
  return offset === 0 ? indexed : `${parenthesized(indexed)} + ${offset}`
}

/** The text of what a load or a store adds to the base. */
function offsetText({ index, offset }: Place): string {
  if (index == null) return String(offset)
  return offset === 0 ? index : `${parenthesized(index)} + ${offset}`
}

/** The text of an address that may be a sum: for nth, plus, and structs held by value. */
export function address(unit: Unit, e: ts.Expression): string {
  return addressText(placeOf(unit, e))
}

/** The address that an expression is, taken apart. */
function placeOf(unit: Unit, expression: ts.Expression): Place {
  const { model } = unit
  const e = bare(expression)
  if (ts.isPropertyAccessExpression(e)) {
    const field = layoutAt(model, e.expression)?.fields.get(e.name.text)
    if (field?.held === 'inside') return move(placeOf(unit, e.expression), field.offset)
  }
  const word = model.vocabularyCall(e)
  if (ts.isCallExpression(e) && word != null) {
    const [from, count] = e.arguments
    if (from != null && (word === 'at' || word === 'address')) return placeOf(unit, from)
    const size = word === 'nth' ? layoutAt(model, e)?.size : undefined
    if (from != null && count != null && size != null) return element(unit, placeOf(unit, from), count, size)
    if (from != null && count != null && word === 'plus') return advance(unit, placeOf(unit, from), count)
  }
  return { base: value(unit, expression), index: null, offset: 0 }
}

/** The struct `index` places further: an index is never negative, so it may go into an offset. */
function element(unit: Unit, place: Place, index: ts.Expression, size: number): Place {
  const constant = constantOf(unit.model, index)
  if (constant != null) return moveFar(place, Math.imul(constant.value, size))
  const bytes = size === 1 ? value(unit, index) : `${operand(unit, index)} * ${size}`
  const sum = place.index == null ? bytes : `${parenthesized(place.index)} + ${parenthesized(bytes)}`
  return { base: place.base, index: sum, offset: place.offset }
}

/** `bytes` further, or back: they wrap with the address. */
function advance(unit: Unit, place: Place, bytes: ts.Expression): Place {
  const constant = constantOf(unit.model, bytes)
  if (constant != null) return moveFar(place, constant.value)
  return { base: `${parenthesized(addressText(place))} + ${operand(unit, bytes)}`, index: null, offset: 0 }
}

function moveFar(place: Place, bytes: number): Place {
  if (bytes >= 0 && bytes <= LARGEST_OFFSET) return move(place, bytes)
  const base = `${parenthesized(place.base)} ${bytes < 0 ? '-' : '+'} ${Math.abs(bytes)}`
  return { ...place, base }
}

function move(place: Place, bytes: number): Place {
  return { ...place, offset: place.offset + bytes }
}

function load(unit: Unit, field: Field, place: Place): string {
  const bits = field.width * 8
  const isNarrow = field.width < 4
  const intrinsic = (name: string): string => `${unit.imports.intrinsic(name)}(${place.base}, ${offsetText(place)})`
  const swap = (text: string): string => `${unit.imports.intrinsic('byteSwap32')}(${text})`
  const spare = 32 - bits
  const extend = (text: string): string => field.signed && isNarrow ? `(${text} << ${spare}) >> ${spare}` : text
  const isSwapped = field.bigEndian && field.width > 1
  if (field.volatile) {
    const text = intrinsic(`loadVolatile${bits}`)
    if (!isSwapped) return extend(text)
    if (!isNarrow) return swap(text)
    return field.signed ? `${swap(text)} >> 16` : `${unit.imports.intrinsic('ushr')}(${swap(text)}, 16)`
  }
  if (isSwapped) return extend(intrinsic(`loadBe${bits}`))
  return intrinsic(field.signed && isNarrow ? `loadSigned${bits}` : `load${bits}`)
}

function store(unit: Unit, field: Field, place: Place, text: string): string {
  const bits = field.width * 8
  const isSwapped = field.bigEndian && field.width > 1
  if (field.volatile && isSwapped) {
    const swapped = `${unit.imports.intrinsic('byteSwap32')}(${text})`
    text = bits === 32 ? swapped : `${unit.imports.intrinsic('ushr')}(${swapped}, 16)`
  }
  const name = field.volatile ? `storeVolatile${bits}` : isSwapped ? `storeBe${bits}` : `store${bits}`
  return `${unit.imports.intrinsic(name)}(${place.base}, ${offsetText(place)}, ${text})`
}

/** A getter, a static getter, or what is none of a struct's members: PY1211. */
function readGetter(unit: Unit, e: ts.PropertyAccessExpression): string {
  const getter = unit.model.symbolOf(e)?.declarations?.find(ts.isGetAccessorDeclaration)
  if (getter == null) {
    report(unit, e, unit.model.symbolOf(e)?.declarations?.some(ts.isMethodDeclaration) === true ? 'PY1211' : 'PY1210',
      e.name.text, e.expression.getText())
    return '0'
  }
  const name = unit.imports.method(getter.parent as ts.ClassDeclaration, e.name.text)
  return `${mark(e)}${name}(${address(unit, e.expression)})`
}

/** `x.member` where x is no struct: a static getter, or PY1211, PY1210. */
function refuseMember(unit: Unit, e: ts.PropertyAccessExpression): void {
  const type = unit.model.checker.getTypeAtLocation(e.expression)
  const isMethod = unit.model.symbolOf(e)?.declarations?.some(ts.isMethodDeclaration) === true
  const isModule = ((unit.model.symbolOf(e.expression)?.flags ?? 0) & ts.SymbolFlags.Module) !== 0
  if (isUnknownType(type) || isModule || isRefused(unit.model, bare(e.expression))) return
  if (isMethod) report(unit, e, 'PY1211', e.name.text)
  else report(unit, e, 'PY1210', e.name.text, unit.model.checker.typeToString(type))
}

/** What a statement does to a member: `right` is null for ++ and --, which add `by`. */
interface Change {
  readonly node: ts.Expression
  readonly target: ts.PropertyAccessExpression
  readonly assignment: ts.BinaryExpression | null
  readonly by: number
}

/** The statement that assigns to, or steps, a member of a struct, in lines of text; null if `e` does neither. */
export function changeMember(unit: Unit, e: ts.Expression): string[] | null {
  const change = changeOf(e)
  if (change == null) return null
  const { target } = change
  const layout = layoutAt(unit.model, target.expression)
  if (layout == null) {
    refuseMember(unit, target)
    return []
  }
  const field = layout.fields.get(target.name.text)
  if (field?.held === 'inside') {
    report(unit, target, 'PY1209', target.name.text)
    return []
  }
  const isRead = change.assignment == null || operatorOf(change.assignment.operatorToken.kind) != null
  const { lines, place } = isRead ? evaluatedOnce(unit, target) : evaluated(unit, target)
  const text = field == null ? setter(unit, change, place) : changed(unit, change, field, move(place, field.offset))
  if (lines.length === 0) return [text]
  return ['{', ...[...lines, text].map(each => `  ${each}`), '}']
}

function changeOf(expression: ts.Expression): Change | null {
  const e = ts.isParenthesizedExpression(expression) ? bare(expression) : expression
  if (ts.isBinaryExpression(e)) {
    const target = bare(e.left)
    const operator = e.operatorToken.kind
    const isKnown = operator === ts.SyntaxKind.EqualsToken || operatorOf(operator) != null
    return isKnown && ts.isPropertyAccessExpression(target) ? { node: e, target, assignment: e, by: 0 } : null
  }
  if (!ts.isPrefixUnaryExpression(e) && !ts.isPostfixUnaryExpression(e)) return null
  const target = bare(e.operand)
  const by = e.operator === ts.SyntaxKind.PlusPlusToken ? 1 : e.operator === ts.SyntaxKind.MinusMinusToken ? -1 : 0
  return by !== 0 && ts.isPropertyAccessExpression(target) ? { node: e, target, assignment: null, by } : null
}

function evaluated(unit: Unit, target: ts.PropertyAccessExpression): { lines: string[]; place: Place } {
  return { lines: [], place: placeOf(unit, target.expression) }
}

/** The object of a read and a write; if computing it has effects, it is kept in a constant. */
function evaluatedOnce(unit: Unit, target: ts.PropertyAccessExpression): { lines: string[]; place: Place } {
  if (isPure(unit, target.expression)) return evaluated(unit, target)
  const place = placeOf(unit, target.expression)
  const name = unit.imports.free(`object$${unit.temporaries++}`)
  const object = addressText({ ...place, offset: 0 })
  return { lines: [`const ${name} = ${object}`], place: { base: name, index: null, offset: place.offset } }
}

function changed(unit: Unit, change: Change, field: Field, place: Place): string {
  if (change.assignment?.operatorToken.kind === ts.SyntaxKind.EqualsToken) checkFit(unit, change.assignment.right, field)
  return store(unit, field, place, newValue(unit, change, () => load(unit, field, place)))
}

/** A constant stored into a field keeps its value, read as signed or as unsigned: PY1110. */
function checkFit(unit: Unit, e: ts.Expression, field: Field): void {
  const value = constantOf(unit.model, e)?.value ?? 0
  const bits = field.width * 8
  const fits = bits >= 32 || value >= -(2 ** (bits - 1)) && value < 2 ** bits
  if (!fits) report(unit, e, 'PY1110', value, bits, field.name)
}

function setter(unit: Unit, change: Change, place: Place): string {
  const { target } = change
  const declarations = unit.model.symbolOf(target)?.declarations
  const declaration = declarations?.find(ts.isSetAccessorDeclaration)
  const getter = declarations?.find(ts.isGetAccessorDeclaration)
  if (declaration == null) {
    report(unit, target, 'PY1210', target.name.text, target.expression.getText())
    return ''
  }
  const owner = declaration.parent as ts.ClassDeclaration
  const object = addressText(place)
  const read = (): string => {
    if (getter == null) report(unit, target, 'PY1210', target.name.text, nameOf(owner))
    return `${unit.imports.method(owner, target.name.text)}(${object})`
  }
  return `${unit.imports.method(owner, `set_${target.name.text}`)}(${object}, ${newValue(unit, change, read)})`
}

function newValue(unit: Unit, { assignment, by }: Change, read: () => string): string {
  if (assignment == null) return `${parenthesized(read())} ${by < 0 ? '-' : '+'} 1`
  const operator = operatorOf(assignment.operatorToken.kind)
  if (operator == null) return value(unit, assignment.right)
  return unwrapped(operate(unit, assignment, operator, parenthesized(read()), operand(unit, assignment.right)))
}

const ADDRESSING: ReadonlySet<string> = new Set(['at', 'address', 'plus', 'nth'])

/** Can this address be computed twice, with nothing done and the same result? */
export function isPure(unit: Unit, expression: ts.Expression): boolean {
  const { model } = unit
  const e = bare(expression)
  if (ts.isIdentifier(e) || e.kind === ts.SyntaxKind.ThisKeyword || constantOf(model, e) != null) return true
  if (ts.isPropertyAccessExpression(e)) {
    const field = layoutAt(model, e.expression)?.fields.get(e.name.text)
    return field != null && !(field.volatile && field.held === 'value') && isPure(unit, e.expression)
  }
  if (ts.isCallExpression(e)) {
    const word = model.vocabularyCall(e)
    return word != null && ADDRESSING.has(word) && e.arguments.every(each => isPure(unit, each))
  }
  return ts.isBinaryExpression(e) && e.operatorToken.kind < ts.SyntaxKind.FirstAssignment &&
    isPure(unit, e.left) && isPure(unit, e.right)
}
