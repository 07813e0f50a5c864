// The top level of a bundle: which names are intrinsics, functions, constants and variables, what is exported,
// where the statics and strings lie. Addresses within the two blocks are given out here, for both engines.

import { parse, type CallExpression, type Expression, type FunctionDeclaration, type Node, type Program } from 'acorn'
import { PinError, type PinCode } from './diagnostics.ts'
import type { Locate } from './positions.ts'

/** The module that intrinsics are imported from. */
export const INTRINSICS_MODULE = 'porphyry:intrinsics'

const LARGEST_ALIGNMENT = 4096
/** Every static begins on a multiple of this at least, so that copies of its words are aligned. */
const USUAL_ALIGNMENT = 16

export interface Module {
  readonly intrinsics: ReadonlyMap<string, string> // local name to imported name
  readonly functions: ReadonlyMap<string, FunctionDeclaration>
  readonly variables: ReadonlyMap<string, Expression | null> // top-level name to its initialiser
  readonly assigned: ReadonlySet<string> // names that some assignment writes
  readonly exports: ReadonlyMap<string, string> // exported name to local name
  readonly valued: ReadonlySet<string> // functions that return a value
  readonly blocks: Blocks
  refuse(code: PinCode, node: Node, detail: string): never
  locate: Locate
}

/** The two blocks of memory a program brings with it. */
export class Blocks {
  #strings: Buffer[] = []
  #stringsSize = 0
  #known = new Map<string, number>()
  #statics = new Map<Node, number>()
  staticsSize = 0
  staticsAlignment = USUAL_ALIGNMENT

  /** Offset of a string literal with its terminating zero; equal strings are one. */
  string(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const offset = this.#stringsSize
    const bytes = Buffer.from(`${text}\0`, 'utf8')
    this.#strings.push(bytes)
    this.#stringsSize += bytes.length
    this.#known.set(text, offset)
    return offset
  }

  /** Offset of the static memory that the call `node` asks for. */
  statics(node: Node, bytes: number, alignment: number): number {
    const known = this.#statics.get(node)
    if (known !== undefined) return known
    const start = Math.ceil(this.staticsSize / alignment) * alignment
    this.#statics.set(node, start)
    this.staticsSize = start + bytes
    this.staticsAlignment = Math.max(this.staticsAlignment, alignment)
    return start
  }

  get strings(): Uint8Array { return Buffer.concat(this.#strings) }
}

/** The alignment a static gets: what it asks for, and 16 at least; null if it may not ask for that. */
export function staticAlignment(bytes: number, asked: number): number | null {
  const power = asked > 0 && (asked & (asked - 1)) === 0
  if (bytes <= 0 || !power || asked > LARGEST_ALIGNMENT) return null
  return Math.max(asked, USUAL_ALIGNMENT)
}

/** Read the top level of `code`, a single ES module. Throws PinError on what cannot stand there. */
export function readModule(code: string, makeLocate: (ast: Program) => Locate): Module {
  const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
  const locate = makeLocate(ast)
  const refuse = (refusal: PinCode, node: Node, detail: string): never => {
    throw new PinError(refusal, locate(node), detail)
  }
  const intrinsics = new Map<string, string>()
  const functions = new Map<string, FunctionDeclaration>()
  const variables = new Map<string, Expression | null>()
  const exports = new Map<string, string>()
  for (const node of ast.body) {
    if (node.type === 'ImportDeclaration' && node.source.value === INTRINSICS_MODULE) {
      for (const each of node.specifiers) {
        if (each.type !== 'ImportSpecifier') refuse('PY2001', each, 'import the intrinsics by name')
        else intrinsics.set(each.local.name, (each.imported as { name: string }).name)
      }
    } else if (node.type === 'FunctionDeclaration') functions.set(node.id.name, node)
    else if (node.type === 'VariableDeclaration') {
      for (const each of node.declarations) {
        if (each.id.type !== 'Identifier') return refuse('PY2001', each, 'a top-level declaration of this kind')
        variables.set(each.id.name, each.init ?? null)
      }
    } else if (node.type === 'ExportNamedDeclaration' && node.declaration == null && node.source == null) {
      for (const each of node.specifiers) {
        exports.set((each.exported as { name: string }).name, (each.local as { name: string }).name)
      }
    } else if (node.type !== 'EmptyStatement') refuse('PY2001', node, `${node.type} at the top level`)
  }
  const assigned = assignedNames(ast)
  const valued = valuedFunctions(functions)
  return { intrinsics, functions, variables, assigned, exports, valued, blocks: new Blocks(), refuse, locate }
}

/** Visit `node` and every node below it. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const [key, value] of Object.entries(node)) {
    if (key === 'loc' || value === null || typeof value !== 'object') continue
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === 'object' && typeof child.type === 'string') walk(child as Node, visit)
    }
  }
}

/** Names that are written somewhere at or below `node`, whatever they refer to. */
export function assignedNames(node: Node): Set<string> {
  const names = new Set<string>()
  walk(node, each => {
    const target = each.type === 'AssignmentExpression' ? (each as unknown as { left: Node }).left
      : each.type === 'UpdateExpression' ? (each as unknown as { argument: Node }).argument : null
    if (target?.type === 'Identifier') names.add((target as unknown as { name: string }).name)
  })
  return names
}

/**
 * Functions that return a value somewhere. `return f()` counts only if `f` is one of them: the dialect lets a
 * function without a result end with a call of another.
 */
function valuedFunctions(functions: ReadonlyMap<string, FunctionDeclaration>): Set<string> {
  const valued = new Set<string>()
  const tails = new Map<string, Set<string>>()
  for (const [name, declaration] of functions) {
    const calls = new Set<string>()
    walk(declaration.body, each => {
      const value = each.type === 'ReturnStatement' ? (each as unknown as { argument?: Node | null }).argument : null
      if (value == null) return
      const callee = value.type === 'CallExpression' ? (value as CallExpression).callee : null
      if (callee?.type === 'Identifier' && functions.has(callee.name)) calls.add(callee.name)
      else valued.add(name)
    })
    tails.set(name, calls)
  }
  for (let before = -1; before !== valued.size;) {
    before = valued.size
    for (const [name, calls] of tails) if ([...calls].some(callee => valued.has(callee))) valued.add(name)
  }
  return valued
}
