// The linked kernel's own checks: each thing that can be wrong with it is made wrong once.

import t from 'tap'
import type { Elf, Segment } from '../../../linker/elf.ts'
import { complaintsOf, moved, symbolsText } from '../../../linker/link.ts'

const segment = (change: Partial<Segment> = {}): Segment => ({
  type: 1, readable: true, writable: false, executable: true, offset: 0x1000, virtual: 0x100000n, physical: 0x100000n,
  fileSize: 0x4000, memorySize: 0x4000, ...change })

/** A kernel with nothing wrong: multiboot2 header at 0x1000, PVH note at 0x2000. */
function good(change: { segments?: Segment[], symbols?: Elf['symbols'], entry?: bigint, bytes?: (b: Buffer) => void } = {}): Elf {
  const bytes = Buffer.alloc(0x8000)
  ;[0xe85250d6, 0, 24, 0x100000000 - (0xe85250d6 + 24)].forEach((value, i) => bytes.writeUInt32LE(value, 0x1000 + i * 4))
  ;[4, 4, 18].forEach((value, i) => bytes.writeUInt32LE(value, 0x2000 + i * 4))
  bytes.write('Xen\0', 0x200c, 'latin1')
  bytes.writeUInt32LE(0x100018, 0x2010)
  change.bytes?.(bytes)
  return {
    bytes, entry: change.entry ?? 0x10001dn, sections: [], symbols: change.symbols ?? [],
    segments: change.segments ?? [segment(), segment({ type: 4, executable: false, offset: 0x2000, fileSize: 20 }),
      segment({ virtual: 0xffffffff80105000n, physical: 0x105000n }), segment({ virtual: 0xffffffff80110000n, physical: 0x110000n, writable: true, executable: false })],
  }
}

t.test('nothing to complain about', t => {
  t.same(complaintsOf(good()), [])
  t.end()
})

t.test('each complaint', t => {
  const base = good().segments
  const symbol = { name: 'f_gone', address: 0n, size: 0, section: 0, isFunction: false }
  for (const [change, complaint] of [
    [{ segments: [...base, segment({ writable: true, virtual: 0xffffffff80200000n, physical: 0x200000n })] }, 'segment 3 is both writable and executable'],
    [{ segments: [...base, segment({ virtual: 0xffffffff80200000n, physical: 0x300000n })] }, 'segment 3 is loaded at 300000, linked at ffffffff80200000'],
    [{ symbols: [symbol] }, 'undefined: f_gone'],
    [{ entry: 0x200000n }, 'the entry 200000 is not in an executable segment'],
    [{ bytes: b => { b.writeUInt32LE(17, 0x2008) } }, 'there is no PVH entry note'],
    [{ bytes: b => { b.writeUInt32LE(0x110000, 0x2010) } }, 'the PVH entry is not in an executable segment'],
    [{ bytes: b => { b.writeUInt32LE(1, 0x100c) } }, 'there is no multiboot2 header in the first 32 KiB'],
  ] as [Parameters<typeof good>[0], string][]) t.same(complaintsOf(good(change)), [complaint])
  t.end()
})

t.test('what the second link moved is named, but for the ends that must move', t => {
  const at = (name: string, address: bigint): Elf['symbols'][number] => ({ name, address, size: 0, section: 1, isFunction: false })
  const first = good({ symbols: [at('f_a', 1n), at('f_b', 2n), at('symbol_table_end', 3n), at('kernel_image_end', 4n)] })
  t.same(moved(first, good({ symbols: [at('f_a', 1n), at('f_b', 2n), at('symbol_table_end', 30n), at('kernel_image_end', 40n)] })), [])
  t.same(moved(first, good({ symbols: [at('f_a', 1n), at('f_b', 5n)] })), ['f_b'])
  t.same(moved(first, good({ symbols: [at('f_b', 2n)] })), ['f_a'], 'and what it lost')
  t.end()
})

t.test('the list of symbols is by address', t => {
  const symbols = [{ name: 'g_count', address: 0xffffffff80200000n, size: 4, section: 3, isFunction: false },
    { name: 'f_boot', address: 0xffffffff80100000n, size: 100, section: 1, isFunction: true }]
  t.equal(symbolsText(good({ symbols })), 'ffffffff80100000 f     100 f_boot\nffffffff80200000 d       4 g_count\n')
  t.end()
})
