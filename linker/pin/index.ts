// pin: a bundle (one ES module of lowered kernel code) to a pinned program (program.ts).
//
// Reading order: program.ts (what comes out), module.ts (the top level of what goes in), constants.ts, builder.ts,
// expression.ts, condition.ts, statement.ts, switch.ts, limits.ts; then the two printers.

import type { SourceMapInput } from '@jridgewell/trace-mapping'
import type { FunctionDeclaration } from 'acorn'
import { Builder, type Context } from './builder.ts'
import { Constants, type Constant } from './constants.ts'
import { checkLimits } from './limits.ts'
import { readModule, type Module } from './module.ts'
import { locator } from './positions.ts'
import type { PinnedFunction, PinnedGlobal, PinnedProgram } from './program.ts'
import { pinStatements } from './statement.ts'

export { PinError } from './diagnostics.ts'
export { printJavaScript } from './print-javascript.ts'
export { printPorffor } from './print-porffor.ts'
export type { PinnedProgram } from './program.ts'

export interface PinInput {
  /** The bundle. */
  readonly code: string
  /** Its source map, or null: positions are then lines of the bundle. */
  readonly map: SourceMapInput | null
  /** Directory that file names in messages and line markers are relative to: the project's. */
  readonly root?: string
  /** Directory that the names in the source map are relative to; the project's if left out. */
  readonly mapBase?: string
}

/** Throws PinError, with the number of a refusal, its file and its line. */
export function pin(input: PinInput): PinnedProgram {
  const root = input.root ?? process.cwd()
  const module = readModule(input.code, () => locator(input.map, root, input.mapBase ?? root))
  const names = new Names(module)
  const references = new Set<string>()
  const symbols = new Set<string>()
  const functionName = (name: string): string => names.functions.get(name)!
  const context: Context = {
    module,
    constants: new Constants(module, functionName),
    functionName,
    globalName: name => names.globals.get(name)!,
    used: constant => {
      if (constant.kind === 'function') references.add(constant.name)
      if (constant.kind === 'symbol') symbols.add(constant.name)
    },
  }
  const functions = [...module.functions].map(([name, node]) => pinFunction(context, name, node))
  const globals = pinGlobals(context, names)
  for (const f of functions) checkLimits(f)
  return {
    functions,
    globals,
    exports: new Map([...module.exports].filter(([, own]) => module.functions.has(own))
      .map(([exported, own]) => [exported, functionName(own)])),
    references: [...references],
    symbols: [...symbols],
    strings: module.blocks.strings,
    staticsSize: module.blocks.staticsSize,
    staticsAlignment: module.blocks.staticsAlignment,
  }
}

/** The names of functions and variables in C: a prefix by kind, the exported name where there is one. */
class Names {
  readonly functions = new Map<string, string>()
  readonly globals = new Map<string, string>()
  #taken = new Set<string>()

  constructor(module: Module) {
    for (const [exported, own] of module.exports) {
      if (module.functions.has(own) && !this.functions.has(own)) this.functions.set(own, this.#free('f', exported))
    }
    for (const name of module.functions.keys()) {
      if (!this.functions.has(name)) this.functions.set(name, this.#free('f', name))
    }
    for (const name of module.variables.keys()) {
      if (module.assigned.has(name)) this.globals.set(name, this.#free('g', name))
    }
  }

  #free(prefix: string, name: string): string {
    const wanted = `${prefix}_${name.replace(/\W/g, '_')}`
    let own = wanted
    for (let n = 2; this.#taken.has(own); n += 1) own = `${wanted}_${n}`
    this.#taken.add(own)
    return own
  }
}

function pinFunction(context: Context, name: string, node: FunctionDeclaration): PinnedFunction {
  const { module } = context
  const returnsValue = module.valued.has(name)
  const builder = new Builder(context, returnsValue)
  const parameters = node.params.map((each, i) => {
    if (each.type !== 'Identifier') return module.refuse('PY2001', each, 'a parameter of this kind')
    const own = `p${i}_${each.name.replace(/\W/g, '_')}`
    builder.declare(each.name, { kind: 'local', name: own })
    return own
  })
  const body = builder.collect(() => pinStatements(builder, node.body.body))
  return {
    name: context.functionName(name), position: module.locate(node), parameters,
    locals: builder.locals, returnsValue, body,
  }
}

function pinGlobals(context: Context, names: Names): PinnedGlobal[] {
  const { module, constants } = context
  return [...names.globals].map(([name, own]) => {
    const initial: Constant = constants.of(name, module.variables.get(name)!)
    context.used(initial)
    return { name: own, initial }
  })
}
