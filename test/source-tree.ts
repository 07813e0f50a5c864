// The project's own source, for the lints: which files there are, what they import, how long their functions are.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** Files below `folder` whose name ends in one of `endings`, sorted; paths from the project's root. */
export function filesBelow(folder: string, ...endings: string[]): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(name => endings.some(ending => name.endsWith(ending)) && !name.includes('node_modules'))
    .sort()
}

export const read = (file: string): string => readFileSync(file, 'utf8')

export interface Import { from: string, to: string, typeOnly: boolean, line: number }

const parsed = new Map<string, ts.SourceFile>()

export function parse(file: string): ts.SourceFile {
  let source = parsed.get(file)
  if (!source) parsed.set(file, source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true))
  return source
}

/** The relative imports and re-exports of a file. */
export function importsOf(file: string): Import[] {
  const source = parse(file)
  const found: Import[] = []
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue
    const { moduleSpecifier } = statement
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier) || !moduleSpecifier.text.startsWith('.')) continue
    found.push({
      from: file, to: normalize(join(dirname(file), moduleSpecifier.text)), typeOnly: isTypeOnly(statement),
      line: source.getLineAndCharacterOfPosition(statement.getStart()).line + 1,
    })
  }
  return found
}

function isTypeOnly(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly
  const clause = statement.importClause
  if (!clause) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const named = clause.namedBindings
  return !clause.name && named !== undefined && ts.isNamedImports(named) && named.elements.every(each => each.isTypeOnly)
}

export interface FunctionLength { file: string, line: number, name: string, lines: number }

/** Every function and method of a file with a body, and how many lines it takes. */
export function functionsOf(file: string): FunctionLength[] {
  const source = parse(file)
  const found: FunctionLength[] = []
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const first = lineOf(node.getStart())
      const name = node.name?.getText() ?? 'a function without a name'
      found.push({ file, line: first + 1, name, lines: lineOf(node.getEnd()) - first + 1 })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
