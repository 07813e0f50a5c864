// From lowered text with marks in it to plain text and its source map (Source Map Revision 3, ECMA-426 §5).
// A mark says: what follows comes from this position of the .ts file. Marks are control characters, which the
// lowered text can not contain otherwise: string literals are escaped.

import type ts from 'typescript'

/** A source map as tools take it: ECMA-426 §8. */
export interface SourceMap {
  version: 3
  sources: string[]
  names: string[]
  mappings: string
}

const OPEN = '\u0001'
const CLOSE = '\u0002'
const MARK = /\u0001(\d+)\u0002/g

/** What follows is `node`'s. */
export function mark(node: ts.Node): string {
  return `${OPEN}${node.getStart()}${CLOSE}`
}

/** What follows is the end of `node`: its closing brace. */
export function markEnd(node: ts.Node): string {
  return `${OPEN}${Math.max(node.getStart(), node.getEnd() - 1)}${CLOSE}`
}

/** The text without its marks, and the map they make; `source` is the name to give the .ts file in it. */
export function finish(marked: string, file: ts.SourceFile, source: string): { code: string; map: SourceMap } {
  const mapping = new Mappings()
  const lines: string[] = []
  for (const line of marked.split('\n')) {
    let plain = ''
    let from = 0
    for (const found of line.matchAll(MARK)) {
      plain += line.slice(from, found.index)
      from = found.index + found[0].length
      const at = file.getLineAndCharacterOfPosition(Number(found[1]))
      mapping.segment(plain.length, at.line, at.character)
    }
    lines.push(plain + line.slice(from))
    mapping.endLine()
  }
  return { code: lines.join('\n'), map: { version: 3, sources: [source], names: [], mappings: mapping.toString() } }
}

/** The `mappings` string: per generated line, segments of differences in base-64 VLQ. */
class Mappings {
  #text = ''
  #column = 0
  #originalLine = 0
  #originalColumn = 0
  #lineIsEmpty = true

  segment(column: number, originalLine: number, originalColumn: number): void {
    if (!this.#lineIsEmpty) this.#text += ','
    this.#lineIsEmpty = false
    this.#text += vlq(column - this.#column) + vlq(0) + vlq(originalLine - this.#originalLine) +
      vlq(originalColumn - this.#originalColumn)
    this.#column = column
    this.#originalLine = originalLine
    this.#originalColumn = originalColumn
  }

  endLine(): void {
    this.#text += ';'
    this.#column = 0
    this.#lineIsEmpty = true
  }

  toString(): string {
    return this.#text.replace(/;+$/, '')
  }
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Sign in the lowest bit, then 5 bits a digit, the sixth says that more follow. */
function vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1
  let text = ''
  do {
    const digit = rest & 31
    rest >>>= 5
    text += BASE64[rest > 0 ? digit | 32 : digit]
  } while (rest > 0)
  return text
}
