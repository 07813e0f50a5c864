// What is wrong with a program: TypeScript's errors and the dialect's, collected, sorted and printed.

import path from 'node:path'
import ts from 'typescript'
import { RULES, type RuleNumber } from './diagnostics.ts'

/** One complaint, about one place. `code` is a RuleNumber, or TS and a number when TypeScript complained. */
export interface Complaint {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly column: number
  readonly code: string
  readonly message: string
  readonly suggestion: string | null
}

/** Thrown by stages that can not go on; `message` has a line, and a suggestion, for each complaint. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  constructor(readonly complaints: readonly Complaint[]) {
    super(complaints.map(formatComplaint).join('\n'))
  }
}

/** `file:line:column PY1xxx message`, and the suggestion on a line of its own. */
export function formatComplaint(complaint: Complaint): string {
  const { file, line, column, code, message, suggestion } = complaint
  return `${file}:${line}:${column} ${code} ${message}` + (suggestion == null ? '' : `\n  suggestion: ${suggestion}`)
}

const OTHER_SIGN = 'one is signed, the other is not: convert with (x as number as u32), (x as number as i32)'

/** What to do about some of TypeScript's own errors, by number, where the dialect has a way of its own. */
const SUGGESTIONS: Readonly<Record<number, string>> = {
  2367: 'if a call may have changed it since the last comparison, read the field through a small function',
  2531: 'compare it with null first',
  6133: 'remove it',
  6192: 'remove them',
  7006: 'every parameter has a type',
  7029: 'end the case with break, return or continue',
  18047: 'compare it with null first',
}

/** What was found wrong with a program, TypeScript's errors and the dialect's, each place and rule once. */
export class Complaints {
  readonly #all = new Map<string, Complaint>()

  /** File names are printed relative to `root`. */
  constructor(readonly root: string) {}

  report(node: ts.Node, rule: RuleNumber, ...values: (string | number)[]): void {
    const file = node.getSourceFile()
    const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file))
    const message = RULES[rule].message.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)]))
    this.#add({
      file: this.#name(file), line: line + 1, column: character + 1, code: rule,
      message, suggestion: RULES[rule].suggestion,
    })
  }

  /** Take over what TypeScript itself found. */
  add(diagnostic: ts.Diagnostic): void {
    const at = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0)
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n  ')
    const isSign = text.includes("property '[kind]'") || text.includes("'[kind]' are incompatible")
    this.#add({
      file: diagnostic.file == null ? 'tsconfig' : this.#name(diagnostic.file),
      line: (at?.line ?? 0) + 1, column: (at?.character ?? 0) + 1,
      code: `TS${diagnostic.code}`,
      message: isSign ? text.split('\n')[0]! : text, // the rest is how the brands are made
      suggestion: isSign ? OTHER_SIGN : SUGGESTIONS[diagnostic.code] ?? null,
    })
  }

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** By file, then by place. */
  sorted(): Complaint[] {
    return [...this.#all.values()].sort((a, b) =>
      order(a.file, b.file) || a.line - b.line || a.column - b.column || order(a.code, b.code))
  }

  #name(file: ts.SourceFile): string {
    return path.relative(this.root, file.fileName)
  }

  #add(complaint: Complaint): void {
    this.#all.set(`${complaint.file}:${complaint.line}:${complaint.column}:${complaint.code}`, complaint)
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
