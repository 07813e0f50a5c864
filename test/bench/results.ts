// What a benchmark yields: rows of figures, each with its spread and the bar it is held to; the table that is
// printed and the file that is kept.

import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One measured quantity: the median of its runs. */
export interface Figure {
  median: number
  /** `s`, `ms`, `bytes`, `instructions`, `packets/s`. */
  unit: string
  /** Every run, in the order taken. */
  runs: number[]
}

/** One line of the table. */
export interface Row {
  /** What was done. */
  work: string
  /** Whom Porphyry is compared with; `none` if the bar is a plain number. */
  against: 'Linux guest' | 'C -O2' | 'none'
  reference: Figure | null
  porphyry: Figure
  /** The bar, as text for people. */
  bar: string
  /** Whether Porphyry's figure is within the bar; null if none was set. */
  met: boolean | null
}

/** The project's folder. */
export const projectDirectory = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where benchmarks keep what they build and what they found. */
export function benchDirectory(): string {
  return join(projectDirectory, 'build/bench')
}

/** A figure out of one or more runs; of an even number, the lower middle one. */
export function figure(unit: string, runs: number[]): Figure {
  const sorted = [...runs].sort((a, b) => a - b)
  const median = sorted[(sorted.length - 1) >> 1]
  if (median === undefined) throw new Error('a figure needs at least one run')
  return { median, unit, runs }
}

/** A row whose bar is a ratio: Porphyry's median at most `limit` times the reference's. */
export function rowAgainst(work: string, against: 'Linux guest' | 'C -O2', reference: Figure, porphyry: Figure,
  limit: number | null): Row {
  const met = limit === null ? null : porphyry.median <= limit * reference.median
  return { work, against, reference, porphyry, bar: limit === null ? '' : `at most ${limit}×`, met }
}

/** A row of figures of which more is better: Porphyry's median at least `least` times the Linux guest's; null if there is no bar. */
export function rowAtLeast(work: string, reference: Figure, porphyry: Figure, least: number | null): Row {
  const met = least === null ? null : porphyry.median >= least * reference.median
  return { work, against: 'Linux guest', reference, porphyry, bar: least === null ? '' : `at least ${least}×`, met }
}

/** A row whose bar is a number in the figure's own unit; `limit` null if there is none. */
export function rowBelow(work: string, porphyry: Figure, limit: number | null, reference: Figure | null = null): Row {
  const bar = limit === null ? '' : `at most ${format(limit, porphyry.unit)}`
  const met = limit === null ? null : porphyry.median <= limit
  return { work, against: reference === null ? 'none' : 'Linux guest', reference, porphyry, bar, met }
}

/** `a ÷ b` of two medians, to two digits after the point. */
export function ratioText(row: Row): string {
  if (row.reference === null) return ''
  const ratio = row.porphyry.median / row.reference.median
  return `${ratio < 0.1 ? ratio.toFixed(3) : ratio.toFixed(2)}×`
}

/** The table, as Markdown. */
export function table(rows: Row[]): string {
  const cells = rows.map((row) => [
    row.work,
    row.reference === null ? '' : `${spread(row.reference)}${row.against === 'C -O2' ? ' (C)' : ''}`,
    spread(row.porphyry),
    ratioText(row),
    row.bar,
    row.met === null ? '' : row.met ? 'yes' : 'NO',
  ])
  const head = ['work', 'Linux guest, or C -O2', 'Porphyry', 'ratio', 'bar', 'met']
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]!.length)))
  const line = (row: string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...cells.map(line)].join('\n')
}

/** Write build/bench/results.json: the machine, the commit, every row with its runs. Returns the path. */
export function writeResults(rows: Row[]): string {
  const path = join(benchDirectory(), 'results.json')
  mkdirSync(benchDirectory(), { recursive: true })
  const results = { taken: new Date().toISOString(), machine: machineKind(), commit: commit(), rows }
  writeFileSync(path, JSON.stringify(results, null, 2) + '\n')
  return path
}

/** The kind of machine the figures were taken on: `2 cores, QEMU 7.2 TCG`. */
export function machineKind(): string {
  const version = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' })
  return `${cpus().length} cores, QEMU ${/version (\d+\.\d+)/.exec(version)?.[1] ?? 'of unknown version'} TCG`
}

/** The commit measured, with `+` if files differ from it; empty outside a git checkout. */
function commit(): string {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding =
      { cwd: projectDirectory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    const git = (...args: string[]): string => execFileSync('git', args, options).trim()
    const differs = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', '--short', 'HEAD') + (differs ? '+' : '')
  } catch {
    return ''
  }
}

/** The median, and the range of the runs if there was more than one. */
function spread(of: Figure): string {
  const text = format(of.median, of.unit)
  if (of.runs.length < 2) return text
  return `${text} (${number(Math.min(...of.runs), of.unit)}–${number(Math.max(...of.runs), of.unit)})`
}

function format(value: number, unit: string): string {
  return `${number(value, unit)} ${unit}`
}

function number(value: number, unit: string): string {
  if (unit === 'bytes') return String(value)
  if (unit.endsWith('/s')) return String(Math.round(value))
  if (unit === 'instructions') return Number.isInteger(value) ? String(value) : value.toFixed(1)
  return value.toFixed(3)
}
