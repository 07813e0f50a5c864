// The top level of a file: imports and exports, functions, globals, struct classes, enums.

import ts from 'typescript'
import { staticMemory } from './calls.ts'
import { constantOf } from './constants.ts'
import { value } from './expressions.ts'
import { layoutOf, nameOf, isStatic } from './layout.ts'
import { bare, hasModifier, isNothing, type Callable, type Model } from './model.ts'
import { functionBody } from './statements.ts'
import { isRefused } from './rules.ts'
import { mark, markEnd } from './text.ts'
import { Imports, INTRINSICS, report, type Unit } from './unit.ts'

const K = ts.SyntaxKind

/** What the compiler was seen to take; more would also be hard to read. */
const MAXIMUM_PARAMETERS = 20

/** The lowered text of a file, with marks. */
export function lowerFile(model: Model, file: ts.SourceFile): string {
  const unit: Unit = { model, file, imports: new Imports(model, file), nesting: 0, hasValue: false, temporaries: 0 }
  const lines = file.statements.flatMap(each => isRefused(model, each) ? [] : declaration(unit, each))
  return [...unit.imports.lines(), ...lines, ''].join('\n')
}

function declaration(unit: Unit, s: ts.Statement): string[] {
  switch (s.kind) {
    case K.EmptyStatement:
    case K.TypeAliasDeclaration: return []
    case K.ImportDeclaration: return importDeclaration(unit, s as ts.ImportDeclaration)
    case K.ExportDeclaration: return exportDeclaration(unit, s as ts.ExportDeclaration)
    case K.ExportAssignment:
      report(unit, s, 'PY1404', 'default')
      return []
    case K.FunctionDeclaration: return functionDeclaration(unit, s as ts.FunctionDeclaration)
    case K.VariableStatement: return globals(unit, s as ts.VariableStatement)
    case K.ClassDeclaration: return structClass(unit, s as ts.ClassDeclaration)
    case K.EnumDeclaration: return enumDeclaration(unit, s as ts.EnumDeclaration)
    default:
      report(unit, s, 'PY1401')
      return []
  }
}

// --- Modules. --------------------------------------------------------------------------------------------

/** Imports are written anew from what is used; here they are only checked. */
function importDeclaration(unit: Unit, s: ts.ImportDeclaration): string[] {
  const clause = s.importClause
  if (clause == null) report(unit, s, 'PY1404', 'side-effect')
  else if (clause.name != null) report(unit, s, 'PY1404', 'default')
  else if (clause.namedBindings?.kind === K.NamespaceImport) report(unit, s, 'PY1404', 'namespace')
  return []
}

/** Named exports of what exists at run time. */
function exportDeclaration(unit: Unit, s: ts.ExportDeclaration): string[] {
  if (s.isTypeOnly) return []
  const from = s.moduleSpecifier != null && ts.isStringLiteral(s.moduleSpecifier) ? s.moduleSpecifier.text : null
  if (s.exportClause == null) return [`${mark(s)}export * from ${JSON.stringify(from)}`]
  if (!ts.isNamedExports(s.exportClause)) {
    report(unit, s, 'PY1404', 'namespace')
    return []
  }
  return s.exportClause.elements.flatMap(each => exported(unit, each, from))
}

function exported(unit: Unit, specifier: ts.ExportSpecifier, from: string | null): string[] {
  const symbol = unit.model.checker.getExportSpecifierLocalTargetSymbol(specifier)
  const target = symbol == null ? null : unit.model.resolve(symbol)
  const isValue = target != null && (target.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable)) !== 0
  if (!isValue || specifier.isTypeOnly || unit.model.vocabulary(target) != null) return []
  const intrinsic = unit.model.intrinsic(target)
  const name = intrinsic ?? (specifier.propertyName ?? specifier.name).text
  const as = name === specifier.name.text ? name : `${name} as ${specifier.name.text}`
  const source = intrinsic != null ? INTRINSICS : from
  if (source != null) return [`${mark(specifier)}export { ${as} } from ${JSON.stringify(source)}`]
  const local = specifier.propertyName ?? specifier.name
  const importing = symbol?.declarations?.find(ts.isImportSpecifier)
  if (importing != null) unit.imports.use(importing.name)
  return ts.isIdentifier(local) ? [`${mark(specifier)}export { ${as} }`] : []
}

