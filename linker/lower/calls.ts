// Calls: of the vocabulary (at, nth, sizeof …), of intrinsics, of functions and methods, and through references.

import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { constantOf } from './constants.ts'
import { operand, value } from './expressions.ts'
import { address, isPure } from './fields.ts'
import { layoutAt, layoutOfTypeNode, isStatic } from './layout.ts'
import { bare, isNothing } from './model.ts'
import { mark } from './text.ts'
import { report, type Unit } from './unit.ts'

/** The text of a call. */
export function call(unit: Unit, e: ts.CallExpression): string {
  const callee = bare(e.expression)
  if (ts.isPropertyAccessExpression(callee)) return callMember(unit, e, callee)
  if (!ts.isIdentifier(callee)) {
    if (ts.isCallExpression(callee)) return callReference(unit, e, callee)
    report(unit, e, 'PY1029', 'a call of this')
    return '0'
  }
  const symbol = unit.model.symbolOf(callee)
  const word = unit.model.vocabulary(symbol)
  if (word != null) return callVocabulary(unit, e, word)
  const declaration = symbol?.valueDeclaration
  if (declaration == null || !ts.isFunctionDeclaration(declaration)) return callReference(unit, e, callee)
  unit.imports.use(callee)
  if (unit.model.intrinsic(symbol) === 'linkerSymbol') return linkerSymbol(unit, e, callee)
  return `${mark(e)}${callee.text}(${list(unit, e)})`
}

function list(unit: Unit, e: ts.CallExpression): string {
  return e.arguments.map(each => value(unit, each)).join(', ')
}

/** The name goes to the linker, not into the string table. */
function linkerSymbol(unit: Unit, e: ts.CallExpression, callee: ts.Identifier): string {
  const name = e.arguments[0]
  const text = name != null && ts.isStringLiteral(name) ? name.text : null
  if (text == null) report(unit, e, 'PY1029', 'linkerSymbol of what is no string literal')
  return `${mark(e)}${callee.text}(${JSON.stringify(text ?? '')})`
}

/** A method, a static method, or a function reference in a field. */
function callMember(unit: Unit, e: ts.CallExpression, callee: ts.PropertyAccessExpression): string {
  const method = unit.model.symbolOf(callee)?.declarations?.find(ts.isMethodDeclaration)
  if (method == null) return callReference(unit, e, callee)
  const owner = method.parent as ts.ClassDeclaration
  if (unit.model.structMark(owner) == null) return '0'
  const name = unit.imports.method(owner, callee.name.text)
  const object = isStatic(method) ? [] : [address(unit, callee.expression)]
  return `${mark(e)}${name}(${[...object, ...e.arguments.map(each => value(unit, each))].join(', ')})`
}

/** A call through a value of function type. */
function callReference(unit: Unit, e: ts.CallExpression, callee: ts.Expression): string {
  const { checker } = unit.model
  const type = checker.getNonNullableType(checker.getTypeAtLocation(callee))
  if (type.flags & ts.TypeFlags.Any) return '0'
  const isVoid = isNothing(checker.getTypeAtLocation(e))
  const name = unit.imports.intrinsic(isVoid ? 'callReferenceVoid' : 'callReference')
  return `${mark(e)}${name}(${[value(unit, callee), ...e.arguments.map(each => value(unit, each))].join(', ')})`
}

const LEAST_ARGUMENTS: Record<string, number> = { at: 1, address: 1, plus: 2, nth: 2, distance: 2 }

/** The functions of layout.ts: most are nothing, or an addition. */
function callVocabulary(unit: Unit, e: ts.CallExpression, word: string): string {
  if (e.arguments.length < (LEAST_ARGUMENTS[word] ?? 0)) return '0' // TypeScript complained
  switch (word) {
    case 'at':
    case 'address':
    case 'plus':
      return address(unit, e)
    case 'nth':
      if (layoutAt(unit.model, e) != null) return address(unit, e)
      report(unit, e, 'PY1213', word)
      return '0'
    case 'distance':
      return distance(unit, e)
    case 'sizeof':
    case 'offsetof':
      refuseMeasure(unit, e, word)
      return '0'
    default:
      report(unit, e, 'PY1403', word)
      return '0'
  }
}

/** `to - from`, with `from` computed first if it matters. */
function distance(unit: Unit, e: ts.CallExpression): string {
  const [from, to] = [e.arguments[0]!, e.arguments[1]!]
  if (isPure(unit, from) || isPure(unit, to)) return `${operand(unit, to)} - ${operand(unit, from)}`
  return `(0 - ${operand(unit, from)}) + ${operand(unit, to)}`
}

/** sizeof and offsetof are constants: one that got here has no struct, or no such field. */
function refuseMeasure(unit: Unit, e: ts.CallExpression, word: string): void {
  if (layoutOfTypeNode(unit.model, e.typeArguments?.[0]) == null) report(unit, e, 'PY1213', word)
  else report(unit, e, 'PY1214', e.arguments[0]?.getText() ?? '')
}

/** The text of the initialiser staticMemory, staticStruct, staticRow or staticText; null if `e` is none. PY1408, PY1409. */
export function staticMemory(unit: Unit, expression: ts.Expression): string | null {
  const e = bare(expression)
  const word = unit.model.vocabularyCall(e)
  if (!ts.isCallExpression(e) || word == null || !word.startsWith('static')) return null
  if (word === 'staticText') return staticText(unit, e)
  const size = word === 'staticMemory' ? measured(unit, e) : layoutOfStatic(unit, e, word)
  if (size == null) return '0'
  return `/* @__PURE__ */ ${unit.imports.intrinsic('staticMemory')}(${size.bytes}, ${size.align})`
}

/** A string literal with the text of a file beside the source. */
function staticText(unit: Unit, e: ts.CallExpression): string {
  const name = e.arguments[0]
  const file = name != null && ts.isStringLiteral(name) ? path.resolve(path.dirname(unit.file.fileName), name.text) : null
  const text = file != null && fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null
  if (file == null || text == null || text.includes('\0')) {
    report(unit, e, 'PY1409')
    return '0'
  }
  unit.model.texts.add(file)
  return `/* @__PURE__ */ ${unit.imports.intrinsic('cstr')}(${JSON.stringify(text)})`
}

/** Every static is aligned to 8 bytes at least, so that whole words can be copied. */
const LEAST_ALIGNMENT = 8
const LARGEST_ALIGNMENT = 4096

function measured(unit: Unit, e: ts.CallExpression): { bytes: number; align: number } | null {
  const bytes = e.arguments[0] == null ? 0 : constantOf(unit.model, e.arguments[0])?.value ?? 0
  const align = e.arguments[1] == null ? LEAST_ALIGNMENT : constantOf(unit.model, e.arguments[1])?.value ?? 0
  const isAlignment = align > 0 && align <= LARGEST_ALIGNMENT && (align & (align - 1)) === 0
  if (bytes > 0 && isAlignment) return { bytes, align: Math.max(align, LEAST_ALIGNMENT) }
  report(unit, e, 'PY1408')
  return null
}

function layoutOfStatic(unit: Unit, e: ts.CallExpression, word: string): { bytes: number; align: number } | null {
  const layout = layoutAt(unit.model, e)
  if (layout == null) {
    report(unit, e, 'PY1213', word)
    return null
  }
  const number = e.arguments[0]
  const count = word !== 'staticRow' ? 1 : number == null ? 0 : constantOf(unit.model, number)?.value ?? 0
  if (count > 0) return { bytes: layout.size * count, align: Math.max(layout.align, LEAST_ALIGNMENT) }
  report(unit, e, 'PY1408')
  return null
}
