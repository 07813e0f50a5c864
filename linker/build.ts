// From TypeScript to a bootable kernel: every stage in order, each skipped when its result is there already.
//
//   lower, bundle, pin    one TypeScript program; skipped together, by the hash of all sources and tools
//   compile, object       by the hash of their input (compile.ts, object.ts)
//   link                  by the hash of the object (link.ts)

import fs from 'node:fs'
import path from 'node:path'
import { type Bundle, bundle } from './bundle.ts'
import { type Variant, programInC } from './c-program.ts'
import { ROOT, hashOf, writeWhole } from './cache.ts'
import { compileToC } from './compile.ts'
import { linkKernel, type LinkResult } from './link.ts'
import { lowerProgram } from './lower/lower.ts'
import { assemblyOf, objectOf } from './object.ts'
import { pin, printPorffor } from './pin/index.ts'

const TSCONFIG = path.join(ROOT, 'kernel', 'tsconfig.json')
export const KERNEL_ENTRY = 'kernel/main.ts'
export const KERNEL_ELF = 'build/porphyry.elf'
export const STAGES = ['lowered', 'bundle', 'pinned', 'c', 'asm'] as const
export type Stage = typeof STAGES[number]

/** Every file under a directory of the project whose name ends so, sorted. */
function filesUnder(directory: string, extension: RegExp): string[] {
  const from = path.join(ROOT, directory)
  if (!fs.existsSync(from)) return []
  return fs.readdirSync(from, { recursive: true, withFileTypes: true })
    .filter(each => each.isFile() && extension.test(each.name))
    .map(each => path.join(each.parentPath, each.name)).sort()
}

/** One name for all that the C text of a kernel depends on: its sources, the toolchain, and what that depends on. */
function sourcesHash(entry: string, variant: Variant): string {
  const sources = [...filesUnder('kernel', /\.ts$|\.json$/), ...filesUnder('test/kernel', /\.ts$/), ...filesUnder('linker', /\.(ts|h)$/)]
  const lock = path.join(ROOT, 'package-lock.json')
  return hashOf('sources 1', entry, variant, ...[...sources, lock].flatMap(each => [path.relative(ROOT, each), fs.readFileSync(each)]))
}

async function bundled(entry: string): Promise<Bundle> {
  const lowered = lowerProgram({ entry, tsconfig: TSCONFIG })
  return await bundle({ entry, lowered })
}

/** The kernel's C++ text, out of the cache or through lower, bundle, pin and compile. */
async function kernelText(entry: string): Promise<string> {
  const kept = path.join(ROOT, 'build', 'cache', 'kernel', `${sourcesHash(entry, 'kernel')}.cpp`)
  if (fs.existsSync(kept)) return fs.readFileSync(kept, 'utf8')
  const { code, map } = await bundled(entry)
  const program = pin({ code, map, root: ROOT })
  const text = programInC(program, compileToC(printPorffor(program)), 'kernel')
  writeWhole(kept, text)
  return text
}

/** Build `entry` into a bootable ELF. */
export async function buildKernel(entry = KERNEL_ENTRY, output = KERNEL_ELF): Promise<LinkResult> {
  const text = await kernelText(path.resolve(ROOT, entry))
  return linkKernel({ object: objectOf(text, 'kernel'), output: path.resolve(ROOT, output) })
}

/** Stop after a stage, and leave what it made in `directory`. Returns the files written. */
export async function emit(stage: Stage, entry: string, directory: string): Promise<string[]> {
  const from = path.resolve(ROOT, entry)
  const written: string[] = []
  const write = (name: string, text: string) => {
    const file = path.join(directory, name)
    writeWhole(file, text)
    written.push(file)
  }
  if (stage === 'lowered') {
    for (const [file, { code }] of lowerProgram({ entry: from, tsconfig: TSCONFIG }).files) {
      write(path.relative(ROOT, file).replace(/\.ts$/, '.js'), code)
    }
    return written
  }
  const { code, map } = await bundled(from)
  if (stage === 'bundle') {
    write('bundle.js', code)
    write('bundle.js.map', JSON.stringify(map))
    return written
  }
  const program = pin({ code, map, root: ROOT })
  const pinned = printPorffor(program)
  if (stage === 'pinned') write('pinned.ts', pinned)
  else {
    const c = programInC(program, compileToC(pinned), 'kernel')
    if (stage === 'c') write('kernel.cpp', c)
    else write('kernel.asm', assemblyOf(objectOf(c, 'kernel')))
  }
  return written
}