// --- Functions. ------------------------------------------------------------------------------------------

function functionDeclaration(unit: Unit, s: ts.FunctionDeclaration): string[] {
  if (hasModifier(s, K.DefaultKeyword) || s.name == null) {
    report(unit, s, 'PY1404', 'default')
    return []
  }
  return callable(unit, s, s.name.text, [], hasModifier(s, K.ExportKeyword))
}

/** The lines of a function; `first` are parameters that come before its own. */
function callable(unit: Unit, f: Callable, name: string, first: string[], isExported: boolean): string[] {
  if (!checkCallable(unit, f, name, first.length)) return []
  const parameters = [...first, ...f.parameters.map(each => ts.isIdentifier(each.name) ? each.name.text : '_')]
  const head = `${isExported ? 'export ' : ''}function ${name}(${parameters.join(', ')}) {`
  return [mark(f.name ?? f) + head, ...functionBody(unit, f.body!, hasValue(unit, f)), `${markEnd(f)}}`]
}

function hasValue(unit: Unit, f: Callable): boolean {
  return f.type != null && !isNothing(unit.model.checker.getTypeFromTypeNode(f.type))
}

/** Complain about what a function may not have; false if it can not be lowered. */
function checkCallable(unit: Unit, f: Callable, name: string, extra: number): boolean {
  const node = f.name ?? f
  if (hasModifier(f, K.AsyncKeyword)) report(unit, node, 'PY1016', 'async')
  if (!ts.isAccessor(f) && f.asteriskToken != null) report(unit, node, 'PY1017')
  if (f.typeParameters != null) report(unit, node, 'PY1302', name)
  if (f.type == null && !ts.isSetAccessorDeclaration(f)) report(unit, node, 'PY1301', name)
  const count = f.parameters.length + extra
  if (count > MAXIMUM_PARAMETERS) report(unit, node, 'PY1304', name, count, MAXIMUM_PARAMETERS)
  for (const each of f.parameters) {
    if (each.dotDotDotToken != null || each.questionToken != null || each.initializer != null) {
      report(unit, each, 'PY1020', each.name.getText())
    }
    if (each.name.getText() === 'this') report(unit, each, 'PY1307')
  }
  if (f.body == null || hasModifier(f, K.DeclareKeyword)) {
    report(unit, node, 'PY1303', name)
    return false
  }
  return true
}

// --- Globals. --------------------------------------------------------------------------------------------

function globals(unit: Unit, s: ts.VariableStatement): string[] {
  if (hasModifier(s, K.DeclareKeyword)) return ambient(unit, s)
  const kind = s.declarationList.flags & ts.NodeFlags.BlockScoped
  if (kind === 0) report(unit, s, 'PY1023')
  const word = kind === ts.NodeFlags.Const ? 'const' : 'let'
  const prefix = hasModifier(s, K.ExportKeyword) ? 'export ' : ''
  return s.declarationList.declarations.flatMap(each => ts.isIdentifier(each.name)
    ? [`${mark(each)}${prefix}${word} ${each.name.text} = ${initialiser(unit, each, word === 'const')}`] : [])
}

/** `declare const brand: unique symbol`, the stuff of branded types; nothing else is declared elsewhere. */
function ambient(unit: Unit, s: ts.VariableStatement): string[] {
  for (const each of s.declarationList.declarations) {
    const isBrand = each.type != null && ts.isTypeOperatorNode(each.type) && each.type.operator === K.UniqueKeyword
    if (!isBrand) report(unit, each, 'PY1303', each.name.getText())
  }
  return []
}

