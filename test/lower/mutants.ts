// Programs that are nearly right: fixtures of the lowering with a word or two replaced.

import ts from 'typescript'

type Random = (below: number) => number
type Place = readonly [start: number, end: number]

/** Words that are nowhere in the fixtures, and that a careless author might write. */
const STRANGE = [
  'this', 'null', '0', '-1', '{}', '[]', 'any', 'string', '<u32>', '!', '()', 'static', 'readonly', '++', '+=', '0.5',
  '"s"', 'nth()', 'at()', 'plus(1)', 'sizeof()', 'staticRow()', 'offsetof()', 'linkerSymbol()', 'super', 'import("x")',
  '.x', 'class {}', 'undefined', '?', 'as', 'const', '(0)()', 'function f() {}', 'async',
]

/** `text` with one to three words replaced, by any other or by one of the same sort; null if it no longer parses. */
export function mutant(random: Random, text: string): string | null {
  const sameSort = random(3) > 0
  let changed = text
  for (let left = 1 + random(sameSort ? 2 : 3); left > 0; left--) {
    const places = wordsOf(changed)
    const [start, end] = places[random(places.length)]!
    const words = places.map(([from, to]) => changed.slice(from, to))
    changed = changed.slice(0, start) + replacement(random, changed.slice(start, end), words, sameSort) + changed.slice(end)
  }
  const { parseDiagnostics } = ts.createSourceFile('mutant.ts', changed, ts.ScriptTarget.ES2022) as unknown as
    { parseDiagnostics: readonly unknown[] }
  return changed === text || parseDiagnostics.length > 0 ? null : changed
}

function replacement(random: Random, word: string, words: readonly string[], sameSort: boolean): string {
  if (!sameSort && random(2) === 0) return STRANGE[random(STRANGE.length)]!
  if (!sameSort && random(3) === 0) return ''
  const others = sameSort ? words.filter(each => sortOf(each) === sortOf(word)) : words
  return others[random(others.length)]!
}

function sortOf(word: string): string {
  return /^[a-z_]/i.test(word) ? 'name' : /^[0-9]/.test(word) ? 'number' : /^[-+*/%&|^<>=!~]+$/.test(word) ? 'operator' : word
}

function wordsOf(text: string): Place[] {
  const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true, ts.LanguageVariant.Standard, text)
  const places: Place[] = []
  while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) places.push([scanner.getTokenStart(), scanner.getTokenEnd()])
  return places
}
