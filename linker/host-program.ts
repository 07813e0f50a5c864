// An entry in the dialect to what the tests' engines load: a script for Node, an add-on for the native engine.

import fs from 'node:fs'
import path from 'node:path'
import { bundle } from './bundle.ts'
import { cachedFile, hashOf, ROOT } from './cache.ts'
import { compileToC } from './compile.ts'
import { lowerProgram } from './lower/lower.ts'
import { linkModule } from './native-module.ts'
import { compileObject } from './object.ts'
import { pin, printJavaScript, printPorffor } from './pin/index.ts'
import { hostLayout, type HostLayout } from './pin/print-javascript.ts'
import type { PinnedProgram } from './pin/program.ts'

export interface HostProgram {
  /** Files of the program, relative to the project. */
  readonly sources: readonly string[]
  /** Path of a file: a HostScript as JSON. */
  readonly javascript: string
  /** Path of a .node file; null if it was not asked for. */
  readonly module: string | null
}

/** What the Node engine needs. */
export interface HostScript {
  readonly code: string
  readonly layout: HostLayout
  readonly strings: string // base64
  readonly arity: Readonly<Record<string, number>> // parameters of each export
}

/** Build `entry`, a file relative to the project. Throws what lower and pin refuse. */
export async function buildForHost(entry: string, native: boolean): Promise<HostProgram> {
  const { sources, program } = await pinEntry(entry)
  return { sources, ...programForHost(program, native) }
}

/** The object of `entry` in its host variant: the path of a file in the cache. Throws as buildForHost. */
export async function hostObject(entry: string): Promise<string> {
  const { program } = await pinEntry(entry)
  return compileObject(program, compileToC(printPorffor(program)), 'host')
}

async function pinEntry(entry: string): Promise<{ sources: string[], program: PinnedProgram }> {
  const lowered = lowerProgram({ entry: path.join(ROOT, entry), tsconfig: path.join(ROOT, 'kernel', 'tsconfig.json') })
  const { code, map } = await bundle({ entry: path.join(ROOT, entry), lowered })
  const sources = [...lowered.files.keys(), ...lowered.texts].map(file => path.relative(ROOT, file))
  return { sources, program: pin({ code, map, root: ROOT }) }
}

/** The engines' files for a program that is pinned already. */
export function programForHost(program: PinnedProgram, native: boolean): Omit<HostProgram, 'sources'> {
  const script = JSON.stringify(hostScript(program))
  const javascript = cachedFile('javascript', hashOf(script), '.json', draft => fs.writeFileSync(draft, script))
  if (!native) return { javascript, module: null }
  return { javascript, module: linkModule(compileObject(program, compileToC(printPorffor(program)), 'host')) }
}

function hostScript(program: PinnedProgram): HostScript {
  const parameters = new Map(program.functions.map(each => [each.name, each.parameters.length]))
  return {
    code: printJavaScript(program),
    layout: hostLayout(program),
    strings: Buffer.from(program.strings).toString('base64'),
    arity: Object.fromEntries([...program.exports].map(([name, own]) => [name, parameters.get(own)!])),
  }
}
