// Linking for real: entry.S, trap.S and syscall.S with a kernel of a few lines of C.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { readElf } from '../../../linker/elf.ts'
import { linkKernel, strippedKernel } from '../../../linker/link.ts'
import { functionsOf } from '../../../linker/symbols.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-link-'))
t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))

function compile(name: string, source: string): string {
  const object = path.join(folder, name)
  execFileSync('clang-19', ['-x', 'c', '-g', '-O1', '-ffreestanding', '-mcmodel=kernel', '-fno-pic', '-c', '-', '-o', object], { input: source })
  return object
}
const MAIN = `#line 7 "kernel/main.ts"
int value = 5; int zeroed[5000];
void f_kernelMain(int magic, int tag, int info, int tag2) { value = magic; }
void f_trapDispatch(int frame, int tag) { zeroed[0]++; }
void f_syscallDispatch(int frame, int tag) { zeroed[1]++; }
void f_processBegin(int frame, int tag) { zeroed[2]++; }
`

t.test('an ELF with everything beside it, the same each time', t => {
  const output = path.join(folder, 'k.elf')
  const object = compile('main.o', MAIN)
  const { elf, textBytes } = linkKernel({ object, output })
  for (const extension of ['.elf', '.map', '.sym', '.asm']) t.ok(fs.statSync(output.replace('.elf', extension)).size > 0, extension)
  const read = readElf(elf)
  t.ok(textBytes > 4096, 'the stubs alone have 256 times 16 bytes')
  t.same(functionsOf(read).filter(each => /kernelMain|trapDispatch|kernel_start|trap_common/.test(each.name)).map(each => each.name),
    ['kernel_start', 'trap_common', 'kernelMain', 'trapDispatch'])
  const symbols = read.sections.find(each => each.name === '.symbols')!
  const table = read.bytes.subarray(symbols.offset, symbols.offset + symbols.size)
  t.equal(table.toString('latin1', 0, 4), 'PSYM')
  t.ok(table.includes('kernel/main.ts') && table.includes('kernel/arch/x86/entry.S'), 'TypeScript and assembly files')
  const guard = read.symbols.find(each => each.name === 'stack_guard')!
  t.equal(guard.address & 0xfffn, 0n, 'guard pages are pages')
  const before = fs.readFileSync(elf)
  fs.rmSync(output)
  t.ok(fs.readFileSync(linkKernel({ object, output }).elf).equals(before))
  t.end()
})

t.test('an undefined symbol is an error that names it', t => {
  const object = compile('undefined.o', `${MAIN}\nint f_gone(void); void f_other(void) { value = f_gone(); }`)
  t.throws(() => linkKernel({ object, output: path.join(folder, 'u.elf') }), { message: /undefined symbol: f_gone/ })
  t.notOk(fs.existsSync(path.join(folder, 'u.elf')))
  t.end()
})

t.test('a kernel without an entry for traps does not link', t => {
  const object = compile('half.o', MAIN.replace(/void f_trapDispatch.*/, ''))
  t.throws(() => linkKernel({ object, output: path.join(folder, 'h.elf') }), { message: /undefined symbol: f_trapDispatch/ })
  t.end()
})

t.test('the stripped kernel loads the same bytes', t => {
  const { elf } = linkKernel({ object: compile('main.o', MAIN), output: path.join(folder, 's.elf') })
  const [whole, stripped] = [readElf(elf), readElf(strippedKernel(elf))]
  const loaded = (from: typeof whole): string[] => from.segments.filter(each => each.type === 1)
    .map(each => `${each.physical.toString(16)} ${from.bytes.subarray(each.offset, each.offset + each.fileSize).toString('base64')}`)
  t.same(loaded(stripped), loaded(whole))
  t.equal(stripped.symbols.length, 0)
  t.end()
})
