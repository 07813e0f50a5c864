// How good the code is that comes out of the toolchain: instructions of four kernel functions, compiled from
// dialect TypeScript, against the same algorithms written by hand in C (test/bench/c) and compiled by the same
// clang with the same flags. callgrind counts them, so the figures do not move from run to run.
//
// The kernel's functions are compiled as the kernel is, with its own intrinsics, and linked into an ordinary
// Linux program below 2 GiB, where a sign-extended 32-bit address means what it says (test/bench/c/harness.c).

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLANG } from '../../linker/object.ts'
import { compileCObject, compileKernelObject } from './objects.ts'
import { benchDirectory, figure, projectDirectory, rowAgainst, type Figure, type Row } from './results.ts'

/** TypeScript may take this many times the instructions of C. */
const BAR = 1.1

interface Work {
  /** What the table calls it. */
  title: string
  /** What the harness calls it. */
  name: string
  /** The function counted. */
  counted: string
  /** Bytes, where the work has a length. */
  length: number
  calls: number
}

const works: Work[] = [
  { title: 'checksum of a page, 4096 bytes (onesSum)',
    name: 'checksum', counted: 'onesSum', length: 4096, calls: 100 },
  { title: 'copy of 1500 bytes (copyBytes)', name: 'copy', counted: 'copyBytes', length: 1500, calls: 100 },
  { title: 'copy of a page, 4096 bytes (copyBytes)', name: 'copy', counted: 'copyBytes', length: 4096, calls: 100 },
  { title: 'IPv4 header check (ipv4Fault)', name: 'ipv4', counted: 'ipv4Fault', length: 0, calls: 100 },
  { title: 'ARP cache look-up, 64 neighbours (arpFind)', name: 'arp', counted: 'arpFind', length: 0, calls: 640 },
]

/** Instructions per call of each work, both languages. Throws if valgrind is missing or a result is wrong. */
export async function benchInstructions(): Promise<Row[]> {
  const directory = join(benchDirectory(), 'instructions')
  mkdirSync(directory, { recursive: true })
  const object = join(directory, 'c.o')
  compileCObject('all.c', object)
  const c = buildHarness(directory, 'c', object, [])
  const porphyry = buildHarness(directory, 'porphyry', await compileKernelObject(), ['-DPORPHYRY'])
  for (const program of [c, porphyry]) execFileSync(program, ['ipv4-refusals', '0', '0'])
  return works.map((work) => rowAgainst(work.title, 'C -O2',
    count(directory, c, work, work.counted), count(directory, porphyry, work, `f_${work.counted}`), BAR))
}

/** A program that calls the functions of `object`. Static and not position-independent: it lies below 2 GiB. */
function buildHarness(directory: string, name: string, object: string, defines: string[]): string {
  const program = join(directory, `harness-${name}`)
  const harness = join(projectDirectory, 'test/bench/c/harness.c')
  execFileSync(CLANG,
    ['-O2', '-fno-pie', ...defines, harness, object, '-static', '-Wl,--strip-debug', '-o', program])
  return program
}

/** Instructions executed between entry to and return from the counted function, per call. */
function count(directory: string, program: string, work: Work, symbol: string): Figure {
  const output = join(directory, 'callgrind.out')
  execFileSync('valgrind', ['-q', '--tool=callgrind', `--callgrind-out-file=${output}`, `--toggle-collect=${symbol}`,
    program, work.name, String(work.length), String(work.calls)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const total = /^totals: (\d+)/m.exec(readFileSync(output, 'utf8'))?.[1]
  if (total === undefined || total === '0') throw new Error(`callgrind counted nothing in ${symbol}`)
  return figure('instructions', [Number(total) / work.calls])
}
