// The pinned program's TypeScript to C, by Porffor 0.61.13. The only file of the project that knows Porffor: its
// command line, and the text that comes out of it. What it gets wrong is listed in docs/porffor.md.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { cachedText, hashOf } from './cache.ts'
import { ROOTS } from './pin/print-porffor.ts'

const VERSION = '0.61.13'

/**
 * One module, integers only, no linear memory; loop bodies are emitted once, and a local is read where it is
 * used instead of through a copy (in three-address form the two mean the same).
 */
const OPTIONS = [
  '--valtype=i32', '--no-alwaysMemory', '--unroll-threshold=0', '--2cDirectLocalGet', '--module',
]

/** Porffor's own recursion is as deep as the call graph times the nesting of statements. */
const IN_A_DEEP_STACK = 'ulimit -s unlimited 2>/dev/null || ulimit -s "$(ulimit -H -s)"; exec "$@"'

/** What only comes out when Porffor did not see integers: calls of its library, floating point, boxed values. */
const STRAY = /\b(f64|f32|printf|exit|malloc|_memory|jjindirect\w*|struct ReturnValue|__\w+)\b/

/** Porffor refused the text, or fell out of the integer subset; either is a defect of pin. */
export class CompileError extends Error {
  override name = 'CompileError'
}

/**
 * C functions and variables, in Porffor's order: prototypes, `i32 g_x = 0;` for each global, definitions. Nothing
 * is static yet, there is no `main`, and types are the ones linker/c-program.ts defines.
 */
export function compileToC(pinned: string): string {
  return tidy(porfforC(pinned))
}

/** What Porffor makes of a module, as it comes out; the defects in docs/porffor.md are shown with it. */
export function porfforC(pinned: string, options: readonly string[] = OPTIONS): string {
  return cachedText('c', hashOf(VERSION, options.join(' '), pinned), '.c', () => run(pinned, options))
}

function run(pinned: string, options: readonly string[]): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-compile-'))
  try {
    const from = path.join(directory, 'kernel.ts')
    const to = path.join(directory, 'kernel.c')
    fs.writeFileSync(from, pinned)
    const command = [process.execPath, '--stack-size=16000', porffor(), 'c', ...options, from, to]
    const done = spawnSync('/bin/sh', ['-c', IN_A_DEEP_STACK, 'sh', ...command], { encoding: 'utf8', maxBuffer: 1 << 26 })
    if (done.status !== 0 || !fs.existsSync(to)) {
      throw new CompileError(`porffor ended with status ${done.status ?? done.signal}:\n${done.stdout}${done.stderr}`)
    }
    return fs.readFileSync(to, 'utf8')
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

function porffor(): string {
  const require = createRequire(import.meta.url)
  const directory = path.dirname(require.resolve('porffor/package.json'))
  const { version } = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8')) as { version: string }
  if (version !== VERSION) throw new CompileError(`porffor is ${version}, its defects are known for ${VERSION}`)
  return path.join(directory, 'runtime', 'index.js')
}

/** Porffor's C without its preamble, `main`, and the function that keeps the others. */
function tidy(c: string): string {
  const out: string[] = []
  for (const chunk of c.split(/\n\n+/)) {
    if (chunk.startsWith('struct ReturnValue {')) continue // declared always; its use is refused
    const lines = chunk.split('\n').filter(isOurs)
    if (lines.length > 0) out.push(lines.join('\n'))
  }
  const functions = splitFunctions(out.join('\n').split('\n'))
  return functions.map(repeatMarkers).join('\n') + '\n'
}

function isOurs(line: string): boolean {
  return line !== '' && !/^(#include|typedef|const f64|\/\/ generated|void f_porphyry_roots\(\);)/.test(line)
}

/** Declarations in one piece, each definition in one; `main` and the roots are left out. */
function splitFunctions(lines: readonly string[]): string[][] {
  const pieces: string[][] = []
  let current: string[] = []
  for (const line of lines) {
    const opens = /^\S.*\) \{$/.test(line)
    if (opens && current.length > 0) {
      pieces.push(current)
      current = []
    }
    current.push(line)
    if (line === '}') {
      pieces.push(current)
      current = []
    }
  }
  if (current.length > 0) pieces.push(current)
  const kept = pieces.filter(each => !each[0]!.startsWith('int main(') && !each[0]!.startsWith(`void ${ROOTS}(`))
  for (const each of kept) for (const line of each) refuseStray(line)
  return kept
}

function refuseStray(line: string): void {
  if (line.startsWith('#line')) return
  const stray = STRAY.exec(line)
  if (stray !== null) throw new CompileError(`porffor left the integers (${stray[0]}): ${line.trim()}`)
}

/** A marker counts for every C line until the next one, the head of the function included. */
function repeatMarkers(piece: readonly string[]): string {
  const first = piece.find(line => line.startsWith('#line'))
  if (first === undefined) return piece.join('\n')
  const out: string[] = []
  let marker = first
  for (const line of piece) {
    if (line.startsWith('#line')) marker = line
    else if (/^\s*(;|\/\/.*)?$/.test(line)) continue
    else out.push(marker, line)
  }
  return out.join('\n')
}
