// Runs random programs on both engines and compares them with their meaning. Many are compiled as one module: most of
// the time goes into starting tools.

import fs from 'node:fs'
import path from 'node:path'
import { PinError } from '../../linker/pin/index.ts'
import { ROOT } from '../../linker/cache.ts'
import { buildForHost } from '../../linker/host-program.ts'
import { NativeEngine, NodeEngine, type Instance } from '../engine-instance.ts'
import { generateProgram } from './generate.ts'
import { Fault, Machine, TooLong } from './meaning.ts'
import type { ProgramOf } from './program.ts'
import { programText } from './text.ts'

/** Arguments of `run`, one call after another: state stays between them. */
const CALLS: readonly (readonly [number, number])[] = [[0, 0], [1, 2], [0x80000000, 0xffffffff], [12345, 678], [7, 0x7fffffff]]

/** What calls and the state after them came to: results or the message of a fault. */
interface Outcome { readonly results: readonly (number | string)[], readonly state: readonly number[] }

/** A program that ran differently from its meaning. */
export interface Difference {
  readonly seed: number
  readonly engine: string
  readonly expected: Outcome
  readonly found: Outcome
  readonly source: string // path of the program
}

/** The meaning of a program; null if it takes too long. */
function meaningOf(program: ProgramOf): Outcome | null {
  const machine = new Machine(program)
  try {
    const results = CALLS.map(args => attempt(() => machine.call(program.functions.at(-1)!.name, ...args)))
    return { results, state: machine.state() }
  } catch (error) {
    if (error instanceof TooLong) return null
    throw error
  }
}

function attempt(run: () => number): number | string {
  try {
    return run()
  } catch (error) {
    if (error instanceof TooLong || !(error instanceof Fault)) throw error
    return error.message
  }
}

function outcomeOf(instance: Instance, number: number, size: number): Outcome {
  const results = CALLS.map(args => {
    try {
      return instance.call(`run${number}`, ...args) >>> 0
    } catch (error) {
      return (error as Error).message
    }
  })
  return { results, state: Array.from({ length: size }, (_, i) => instance.call(`state${number}`, i) >>> 0) }
}

interface Generated { seed: number, program: ProgramOf, meaning: Outcome }

/** Programs of the seeds from `first` on that end in reasonable time, `count` of them. */
function programs(first: number, count: number): Generated[] {
  const found: Generated[] = []
  for (let seed = first; found.length < count; seed += 1) {
    const program = generateProgram(seed)
    const meaning = meaningOf(program)
    if (meaning !== null) found.push({ seed, program, meaning })
  }
  return found
}

/** Run `count` programs, of the seeds from `first` on; seeds of programs that run too long are passed over. The programs are left in build/property/<first>. */
export async function runPrograms(first: number, count: number): Promise<Difference[]> {
  const directory = path.join(ROOT, 'build', 'property', String(first))
  fs.mkdirSync(directory, { recursive: true })
  let all = programs(first, count)
  for (;;) {
    try {
      return await differencesOf(all, directory)
    } catch (error) {
      // A rare program has a function too long to be compiled at all: refused with its place, which is right. The rest run.
      if (!(error instanceof PinError) || error.code !== 'PY2004') throw error
      const fewer = all.filter(({ seed }) => !error.message.includes(`program-${seed}.ts`))
      if (fewer.length === all.length || fewer.length === 0) throw error
      all = fewer
    }
  }
}

async function differencesOf(all: Generated[], directory: string): Promise<Difference[]> {
  const library = path.relative(directory, path.join(ROOT, 'kernel', 'lib'))
  const file = (i: number): string => path.join(directory, `program-${all[i]!.seed}.ts`)
  all.forEach(({ program }, i) =>
    fs.writeFileSync(file(i), programText(program, `${library}/layout.ts`, `${library}/intrinsics.ts`)))
  const entry = path.join(directory, 'entry.ts')
  fs.writeFileSync(entry, all.map(({ seed }, i) => `export { run as run${i}, state as state${i} } from './program-${seed}.ts'\n`).join(''))
  const { javascript, module } = await buildForHost(path.relative(ROOT, entry), true)
  const instances = [new NodeEngine(javascript).start(), new NativeEngine(module!).start()]
  const differences: Difference[] = []
  all.forEach(({ seed, meaning }, i) => {
    for (const each of instances) {
      const found = outcomeOf(each, i, meaning.state.length)
      if (JSON.stringify(found) !== JSON.stringify(meaning)) {
        differences.push({ seed, engine: each.kind, expected: meaning, found, source: path.relative(ROOT, file(i)) })
      }
    }
  })
  return differences
}
