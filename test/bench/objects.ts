// The two objects that test/bench/instructions.ts compares: functions of the kernel through the whole toolchain,
// in its bench variant, and the same in C.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { bundle } from '../../linker/bundle.ts'
import { compileToC } from '../../linker/compile.ts'
import { lowerProgram } from '../../linker/lower/lower.ts'
import { benchCOptions, CLANG, compileObject } from '../../linker/object.ts'
import { pin, printPorffor } from '../../linker/pin/index.ts'
import { projectDirectory } from './results.ts'

/** Path of the object of test/kernel/bench.ts. Throws what a stage of the toolchain throws. */
export async function compileKernelObject(): Promise<string> {
  const entry = join(projectDirectory, 'test/kernel/bench.ts')
  const lowered = lowerProgram({ entry, tsconfig: join(projectDirectory, 'kernel/tsconfig.json') })
  const { code, map } = await bundle({ entry, lowered })
  const program = pin({ code, map, root: projectDirectory })
  return compileObject(program, compileToC(printPorffor(program)), 'bench')
}

/** Compile a file of test/bench/c to `object`, by the same clang with the same options. */
export function compileCObject(file: string, object: string): void {
  const source = join(projectDirectory, 'test/bench/c', file)
  execFileSync(CLANG, ['-x', 'c', ...benchCOptions(), '-c', source, '-o', object])
}
