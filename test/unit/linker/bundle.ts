// Bundling: one module, without what nobody uses, with maps that lead to the .ts files; nothing from disk.

import path from 'node:path'
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping'
import t from 'tap'
import ts from 'typescript'
import { bundle } from '../../../linker/bundle.ts'
import { lowerProgram } from '../../../linker/lower/lower.ts'
import { kernelConfig, root } from '../../lower/fixtures.ts'

const fixture = (name: string): string => path.join(root, 'test/fixtures/lower', name)

t.test('modules become one, and what nobody uses is gone', async t => {
  const entry = fixture('methods.ts')
  const { code } = await bundle({ entry, lowered: lowerProgram({ entry, tsconfig: kernelConfig }) })
  t.match(code, /^function Segment_accepts\(/m, 'a method that is called')
  t.notMatch(code, 'Connection_set', 'a setter that does not exist')
  t.notMatch(code, /from "\.\//, 'no module is imported')
  t.match(code, /from "porphyry:intrinsics"/, 'but the intrinsics')
})

t.test('static memory, strings and functions that only initialise unused globals are gone', async t => {
  const entry = fixture('functions.ts')
  const lowered = lowerProgram({ entry, tsconfig: kernelConfig })
  const file = lowered.files.get(entry)!
  const unused = 'import { staticMemory as s, cstr as c, functionReference as r } from "porphyry:intrinsics"\n' +
    'const UNUSED_A = /* @__PURE__ */ s(8, 8)\nconst UNUSED_B = /* @__PURE__ */ c("b")\nfunction UNUSED_D() {}\n' +
    'const UNUSED_C = /* @__PURE__ */ r(UNUSED_D)\n'
  const files = new Map([...lowered.files, [entry, { ...file, code: unused + file.code }]])
  const { code } = await bundle({ entry, lowered: { ...lowered, files } })
  t.notMatch(code, 'UNUSED')
  t.match(code, 'functionReference(discard)', 'what is used stays')
})

t.test('the map leads to the lines of the .ts files, named relative to the project', async t => {
  const entry = fixture('control.ts')
  const { code, map } = await bundle({ entry, lowered: lowerProgram({ entry, tsconfig: kernelConfig }) })
  const source = ts.sys.readFile(entry)!.split('\n')
  const trace = new TraceMap({ ...map, version: 3 })
  let found = 0
  for (const [index, text] of code.split('\n').entries()) {
    const port = /outb\((\d+),/.exec(text)
    if (port == null) continue
    const origin = originalPositionFor(trace, { line: index + 1, column: port.index })
    t.equal(origin.source, 'test/fixtures/lower/control.ts')
    t.match(source[origin.line! - 1], `outb(${port[1]},`, port[0])
    found++
  }
  t.equal(found, 18)
})

t.test('the same text, byte for byte, each time', async t => {
  const entry = fixture('modules.ts')
  const once = await bundle({ entry, lowered: lowerProgram({ entry, tsconfig: kernelConfig }) })
  const again = await bundle({ entry, lowered: lowerProgram({ entry, tsconfig: kernelConfig }) })
  t.same(once, again)
  t.notMatch(once.code, root, 'no path of this machine')
})

t.test('a file that was not lowered can not get in', async t => {
  const entry = fixture('methods.ts')
  const lowered = lowerProgram({ entry, tsconfig: kernelConfig })
  const files = new Map([...lowered.files].filter(([name]) => name === entry))
  await t.rejects(bundle({ entry, lowered: { ...lowered, files } }), /methods-other\.ts was not lowered/)
})