function initialiser(unit: Unit, d: ts.VariableDeclaration, isConst: boolean): string {
  const e = d.initializer
  if (e == null) {
    report(unit, d, 'PY1402', d.name.getText())
    return '0'
  }
  if (isRefused(unit.model, bare(e))) return '0'
  const memory = isConst ? staticMemory(unit, e) : null
  if (memory != null) return memory
  const isConstant = constantOf(unit.model, e) != null || bare(e).kind === K.NullKeyword
  if (isConstant) return value(unit, e)
  if (isAddressOfSomething(unit, bare(e))) return `/* @__PURE__ */ ${value(unit, e)}`
  const word = unit.model.vocabularyCall(bare(e))
  if (word?.startsWith('static') === true) report(unit, e, 'PY1403', word)
  else report(unit, e, 'PY1402', d.name.getText())
  return '0'
}

/** A string literal or a function's name. */
function isAddressOfSomething(unit: Unit, e: ts.Expression): boolean {
  if (ts.isStringLiteral(e)) return true
  const target = ts.isIdentifier(e) ? unit.model.symbolOf(e)?.valueDeclaration : undefined
  return target != null && ts.isFunctionDeclaration(target)
}

function enumDeclaration(unit: Unit, s: ts.EnumDeclaration): string[] {
  if (!hasModifier(s, K.ConstKeyword)) report(unit, s.name, 'PY1405', s.name.text)
  for (const each of s.members) {
    const constant = unit.model.checker.getConstantValue(each)
    const isInteger = typeof constant === 'number' && Number.isInteger(constant)
    const fits = isInteger && constant >= -0x80000000 && constant <= 0xffffffff
    if (!fits) report(unit, each, 'PY1406', each.name.getText())
  }
  return []
}

// --- Struct classes. -------------------------------------------------------------------------------------

/** Methods, getters and setters become functions that take the address first; the rest is layout. */
function structClass(unit: Unit, s: ts.ClassDeclaration): string[] {
  const name = nameOf(s)
  const node = s.name ?? s
  if (unit.model.structMark(s) == null) {
    report(unit, node, 'PY1201', name)
    return []
  }
  if (s.heritageClauses != null) report(unit, node, 'PY1208', name, 'extends or implements another')
  if (s.typeParameters != null) report(unit, node, 'PY1208', name, 'is generic')
  if (hasModifier(s, K.AbstractKeyword)) report(unit, node, 'PY1208', name, 'is abstract')
  layoutOf(unit.model, s)
  return s.members.flatMap(each => member(unit, each, name))
}

function member(unit: Unit, m: ts.ClassElement, owner: string): string[] {
  const name = m.name?.getText() ?? ts.SyntaxKind[m.kind]
  if (m.name != null && !ts.isIdentifier(m.name)) {
    report(unit, m, 'PY1207', name, 'its name is not a plain one')
    return []
  }
  const first = isStatic(m) ? [] : [unit.imports.free('self')]
  if (ts.isMethodDeclaration(m)) return callable(unit, m, `${owner}_${name}`, first, true)
  if (ts.isGetAccessorDeclaration(m) && !isStatic(m)) return callable(unit, m, `${owner}_${name}`, first, true)
  if (ts.isSetAccessorDeclaration(m) && !isStatic(m)) return callable(unit, m, `${owner}_set_${name}`, first, true)
  if (ts.isPropertyDeclaration(m)) checkField(unit, m, name)
  else report(unit, m, 'PY1207', name, 'there are no constructors, static getters or index signatures')
  return []
}

function checkField(unit: Unit, m: ts.PropertyDeclaration, name: string): void {
  if (isStatic(m)) {
    const isConstant = m.initializer != null && hasModifier(m, K.ReadonlyKeyword) &&
      constantOf(unit.model, m.initializer) != null
    if (!isConstant) report(unit, m, 'PY1207', name, 'static, and not a readonly constant')
  } else if (m.initializer != null) report(unit, m, 'PY1207', name, 'memory is not initialised by its declaration')
  else if (hasModifier(m, K.AccessorKeyword)) report(unit, m, 'PY1207', name, 'memory has no accessor of its own')
  else if (m.questionToken != null) report(unit, m, 'PY1207', name, 'memory is always there')
  else if (m.type == null) report(unit, m, 'PY1207', name, 'it has no type')
}
