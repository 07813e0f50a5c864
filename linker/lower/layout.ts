// From class declarations to memory layouts: the spelling of each field's type gives width, sign and byte order.
//
//   @wire(n)    somebody else's layout: packed, read unaligned, exactly n bytes
//   @mmio(n)    device registers: as wire, each aligned to its width, every access volatile
//   @struct     kernel data: naturally aligned; padding is written, never implied

import ts from 'typescript'
import { constantOf, constantOfType } from './constants.ts'
import { hasModifier, type Model, type StructKind } from './model.ts'

/** How a field is accessed. */
export interface Field {
  readonly name: string
  /** Bytes from the start of the struct. */
  readonly offset: number
  /** Bytes. */
  readonly width: number
  readonly signed: boolean
  readonly bigEndian: boolean
  readonly volatile: boolean
  /** 'value' is loaded and stored; 'inside' is held by value, so naming it gives its address. */
  readonly held: 'value' | 'inside'
}

export interface Layout {
  readonly name: string
  readonly kind: StructKind
  /** Bytes, a multiple of `align`. */
  readonly size: number
  readonly align: number
  readonly fields: ReadonlyMap<string, Field>
}

type Shape = Omit<Field, 'name' | 'offset' | 'volatile'> & { readonly align: number }

const SCALARS: Record<string, { width: number; signed: boolean }> = {
  u8: { width: 1, signed: false }, u16: { width: 2, signed: false }, u32: { width: 4, signed: false },
  i8: { width: 1, signed: true }, i16: { width: 2, signed: true }, i32: { width: 4, signed: true },
  bool: { width: 1, signed: false }, ptr: { width: 4, signed: false }, cstring: { width: 4, signed: false },
}
const ADDRESS: Shape = { width: 4, align: 4, signed: false, bigEndian: false, held: 'value' }

/** The layout of a struct class; null if it has none, or holds itself, which is then complained about. */
export function layoutOf(model: Model, declaration: ts.ClassDeclaration): Layout | null {
  const known = model.layouts.get(declaration)
  if (known === 'in progress') {
    model.complaints.report(declaration.name ?? declaration, 'PY1205', nameOf(declaration))
    return null
  }
  if (known !== undefined) return known
  model.layouts.set(declaration, 'in progress')
  const layout = measure(model, declaration)
  model.layouts.set(declaration, layout)
  return layout
}

/** The layout of the struct that a type argument names: the T of `sizeof<T>()`. */
export function layoutOfTypeNode(model: Model, node: ts.TypeNode | undefined): Layout | null {
  if (node == null || !ts.isTypeReferenceNode(node)) return null
  const declaration = model.structClass(model.symbolOf(node.typeName))
  return declaration == null ? null : layoutOf(model, declaration)
}

/** The layout of the struct whose address an expression is. */
export function layoutAt(model: Model, e: ts.Expression): Layout | null {
  const declaration = model.structAt(e)
  return declaration == null ? null : layoutOf(model, declaration)
}

export function nameOf(declaration: ts.ClassDeclaration): string {
  return declaration.name?.text ?? 'class'
}

function measure(model: Model, declaration: ts.ClassDeclaration): Layout | null {
  const mark = model.structMark(declaration)
  if (mark == null) return null
  const name = nameOf(declaration)
  const fields = new Map<string, Field>()
  let offset = 0
  let align = 1
  for (const member of declaration.members) {
    if (!ts.isPropertyDeclaration(member) || isStatic(member) || member.type == null) continue
    const field = member.name.getText()
    const known = shapeOf(model, member.type)
    if (known == null) model.complaints.report(member, 'PY1202', field, member.type.getText())
    const shape = known ?? ADDRESS // so that what uses the field is not complained about as well
    checkPlace(model, member, mark.kind, shape, offset, name)
    if (mark.kind === 'struct') {
      align = Math.max(align, shape.align)
      offset = alignUp(offset, shape.align)
    }
    const { align: _, ...access } = shape
    fields.set(field, { ...access, name: field, offset, volatile: mark.kind === 'mmio' })
    offset += shape.width
  }
  checkSize(model, declaration, mark, offset, align)
  return { name, kind: mark.kind, size: alignUp(offset, align), align, fields }
}

