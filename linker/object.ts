// C++ text to machine code, by clang 19: an object of the kernel, a shared object for the native engine of the
// tests, an object for benchmarks; and the check that none of the kernel's code is floating point.
//
// Why C++ and these options: docs/dialect.md, "The pinned form". The dialect wraps, accesses memory by any type
// at any address, and address 0 is an address, hence -fwrapv, -fno-strict-aliasing and
// -fno-delete-null-pointer-checks. Interrupts come at any time on the same stack, hence -mno-red-zone; they save no
// vector registers, hence -mgeneral-regs-only.
//
// The bench variant is the kernel's code, unchanged, in a Linux program whose memory lies below 2 GiB, so that
// callgrind can count its instructions. A benchmark is a C or C++ file that declares what it calls,
// `extern "C" int f_sum(int p, int, int n, int);` (each parameter is a value and a tag), takes memory with
// mmap(MAP_32BIT), and is linked with the object by `clang-19 -static -no-pie`. Addresses are then positive i32s;
// intrinsics of the processor's kernel mode end the program.

import { execFileSync, spawnSync } from 'node:child_process'
import { cachedFile, filesIn, hashOf, ROOT } from './cache.ts'
import { HEADERS, INCLUDE_DIRECTORY, programInC, type Variant } from './c-program.ts'
import type { PinnedProgram } from './pin/program.ts'

export const CLANG = 'clang-19'
const OBJDUMP = 'llvm-objdump-19'

const LANGUAGE = ['-x', 'c++', '-std=gnu++17', '-fno-exceptions', '-fno-rtti']
const DIALECT = [
  '-O2', '-w', '-fwrapv', '-fno-strict-aliasing', '-fno-delete-null-pointer-checks', '-fno-builtin',
  '-fbracket-depth=2000', '-fno-omit-frame-pointer', '-fno-stack-protector', '-fno-asynchronous-unwind-tables',
  `-ffile-prefix-map=${ROOT}/=`, `-ffile-prefix-map=${ROOT}=.`, `-I${INCLUDE_DIRECTORY}`,
]

/**
 * The kernel's code is debugged; of a test's add-on the lines suffice, and a quarter of the compiler's time is spared. It inlines
 * only what is marked, too, which spares half of the rest: what Porffor and the pinned form mean is the same.
 */
const VARIANTS: Record<Variant, readonly string[]> = {
  kernel: ['-g', '-ffreestanding', '-mno-red-zone', '-mgeneral-regs-only', '-mcmodel=kernel', '-fno-pic'],
  bench: ['-g', '-ffreestanding', '-mno-red-zone', '-mgeneral-regs-only', '-mcmodel=small', '-fno-pic'],
  host: ['-gline-tables-only', '-fno-inline-functions', '-fPIC', '-fvisibility=hidden', '-fno-semantic-interposition'],
}

/** The object of a program: the path of a file in the cache. `compiled` is what compileToC made of it. */
export function compileObject(program: PinnedProgram, compiled: string, variant: Variant): string {
  return objectOf(programInC(program, compiled, variant), variant)
}

/** Options for hand-written C that a benchmark compares with the bench variant: all but the choice of language. */
export function benchCOptions(): readonly string[] {
  return [...DIALECT, ...VARIANTS.bench]
}

/** Options for the C++ text of the host variant, for other compilers than this file's: the fuzzer's. */
export function hostCOptions(): readonly string[] {
  return [...LANGUAGE, ...DIALECT, ...VARIANTS.host]
}

/** The object of C++ text that programInC wrote. */
export function objectOf(text: string, variant: Variant): string {
  const options = [...LANGUAGE, ...DIALECT, ...VARIANTS[variant]]
  const key = hashOf(variant, options.join(' '), filesIn(...HEADERS), text)
  return cachedFile('object', key, '.o', draft => {
    run(CLANG, [...options, '-c', '-', '-o', draft], text)
    if (variant === 'kernel') refuseFloatingPoint(draft)
  })
}

/** Assembly text of a program, with the TypeScript lines as comments of the debug kind. */
export function assemblyOf(object: string): string {
  return execFileSync(OBJDUMP, ['--disassemble', '--line-numbers', '--no-show-raw-insn', object],
    { encoding: 'utf8', maxBuffer: 1 << 28 })
}

/** Registers of the x87 and vector units; no integer instruction names one. Saving all of them for a program is no use of them. */
const FLOATING_POINT = /%(st|xmm|ymm|zmm|mm)\d*\b|\s(f(ld|st|xch|add|mul|ninit)\w*|ld?mxcsr|stmxcsr|emms)\b/

/** What stands before an instruction: an address may read `fadd:`. */
const ADDRESS = /^\s*[0-9a-f]+:/

/** Throws if the object contains an instruction that uses floating point or vector registers. */
export function refuseFloatingPoint(object: string): void {
  let where = ''
  const found: string[] = []
  for (const line of assemblyOf(object).split('\n')) {
    if (line.startsWith(';')) where = line.slice(2)
    else if (FLOATING_POINT.test(line.replace(ADDRESS, ''))) found.push(`${line.trim()}  (${where})`)
  }
  if (found.length > 0) throw new Error(`floating point in the kernel:\n${found.slice(0, 10).join('\n')}`)
}

/** Run a tool with `input` on its standard input; its messages are the error's when it fails. */
export function run(tool: string, args: readonly string[], input = ''): void {
  const done = spawnSync(tool, args, { input, encoding: 'utf8', cwd: ROOT, maxBuffer: 1 << 28 })
  if (done.error !== undefined) throw new Error(`${tool} did not start: ${done.error.message}`)
  if (done.status !== 0) throw new Error(`${tool} ended with status ${done.status}:\n${done.stderr.slice(0, 20_000)}`)
}
