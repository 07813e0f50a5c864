// What the lowering makes of valid programs: test/fixtures/lower/*.ts, each with its golden text in *.out, and
// maps that lead every statement back to its line.

import path from 'node:path'
import { TraceMap, eachMapping, originalPositionFor } from '@jridgewell/trace-mapping'
import t from 'tap'
import ts from 'typescript'
import { formatComplaint } from '../../../../linker/lower/complaints.ts'
import { lowerFiles, lowerProgram, type LoweredFile } from '../../../../linker/lower/lower.ts'
import { fixtures, golden, kernelConfig, root } from '../../../lower/fixtures.ts'

const inputs = fixtures('lower')
const { files, complaints } = lowerFiles(inputs, kernelConfig)

t.test('nothing is refused', async t => {
  t.same(complaints.map(formatComplaint), [])
})

for (const input of inputs) {
  const lowered = files.get(input)!
  t.test(path.basename(input), async t => {
    t.equal(lowered.code, golden(input.replace(/\.ts$/, '.out'), lowered.code))
    t.same(lowered.map.sources, [path.basename(input)])
    t.same(unmappedStatements(input, lowered), [], 'every statement can be found again')
  })
}

t.test('a map leads to the line a statement came from', async t => {
  const input = path.join(root, 'test/fixtures/lower/control.ts')
  const { code, map } = files.get(input)!
  const source = ts.sys.readFile(input)!.split('\n')
  const trace = new TraceMap({ ...map, version: 3 })
  let found = 0
  for (const [index, text] of code.split('\n').entries()) {
    const port = /outb\((\d+),/.exec(text)
    if (port == null) continue
    const { line } = originalPositionFor(trace, { line: index + 1, column: port.index })
    t.match(source[line! - 1], `outb(${port[1]},`, port[0])
    found++
  }
  t.equal(found, 18)
})

t.test('a call that spans lines keeps the lines of the calls in it', async t => {
  const input = path.join(root, 'test/fixtures/lower/control.ts')
  const { code, map } = files.get(input)!
  const source = ts.sys.readFile(input)!.split('\n')
  const trace = new TraceMap({ ...map, version: 3 })
  const index = code.split('\n').findIndex(each => each.includes('return plain(plain('))
  const columns = [...code.split('\n')[index]!.matchAll(/plain\(/g)].map(each => each.index)
  const texts = columns.map(column => source[originalPositionFor(trace, { line: index + 1, column }).line! - 1]!.trim())
  t.same(texts, ['return plain(', 'plain(a, 1),', 'plain('])
})

t.test('only what the entry reaches is lowered', async t => {
  const entry = path.join(root, 'test/fixtures/lower/methods.ts')
  const { files } = lowerProgram({ entry, tsconfig: kernelConfig })
  t.same([...files.keys()].map(each => path.basename(each)).sort(), ['methods-other.ts', 'methods.ts'])
})

t.test('a program with complaints is refused with all of them', async t => {
  const entry = path.join(root, 'test/fixtures/refuse/PY1204.ts')
  t.throws(() => lowerProgram({ entry, tsconfig: kernelConfig }), {
    name: 'RefusedError',
    message: /^test\/fixtures\/refuse\/PY1204\.ts:6:3 PY1204 .*\n {2}suggestion: .*\n.*PY1204\.ts:10:14 PY1204 /,
    complaints: [{ code: 'PY1204', line: 6, column: 3 }, { code: 'PY1204', line: 10, column: 14 }],
  })
})

/** Statements inside functions whose line is the origin of no segment of the map. */
function unmappedStatements(input: string, { map }: LoweredFile): string[] {
  const lines = new Set<number>()
  eachMapping(new TraceMap({ ...map, version: 3 }), ({ originalLine }) => lines.add(originalLine ?? 0))
  const file = ts.createSourceFile(input, ts.sys.readFile(input)!, ts.ScriptTarget.ES2022, true)
  const missing: string[] = []
  const visit = (node: ts.Node): void => {
    const hasCode = ts.isStatement(node) && !ts.isBlock(node) && !ts.isEmptyStatement(node)
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1
    if (hasCode && !lines.has(line)) missing.push(`${line}: ${node.getText()}`)
    ts.forEachChild(node, visit)
  }
  for (const each of file.statements) {
    if (ts.isFunctionDeclaration(each) || ts.isClassDeclaration(each)) ts.forEachChild(each, visit)
  }
  return missing
}
