// Fields in memory: random struct classes, read and changed by both engines; the bytes must be those of DataView.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { root } from '../../../lower/fixtures.ts'
import { ROW, moduleOf, randomFrom, randomStructs, type Member, type RandomStruct } from '../../../lower/random-structs.ts'

const SEED = 2026
const structs = randomStructs(randomFrom(SEED), 16)
const entry = `build/test/random-structs-${process.pid}.ts`
mkdirSync(path.join(root, 'build/test'), { recursive: true })
writeFileSync(path.join(root, entry), moduleOf(structs, '../../kernel/lib/layout.ts'))

/** Memory as it should be: the same bytes, changed by DataView. */
class Expected {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = Uint8Array.from(bytes)
    this.#view = new DataView(this.bytes.buffer)
  }

  get({ width, signed, bigEndian }: Member, at: number): number {
    const view = this.#view
    if (width === 1) return signed ? view.getInt8(at) : view.getUint8(at)
    if (width === 2) return signed ? view.getInt16(at, !bigEndian) : view.getUint16(at, !bigEndian)
    return view.getInt32(at, !bigEndian)
  }

  set({ width, bigEndian }: Member, at: number, value: number): void {
    if (width === 1) this.#view.setUint8(at, value)
    else if (width === 2) this.#view.setUint16(at, value, !bigEndian)
    else this.#view.setUint32(at, value, !bigEndian)
  }
}

const VALUES = [0, 1, 0x7f, 0x80, 0xff, 0x1234, 0x8000, 0xffff, 0x12345678, 0x80000000, 0xffffffff, 0xdeadbeef]

const built = await engines(entry)
rmSync(path.join(root, entry))

for (const engine of built) {
  for (const struct of structs) {
    t.test(`${engine.kind}: ${struct.name}, ${struct.members.length} members in ${struct.size} bytes`, async t => {
      const m = engine.start()
      t.equal(m.call(`${struct.name}_size`), struct.size)
      const address = m.alloc(struct.size + 32)
      const aligned = address + (struct.align === 1 ? 1 : 0) // packed structs stand anywhere
      const random = randomFrom(struct.size)
      m.write(address, Array.from({ length: struct.size + 32 }, () => random(256)))
      const expected = new Expected(m.bytes(aligned, struct.size + 16))
      for (const [n, member] of struct.members.entries()) {
        for (let i = 0; i < (member.row == null ? 1 : ROW); i++) exercise(t, m, struct, n, i, aligned, expected)
      }
      t.same(Uint8Array.from(m.bytes(aligned, struct.size + 16)), expected.bytes, 'nothing else was touched')
    })
  }
}

/** Read, store, add to and step one member; `i` is its place in a row. */
function exercise(
  t: Test, m: Instance, struct: RandomStruct, n: number, i: number, address: number, expected: Expected,
): void {
  const member = struct.members[n]!
  const at = member.offset + i * member.stride
  const object = member.row == null ? [address] : [address, i]
  const call = (what: string, ...more: number[]): number => m.call(`${struct.name}_${what}_${n}`, ...object, ...more)
  const results: number[] = []
  const wanted: number[] = []
  const compare = (): void => {
    results.push(call('get'))
    wanted.push(expected.get(member, at))
  }
  compare()
  for (const value of VALUES) {
    call('set', value)
    expected.set(member, at, value)
    compare()
    call('add', value)
    expected.set(member, at, expected.get(member, at) + value)
    compare()
    call('step')
    expected.set(member, at, expected.get(member, at) + 1)
    compare()
  }
  t.same(results, wanted, `${member.row ?? ''}${member.path} at ${at}, ${member.width} bytes`)
}
