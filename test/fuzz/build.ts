// The fuzzing harness: test/kernel/fuzz.ts through the whole toolchain in its host variant, compiled with AFL++'s
// instrumentation. Its variables go into a section of their own, which the harness puts back before each input.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from '../../linker/bundle.ts'
import { programInC } from '../../linker/c-program.ts'
import { cachedFile, filesIn, hashOf, ROOT } from '../../linker/cache.ts'
import { compileToC } from '../../linker/compile.ts'
import { lowerProgram } from '../../linker/lower/lower.ts'
import { hostCOptions, run } from '../../linker/object.ts'
import { pin, printPorffor } from '../../linker/pin/index.ts'

const COMPILER = 'afl-clang-fast++'
const ENTRY = 'test/kernel/fuzz.ts'
const HARNESS = 'test/fuzz/harness.cc'

/** Path of the harness; built if the sources are new. Throws what a stage of the toolchain throws. */
export async function buildHarness(): Promise<string> {
  const entry = join(ROOT, ENTRY)
  const lowered = lowerProgram({ entry, tsconfig: join(ROOT, 'kernel/tsconfig.json') })
  const { code, map } = await bundle({ entry, lowered })
  const program = pin({ code, map, root: ROOT })
  const text = inOwnSection(programInC(program, compileToC(printPorffor(program)), 'host'))
  const options = hostCOptions()
  return cachedFile('fuzz', hashOf(text, options.join(' '),
    filesIn(HARNESS, 'linker/intrinsics/common.h', 'linker/intrinsics/host.h')), '', draft => {
    const object = `${draft}.o`
    try {
      run(COMPILER, [...options, '-c', '-', '-o', object], text)
      run(COMPILER, ['-O2', '-std=gnu++17', '-x', 'c++', join(ROOT, HARNESS), '-x', 'none', object, '-o', draft])
    } finally {
      rmSync(object, { force: true })
    }
  })
}

function inOwnSection(text: string): string {
  const placed = text.replace(/^static (?=i32 g_\w+ )/gm, '__attribute__((section("porphyry_globals"))) static ')
  if (placed === text) throw new Error('the program has no variables to put back')
  return placed
}