function checkPlace(
  model: Model, member: ts.PropertyDeclaration, kind: StructKind, shape: Shape, offset: number, struct: string,
): void {
  const field = member.name.getText()
  const hidden = alignUp(offset, shape.align) - offset
  if (kind === 'struct' && hidden > 0) model.complaints.report(member, 'PY1204', hidden, `before '${field}'`, struct)
  if (kind === 'mmio' && shape.held === 'value' && offset % shape.width !== 0) {
    model.complaints.report(member, 'PY1206', field, offset, shape.width)
  }
}

function checkSize(
  model: Model, declaration: ts.ClassDeclaration, mark: { kind: StructKind; size: ts.Expression | null },
  bytes: number, align: number,
): void {
  const name = nameOf(declaration)
  const node = declaration.name ?? declaration
  const hidden = alignUp(bytes, align) - bytes
  if (hidden > 0) model.complaints.report(node, 'PY1204', hidden, 'at the end', name)
  if (mark.kind === 'struct' || mark.size == null) return
  const size = constantOf(model, mark.size)
  if (size?.value !== bytes) model.complaints.report(node, 'PY1203', mark.kind, mark.size.getText(), name, bytes)
}

/** Follow the spelling of a type down to a width; null if it has none. */
function shapeOf(model: Model, node: ts.TypeNode): Shape | null {
  if (ts.isParenthesizedTypeNode(node)) return shapeOf(model, node.type)
  if (ts.isFunctionTypeNode(node)) return ADDRESS
  if (ts.isIntersectionTypeNode(node)) return shapeOf(model, node.types[0]!) // a branded scalar
  if (ts.isUnionTypeNode(node)) {
    const rest = node.types.filter(each => !isNull(each))
    return rest.length === 1 ? shapeOf(model, rest[0]!) : null
  }
  if (!ts.isTypeReferenceNode(node)) return null
  const symbol = model.symbolOf(node.typeName)
  const word = model.vocabulary(symbol)
  if (word != null && word in SCALARS) return scalar(word)
  if (word != null && node.typeArguments != null) return modified(model, word, node.typeArguments)
  if (model.structClass(symbol) != null) return ADDRESS
  const alias = symbol?.declarations?.find(ts.isTypeAliasDeclaration)
  return alias == null || alias.typeParameters != null ? null : shapeOf(model, alias.type)
}

function isNull(node: ts.TypeNode): boolean {
  return ts.isLiteralTypeNode(node) && node.literal.kind === ts.SyntaxKind.NullKeyword
}

function scalar(word: string): Shape {
  const { width, signed } = SCALARS[word]!
  return { width, align: width, signed, bigEndian: false, held: 'value' }
}

/** Be<T>, Le<T>, Stored<Width, T>, Embed<T>, Row<T, N>, Bytes<N>. */
function modified(model: Model, word: string, types: ts.NodeArray<ts.TypeNode>): Shape | null {
  const [first, second] = types
  if (first == null || word === 'Row' && second == null) return ADDRESS // TypeScript complained
  if (word === 'Be' || word === 'Le') {
    const shape = shapeOf(model, first)
    return shape == null || shape.held === 'inside' ? null : { ...shape, bigEndian: word === 'Be' }
  }
  if (word === 'Stored') return shapeOf(model, first)
  if (word === 'Bytes') return inside(count(model, first), 1, 1)
  if (word !== 'Embed' && word !== 'Row') return null
  const inner = layoutOfTypeNode(model, first)
  const isStruct = ts.isTypeReferenceNode(first) && model.structClass(model.symbolOf(first.typeName)) != null
  if (inner == null) return isStruct ? ADDRESS : null // a struct without a layout was complained about
  return inside(word === 'Row' ? count(model, second!) : 1, inner.size, inner.align)
}

function inside(number: number | null, size: number, align: number): Shape | null {
  return number == null ? null : { width: number * size, align, signed: false, bigEndian: false, held: 'inside' }
}

/** The N of Bytes<N> and Row<T, N>: a literal, an enum member, or typeof a constant. */
function count(model: Model, node: ts.TypeNode): number | null {
  const number = constantOfType(model, node)
  if (number != null && number > 0) return number
  model.complaints.report(node, 'PY1215', node.getText())
  return 1
}

function alignUp(bytes: number, align: number): number {
  return Math.ceil(bytes / align) * align
}

export function isStatic(member: ts.ClassElement): boolean {
  return hasModifier(member, ts.SyntaxKind.StaticKeyword)
}
