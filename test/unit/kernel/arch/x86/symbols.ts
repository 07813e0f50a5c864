// The table of symbols and lines, written by linker/symbols.ts and read by the kernel's own code.

import t from 'tap'
import { type Instance, engines } from '../../../../engine.ts'
import { type CodeFunction, type CodeLine, type InlinedCode, symbolTable } from '../../../../../linker/symbols.ts'

const at = (offset: number): bigint => 0xffffffff80105000n + BigInt(offset)
const FUNCTIONS: CodeFunction[] = [
  { address: at(0), size: 0x40, name: 'kernelMain' }, { address: at(0x40), size: 0x100, name: 'tcpInput' },
  { address: at(0x150), size: 0x20, name: 'trap_common' }]
const row = (offset: number, file: string, line: number, end = false): CodeLine => ({ address: at(offset), file, line, end })
const LINES: CodeLine[] = [
  row(0, 'kernel/main.ts', 10), row(0x20, 'kernel/main.ts', 12), row(0x40, 'kernel/net/tcp/input.ts', 300), row(0x48, 'kernel/lib/checksum.ts', 7),
  row(0x60, 'kernel/lib/checksum.ts', 5), row(0x80, 'kernel/net/tcp/input.ts', 100000), row(0x140, 'kernel/net/tcp/input.ts', 0, true)]
const INLINED: InlinedCode[] = [
  { start: at(0x48), end: at(0x80), name: 'verify', file: 'kernel/net/tcp/input.ts', line: 301 },
  { start: at(0x60), end: at(0x70), name: 'onesSum', file: 'kernel/net/tcp/check.ts', line: 44 },
  { start: at(0x90), end: at(0xa0), name: 'verify', file: 'kernel/net/tcp/input.ts', line: 77 }]

type Place = { name: string, offset: number, file: string, line: number, inlined: boolean }

/** All places of a code address, innermost first. */
function places(m: Instance, table: number, bytes: number, code: bigint): Place[] {
  const found: Place[] = []
  while (m.call('find', table, bytes, Number(code & 0xffffffffn), found.length) !== 0) {
    found.push({ name: m.text(m.call('placeName') >>> 0), offset: m.call('placeOffset'), file: m.text(m.call('placeFile') >>> 0),
      line: m.call('placeLine'), inlined: m.call('placeInlined') !== 0 })
    if (found.length > 10) throw new Error('no end')
  }
  return found
}

function put(m: Instance, bytes: Uint8Array): number {
  const table = m.alloc(bytes.length, 16)
  m.write(table, bytes)
  return table
}

for (const e of await engines('test/kernel/arch.ts')) {
  const bytes = symbolTable(FUNCTIONS, LINES, INLINED)

  t.test(`${e.kind}: functions, offsets and lines`, t => {
    const m = e.start()
    const table = put(m, bytes)
    const find = (offset: number): Place[] => places(m, table, bytes.length, at(offset))
    t.same(find(0), [{ name: 'kernelMain', offset: 0, file: 'kernel/main.ts', line: 10, inlined: false }])
    t.same(find(0x1f)[0]!.line, 10)
    t.same(find(0x3f), [{ name: 'kernelMain', offset: 0x3f, file: 'kernel/main.ts', line: 12, inlined: false }])
    t.same(find(0x47), [{ name: 'tcpInput', offset: 7, file: 'kernel/net/tcp/input.ts', line: 300, inlined: false }])
    t.same(find(0x13f), [{ name: 'tcpInput', offset: 0xff, file: 'kernel/net/tcp/input.ts', line: 100000, inlined: false }])
    t.same(find(0x150), [{ name: 'trap_common', offset: 0, file: '', line: 0, inlined: false }], 'a function without lines')
    t.end()
  })

  t.test(`${e.kind}: addresses of no function`, t => {
    const m = e.start()
    const table = put(m, bytes)
    for (const offset of [-1, 0x140, 0x14f, 0x170, 0x10000]) t.same(places(m, table, bytes.length, at(offset)), [], `${offset}`)
    t.end()
  })

  t.test(`${e.kind}: inlined calls, innermost first`, t => {
    const m = e.start()
    const table = put(m, bytes)
    const find = (offset: number): [string, string, number, boolean][] =>
      places(m, table, bytes.length, at(offset)).map(({ name, file, line, inlined }) => [name, file, line, inlined])
    t.same(find(0x48), [['verify', 'kernel/lib/checksum.ts', 7, true], ['tcpInput', 'kernel/net/tcp/input.ts', 301, false]])
    t.same(find(0x6f), [['onesSum', 'kernel/lib/checksum.ts', 5, true], ['verify', 'kernel/net/tcp/check.ts', 44, true],
      ['tcpInput', 'kernel/net/tcp/input.ts', 301, false]])
    t.same(find(0x70).length, 2)
    t.same(find(0x90), [['verify', 'kernel/net/tcp/input.ts', 100000, true], ['tcpInput', 'kernel/net/tcp/input.ts', 77, false]])
    t.end()
  })

  t.test(`${e.kind}: no table, a cut one, and random bytes in one`, t => {
    const m = e.start()
    const table = put(m, bytes)
    t.same(places(m, table, 0, at(0)), [])
    t.same(places(m, table, bytes.length - 1, at(0)), [], 'a table longer than its room')
    let seed = 7
    for (let i = 0; i < 500; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      const broken = Uint8Array.from(bytes)
      broken[16 + (seed >>> 8) % (broken.length - 16)] = seed >>> 24
      const copy = put(m, broken)
      for (const offset of [0, 0x48, 0x6f, 0x150]) m.call('find', copy, broken.length, Number(at(offset) & 0xffffffffn), seed % 4) // a read outside throws
    }
    t.pass('nothing outside was read')
    t.end()
  })
}
