// An ordinary TypeScript program to a static executable that the kernel runs in ring 3:
//
//   program.ts ─ esbuild: types off, one script ─ porffor (the full language, garbage collected): C ─ musl-gcc -static ─▶ ELF
//
// Porffor reserves its heap as one stretch of address space. Its choice, 4 GiB at 16 GiB, does not exist here: a process has
// 2 GiB. Two macros of its C text are given other values: docs/porffor.md.

import { buildSync } from 'esbuild'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { cachedFile, hashOf } from './cache.ts'

/** Where the heap is reserved, and how much of it: above what static executables take, below where mappings go. */
const ARENA_HINT = 0x2000_0000
const ARENA_RESERVE = 0x1000_0000

const C_OPTIONS = ['-static', '-O2', '-w', '-fno-strict-aliasing']
/** What a program's own C (apps/lib/) may call; Porffor's text brings the rest. */
const HEADERS = ['sys/socket.h', 'netinet/in.h', 'arpa/inet.h', 'unistd.h', 'poll.h']

/** A program that does not compile: what the compiler said. */
export class ProgramError extends Error {}

/** The executable of a TypeScript or JavaScript program: the path of a file in the cache. Throws ProgramError. */
export function buildProgram(source: string): string {
  const script = bundle(source)
  return cachedFile('program', hashOf(script, [...C_OPTIONS, ...HEADERS].join(' '), compiler().version), '', draft => {
    const folder = fs.mkdtempSync(`${draft}-`)
    try {
      link(toC(script, folder), draft)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
}

/** One script: no imports, no types. */
function bundle(source: string): string {
  try {
    const how = { bundle: true, format: 'iife', target: 'es2022', write: false, logLevel: 'silent' } as const
    const { outputFiles } = buildSync({ entryPoints: [source], ...how })
    return outputFiles[0]!.text
  } catch (error) {
    throw new ProgramError((error as Error).message)
  }
}

function compiler(): { file: string, version: string } {
  const require = createRequire(import.meta.url)
  const description = require.resolve('@porffor/linux-x64/package.json')
  const { version } = JSON.parse(fs.readFileSync(description, 'utf8')) as { version: string }
  return { file: path.join(path.dirname(description), 'porf'), version }
}

function toC(script: string, folder: string): string {
  const input = path.join(folder, 'program.js')
  const output = path.join(folder, 'program.c')
  fs.writeFileSync(input, script)
  execute(compiler().file, ['c', input, '-o', output])
  fs.writeFileSync(output, placeArena(fs.readFileSync(output, 'utf8')))
  return output
}

/** The last definition of each macro is the one for machines with an MMU. */
function placeArena(text: string): string {
  const hinted = replaceLast(text, 'PORF_ARENA_HINT', `((void*)0x${ARENA_HINT.toString(16)}ull)`)
  return replaceLast(hinted, 'PORF_ARENA_RESERVE', `0x${ARENA_RESERVE.toString(16)}ull`)
}

function replaceLast(text: string, macro: string, value: string): string {
  const at = text.lastIndexOf(`#define ${macro} `)
  if (at < 0) throw new Error(`porffor's C no longer defines ${macro}: linker/program.ts has to be taught its new name`)
  return `${text.slice(0, at)}#define ${macro} ${value}${text.slice(text.indexOf('\n', at))}`
}

function link(source: string, output: string): void {
  execute('musl-gcc', [...C_OPTIONS, ...HEADERS.flatMap(each => ['-include', each]), '-o', output, source, '-lm'])
}

function execute(command: string, args: string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', maxBuffer: 1 << 28 })
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string, stderr?: string, message: string }
    throw new ProgramError(stderr.trim() || stdout.trim() || message)
  }
}
