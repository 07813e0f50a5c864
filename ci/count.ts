// Counting tests in TAP: what one test file's output amounts to. TAP 14, https://testanything.org.
//
// A test is an innermost named subtest (`t.test('…')`), whatever number of assertions it holds; an assertion
// outside any subtest counts as a test of its own. So the totals are of things with names, not of loop turns.

import { type FinalResults, Parser, type Result } from 'tap-parser'

export interface Failure { name: string, diagnostics: string }
export interface Count { passed: number, failed: number, skipped: number, assertions: number, failures: Failure[] }

export function emptyCount(): Count {
  return { passed: 0, failed: 0, skipped: 0, assertions: 0, failures: [] }
}

/** Count a whole TAP document. A document that ends early, or plans more than it ran, has a failure. */
export function countTap(text: string): Count {
  const count = emptyCount()
  const parser = new Parser()
  let results: FinalResults | undefined
  follow(parser, [], count)
  parser.on('complete', r => { results = r })
  parser.end(text)
  if (results && !results.ok && count.failed === 0) {
    count.failed++
    const why = results.bailout || results.failures.map(f => f.tapError ?? f.name).join('; ')
    count.failures.push({ name: 'the TAP output', diagnostics: String(why) })
  }
  return count
}

/** Add to `count` what `parser` meets from here on; `path` holds the names of the subtests it is inside. */
function follow(parser: Parser, path: string[], count: Count): void {
  let inner: Subtest | undefined
  parser.on('child', child => {
    inner = new Subtest(child, [...path, child.name], count)
  })
  parser.on('assert', result => {
    const subtest = inner
    inner = undefined
    if (subtest) subtest.finish(result)
    else if (path.length === 0) countPoint(result, path, count)
  })
}

function countPoint(result: Result, path: string[], count: Count): void {
  if (result.skip || result.todo) count.skipped++
  else if (result.ok) count.passed++
  else {
    count.failed++
    count.failures.push({ name: [...path, result.name].join(' > '), diagnostics: describe(result.diag) })
  }
  count.assertions++
}

class Subtest {
  private hasSubtests = false
  private skips = 0
  private readonly own: Failure[] = []
  private comments = '' // a failing boot test's serial log, for one
  private readonly failedBefore: number

  constructor(parser: Parser, private readonly path: string[], private readonly count: Count) {
    this.failedBefore = count.failed
    let inside = 0
    parser.on('child', () => { this.hasSubtests = true; inside++ })
    parser.on('assert', result => {
      if (inside > 0) { inside--; return }
      count.assertions++
      if (result.skip || result.todo) {
        this.skips++
        // A skipped `t.test` arrives as a bare point: it is a test beside its siblings.
        if (this.hasSubtests) count.skipped++
      } else if (!result.ok) this.own.push({ name: result.name, diagnostics: describe(result.diag) })
    })
    parser.on('comment', comment => {
      if (!/^# (Subtest|time=)/.test(comment)) this.comments += comment.replace(/^# ?/, '')
    })
    follow(parser, path, count)
  }

  /** The parent's point for this subtest has come: decide what it was. */
  finish(result: Result): void {
    const { count } = this
    if (!this.hasSubtests) {
      if (!result.ok) count.failed++
      else if (this.skips > 0 || result.skip || result.todo) count.skipped++
      else count.passed++
    } else if (!result.ok && (this.own.length > 0 || count.failed === this.failedBefore)) count.failed++
    if (result.ok) return
    const name = this.path.join(' > ')
    for (const f of this.own) count.failures.push({ name: `${name} > ${f.name}`, diagnostics: f.diagnostics })
    if (this.own.length === 0 && count.failures.length < count.failed) {
      count.failures.push({ name, diagnostics: describe(result.diag) })
    }
    const last = count.failures.at(-1)
    if (last && this.comments) last.diagnostics += `\n${this.comments}`
  }
}

/** A point's YAML block as indented text, without what a reader never looks at. */
function describe(diag: unknown): string {
  if (diag === null || typeof diag !== 'object') return String(diag ?? '')
  const lines: string[] = []
  for (const [key, value] of Object.entries(diag)) {
    if (key === 'source' || key === 'typeName' || key === 'externalID') continue
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (text === undefined) continue
    const parts = text.trimEnd().split('\n')
    if (parts.length === 1) lines.push(`${key}: ${parts[0]}`)
    else lines.push(`${key}:`, ...parts.map(line => '  ' + line))
  }
  return lines.join('\n')
}
