// What the passes share about one program: the type checker, and who is who. The vocabulary
// (kernel/lib/layout.ts) and the intrinsics (kernel/lib/intrinsics.ts) are known by the file they are declared
// in, never by their spelling alone.

import path from 'node:path'
import ts from 'typescript'
import type { Complaints } from './complaints.ts'
import type { Layout } from './layout.ts'

/** Which of the three kinds of memory layout a struct class is. */
export type StructKind = 'wire' | 'mmio' | 'struct'

/** A struct class's mark: `@struct`, `@wire(size)`, `@mmio(size)`; `size` is the argument, if there is one. */
export interface StructMark { readonly kind: StructKind; readonly size: ts.Expression | null }

export class Model {
  readonly layouts = new Map<ts.ClassDeclaration, Layout | 'in progress' | null>()
  /** Files that staticText named. */
  readonly texts = new Set<string>()
  readonly #layoutFile: string
  readonly #intrinsicsFile: string
  readonly #libraryFile: string

  /** `kernel` is the folder that holds lib/layout.ts. */
  constructor(readonly checker: ts.TypeChecker, readonly complaints: Complaints, kernel: string) {
    this.#layoutFile = path.join(kernel, 'lib/layout.ts')
    this.#intrinsicsFile = path.join(kernel, 'lib/intrinsics.ts')
    this.#libraryFile = path.join(kernel, 'lib/lib.d.ts')
  }

  /** The declared thing a name stands for, through imports. */
  symbolOf(name: ts.Node): ts.Symbol | null {
    const symbol = this.checker.getSymbolAtLocation(name)
    return symbol == null ? null : this.resolve(symbol)
  }

  resolve(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol
  }

  /** The name of a thing that layout.ts declares, else null. */
  vocabulary(symbol: ts.Symbol | null): string | null {
    return this.#declaredIn(symbol, this.#layoutFile)
  }

  /** The name of an intrinsic function, else null. */
  intrinsic(symbol: ts.Symbol | null): string | null {
    return this.#declaredIn(symbol, this.#intrinsicsFile)
  }

  /** The name of one of the few things of JavaScript's library that TypeScript insists on, else null. */
  libraryType(symbol: ts.Symbol | null): string | null {
    return this.#declaredIn(symbol, this.#libraryFile)
  }

  /** Files whose declarations have no text at run time. */
  isVocabularyFile(file: ts.SourceFile): boolean {
    return file.fileName === this.#layoutFile || file.fileName === this.#intrinsicsFile || file.isDeclarationFile
  }

  /** The vocabulary function that a call names, `at` or `staticRow`, else null. */
  vocabularyCall(e: ts.Expression): string | null {
    if (!ts.isCallExpression(e) || !ts.isIdentifier(e.expression)) return null
    return this.vocabulary(this.symbolOf(e.expression))
  }

  /** The struct class that a symbol is, else null. */
  structClass(symbol: ts.Symbol | null | undefined): ts.ClassDeclaration | null {
    const found = symbol?.declarations?.find(ts.isClassDeclaration)
    return found != null && this.structMark(found) != null ? found : null
  }

  /** The struct class whose address a value of this expression is, else null. */
  structAt(e: ts.Expression): ts.ClassDeclaration | null {
    const type = this.checker.getNonNullableType(this.checker.getTypeAtLocation(e))
    if (ts.isIdentifier(e) && this.symbolOf(e)?.flags! & ts.SymbolFlags.Class) return null
    return this.structClass(type.getSymbol())
  }

  structMark(declaration: ts.ClassDeclaration): StructMark | null {
    for (const decorator of ts.getDecorators(declaration) ?? []) {
      const e = decorator.expression
      const name = this.vocabulary(this.symbolOf(ts.isCallExpression(e) ? e.expression : e))
      const size = ts.isCallExpression(e) ? e.arguments[0] ?? null : null
      if (name === 'wire' || name === 'mmio' || name === 'struct') return { kind: name, size }
    }
    return null
  }

  #declaredIn(symbol: ts.Symbol | null, file: string): string | null {
    return symbol?.declarations?.some(each => each.getSourceFile().fileName === file) ? symbol.name : null
  }
}

/** Without parentheses, `!` and `as`: they have no meaning at run time. */
export function bare(e: ts.Expression): ts.Expression {
  while (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e) || ts.isAsExpression(e)) e = e.expression
  return e
}

/** Is this type, null apart, one that TypeScript could not work out? Then it has been complained about. */
export function isUnknownType(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Any) !== 0
}

/** Does an expression, or a function, of this type give no value? */
export function isNothing(type: ts.Type): boolean {
  return (type.flags & (ts.TypeFlags.Void | ts.TypeFlags.Never | ts.TypeFlags.Undefined)) !== 0
}

/** `=` and the operators that end in it. */
export function isAssignment(e: ts.Expression): boolean {
  if (!ts.isBinaryExpression(e)) return false
  const operator = e.operatorToken.kind
  return operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment
}

/** Does a declaration have this modifier: `static`, `export`, `async` …? */
export function hasModifier(node: ts.Node, modifier: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(each => each.kind === modifier) === true
}

/** What becomes a function. */
export type Callable = ts.FunctionDeclaration | ts.MethodDeclaration | ts.AccessorDeclaration

export function isCallable(node: ts.Node): node is Callable {
  return ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isAccessor(node)
}
