// One file while it is lowered: the shared model, and the names it needs from elsewhere.

import path from 'node:path'
import ts from 'typescript'
import type { RuleNumber } from './diagnostics.ts'
import { nameOf } from './layout.ts'
import type { Model } from './model.ts'

/** Where intrinsics come from, in lowered text. */
export const INTRINSICS = 'porphyry:intrinsics'

/** What lowering one file carries around. */
export interface Unit {
  readonly model: Model
  readonly file: ts.SourceFile
  readonly imports: Imports
  /** Loops, ifs and switches around the statement being lowered. */
  nesting: number
  /** Does the function being lowered return something? */
  hasValue: boolean
  /** Temporaries made so far in this file. */
  temporaries: number
}

export function report(unit: Unit, node: ts.Node, rule: RuleNumber, ...values: (string | number)[]): void {
  unit.model.complaints.report(node, rule, ...values)
}

interface Imported { readonly from: string; readonly name: string; readonly local: string }

/** The imports a lowered file needs: those of the source that are used at run time, intrinsics, methods. */
export class Imports {
  readonly #model: Model
  readonly #file: ts.SourceFile
  readonly #declared: ReadonlyMap<string, readonly ts.Node[]>
  readonly #used = new Map<string, Imported>()

  constructor(model: Model, file: ts.SourceFile) {
    this.#model = model
    this.#file = file
    this.#declared = declaredNames(file)
  }

  /** An identifier of the source is used as a value: if it was imported, keep that import. */
  use(identifier: ts.Identifier): void {
    const symbol = this.#model.checker.getSymbolAtLocation(identifier)
    const specifier = symbol?.declarations?.find(ts.isImportSpecifier)
    if (specifier == null) return
    const intrinsic = this.#model.intrinsic(this.#model.resolve(symbol!))
    const module = specifier.parent.parent.parent.moduleSpecifier as ts.StringLiteral
    const name = intrinsic ?? (specifier.propertyName ?? specifier.name).text
    this.#add({ from: intrinsic == null ? module.text : INTRINSICS, name, local: specifier.name.text })
  }

  /** The name here of an intrinsic that lowering itself calls. */
  intrinsic(name: string): string {
    const local = this.#isTaken(name, name) ? `${name}$` : name
    this.#add({ from: INTRINSICS, name, local })
    return local
  }

  /** The name here of the function that a method of a struct class became: Class_method. */
  method(declaration: ts.ClassDeclaration, method: string): string {
    const name = `${nameOf(declaration)}_${method}`
    const from = declaration.getSourceFile()
    if (from === this.#file) return name
    const specifier = relativeSpecifier(this.#file.fileName, from.fileName)
    const same = [...this.#used.values()].find(each => each.from === specifier && each.name === name)
    if (same != null) return same.local
    let local = name
    while (this.#declared.has(local) || this.#used.has(local)) local += '$'
    this.#add({ from: specifier, name, local })
    return local
  }

  /** A name that nothing in this file has. */
  free(name: string): string {
    while (this.#declared.has(name)) name += '$'
    return name
  }

  /** Import declarations, one for each module, in order of first use. */
  lines(): string[] {
    const modules = new Map<string, string[]>()
    for (const { from, name, local } of this.#used.values()) {
      const names = modules.get(from) ?? []
      names.push(name === local ? name : `${name} as ${local}`)
      modules.set(from, names)
    }
    return [...modules].map(([from, names]) => `import { ${names.sort().join(', ')} } from ${JSON.stringify(from)}`)
  }

  #add(imported: Imported): void {
    this.#used.set(imported.local, imported)
  }

  /** Does the file use `local` for something else than the intrinsic of that name? */
  #isTaken(local: string, intrinsic: string): boolean {
    return this.#declared.get(local)?.some(name => {
      const symbol = this.#model.symbolOf(name)
      const isGone = this.#model.vocabulary(symbol) != null // a name of layout.ts, gone after lowering
      return !ts.isImportSpecifier(name.parent) || !isGone && this.#model.intrinsic(symbol) !== intrinsic
    }) === true
  }
}

/** Every name that a declaration in the file gives to something with a value. */
function declaredNames(file: ts.SourceFile): Map<string, ts.Node[]> {
  const names = new Map<string, ts.Node[]>()
  const visit = (node: ts.Node): void => {
    const isDeclaration = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) || ts.isClassDeclaration(node)
    if (isDeclaration && node.name != null && ts.isIdentifier(node.name)) {
      names.set(node.name.text, [...names.get(node.name.text) ?? [], node.name])
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return names
}

function relativeSpecifier(from: string, to: string): string {
  const relative = path.relative(path.dirname(from), to)
  return relative.startsWith('.') ? relative : `./${relative}`
}
