// What is read out of llvm-dwarfdump's text, and how functions are told from it. That the kernel reads the table
// right is test/unit/kernel/arch/x86/symbols.ts.

import t from 'tap'
import type { Elf, ElfSymbol } from '../../../linker/elf.ts'
import { functionsOf, kernelName, leb128, parseInlined, parseLines } from '../../../linker/symbols.ts'

const LINES = `build/k.elf:	file format elf64-x86-64

.debug_line contents:
debug_line[0x00000000]
Line table prologue:
    total_length: 0x00000090
include_directories[  0] = "."
include_directories[  1] = "kernel/net"
file_names[  0]:
           name: "kernel/main.ts"
      dir_index: 0
file_names[  1]:
           name: "arp.ts"
      dir_index: 1

Address            Line   Column File   ISA Discriminator OpIndex Flags
------------------ ------ ------ ------ --- ------------- ------- -------------
0xffffffff80105000     12      3      0   0             0       0  is_stmt
0xffffffff80105008    100      0      1   0             0       0  is_stmt prologue_end
0xffffffff80105010    100      0      1   0             0       0  end_sequence

debug_line[0x00000094]
include_directories[  0] = "."
file_names[  1]:
           name: "kernel/arch/x86/trap.S"
      dir_index: 0
0xffffffff80106000     31      0      1   0             0       0  is_stmt end_sequence
`

const INFO = `0x0000000c: DW_TAG_compile_unit
              DW_AT_low_pc	(0xffffffff80105000)
0x00001f23:   DW_TAG_subprogram
                DW_AT_low_pc	(0xffffffff80105000)
                DW_AT_high_pc	(0xffffffff80106000)
                DW_AT_name	("f_kernelMain")
0x00001f30:     DW_TAG_inlined_subroutine
                  DW_AT_abstract_origin	(0x0000094f "f_mainLoop")
                  DW_AT_low_pc	(0xffffffff801061d9)
                  DW_AT_high_pc	(0xffffffff80107c43)
                  DW_AT_call_file	("./kernel/main.ts")
                  DW_AT_call_line	(13)
                  DW_AT_call_column	(3)

0x00001f36:       DW_TAG_variable
                    DW_AT_location	(indexed (0xf) loclist = 0x0000e125: 
                       [0xffffffff801061d9, 0xffffffff801064d3): DW_OP_lit0, DW_OP_stack_value
                       [0xffffffff801064d3, 0xffffffff80106534): DW_OP_reg14 R14)

0x00001f3c:       DW_TAG_inlined_subroutine
                    DW_AT_abstract_origin	(0x0000091a "f_loopOnce")
                    DW_AT_ranges	(indexed (0x0) rangelist = 0x00000f06
                       [0xffffffff801061d9, 0xffffffff801065a2)
                       [0xffffffff801065b5, 0xffffffff80107c43))
                    DW_AT_call_file	("./kernel/loop.ts")
                    DW_AT_call_line	(64)

0x00001f45:         NULL
`

t.test('rows of the line table, with files of their own unit', t => {
  t.same(parseLines(LINES), [
    { address: 0xffffffff80105000n, line: 12, file: 'kernel/main.ts', end: false },
    { address: 0xffffffff80105008n, line: 100, file: 'kernel/net/arp.ts', end: false },
    { address: 0xffffffff80105010n, line: 100, file: 'kernel/net/arp.ts', end: true },
    { address: 0xffffffff80106000n, line: 31, file: 'kernel/arch/x86/trap.S', end: true }])
  t.end()
})

t.test('inlined calls, each piece of code by itself; variables in between are none', t => {
  t.same(parseInlined(INFO), [
    { start: 0xffffffff801061d9n, end: 0xffffffff80107c43n, name: 'mainLoop', file: 'kernel/main.ts', line: 13 },
    { start: 0xffffffff801061d9n, end: 0xffffffff801065a2n, name: 'loopOnce', file: 'kernel/loop.ts', line: 64 },
    { start: 0xffffffff801065b5n, end: 0xffffffff80107c43n, name: 'loopOnce', file: 'kernel/loop.ts', line: 64 }])
  t.end()
})

t.test('numbers as LEB128', t => {
  t.same([0, 1, 127, 128, 300, 0xffffffff].map(leb128), [[0], [1], [0x7f], [0x80, 1], [0xac, 2], [0xff, 0xff, 0xff, 0xff, 0x0f]])
  t.end()
})

t.test('functions: by address, one name each, assembly up to the next label', t => {
  const symbol = (name: string, address: bigint, size: number, section = 1): ElfSymbol => ({ name, address, size, section, isFunction: size > 0 })
  const elf = {
    sections: [{ name: '' }, { name: '.text', virtual: 0x1000n, size: 0x100 }],
    symbols: [symbol('', 0n, 0, 0), symbol('trap_common', 0x1040n, 0), symbol('f_boot', 0x1050n, 0x20), symbol('trap_stubs', 0x1000n, 0),
      symbol('alias', 0x1050n, 0x20), symbol('data', 0x2000n, 4, 2), symbol('last', 0x1080n, 0), symbol('text_end', 0x1100n, 0)],
  } as unknown as Elf
  t.same(functionsOf(elf), [
    { address: 0x1000n, name: 'trap_stubs', size: 0x40 }, { address: 0x1040n, name: 'trap_common', size: 0x10 },
    { address: 0x1050n, name: 'alias', size: 0x20 }, { address: 0x1080n, name: 'last', size: 0x80 }])
  t.equal(kernelName('f_tcpInput'), 'tcpInput')
  t.equal(kernelName('half_open'), 'half_open')
  t.end()
})
