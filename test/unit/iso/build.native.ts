// Whole ISOs, made of a small ELF: the same bytes each time, read back, refused when they are not what was meant.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { buildIso } from '../../../iso/build.ts'
import { SIZE_LIMIT, verifyIso } from '../../../iso/verify.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-iso-test-'))
t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
const at = (name: string): string => path.join(folder, name)
const elf = at('small.elf')
execFileSync('clang-19', ['-x', 'assembler', '-', '-c', '-o', elf], { input: `.globl _start\n_start: hlt\n.ascii "${folder}"\n` })

t.test('the same kernel and command line give the same bytes', t => {
  const { iso, bytes } = buildIso({ elf, output: at('a.iso'), commandLine: 'log=debug' })
  t.equal(fs.statSync(iso).size, bytes)
  t.ok(bytes < SIZE_LIMIT)
  const first = fs.readFileSync(iso)
  for (const name of fs.readdirSync('build/cache/iso').filter(each => /^[0-9a-f]+\.iso$/.test(each))) {
    const kept = path.join('build/cache/iso', name)
    if (fs.readFileSync(kept).equals(first)) fs.rmSync(kept)
  }
  t.ok(fs.readFileSync(buildIso({ elf, output: at('b.iso'), commandLine: 'log=debug' }).iso).equals(first), 'made anew')
  t.notOk(fs.readFileSync(buildIso({ elf, output: at('c.iso'), commandLine: 'log=info' }).iso).equals(first), 'another line')
  t.end()
})

t.test('an ISO that holds something else is refused', t => {
  const { iso } = buildIso({ elf, output: at('d.iso') })
  const extract = (from: string, to: string): string => {
    execFileSync('xorriso', ['-osirrox', 'on', '-indev', iso, '-extract', from, at(to)], { stdio: 'ignore' })
    return at(to)
  }
  const contents = { kernel: extract('/boot/porphyry.elf', 'kernel'), core: extract('/boot/grub/core.img', 'core') }
  t.doesNotThrow(() => verifyIso(iso, contents))
  fs.chmodSync(contents.core, 0o644)
  const other = Buffer.from(fs.readFileSync(contents.core))
  other[100]! ^= 1
  fs.writeFileSync(at('core2'), other)
  t.throws(() => verifyIso(iso, { ...contents, core: at('core2') }), { message: /core\.img is not what was put into it/ })
  t.throws(() => verifyIso(iso, { ...contents, kernel: at('core2') }), { message: /porphyry\.elf is not what was put into it/ })
  fs.mkdirSync(at('tree'))
  fs.copyFileSync(contents.kernel, at('tree/k'))
  execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-o', at('plain.iso'), at('tree')], { stdio: 'ignore' })
  t.throws(() => verifyIso(at('plain.iso'), contents), { message: /no bootable El Torito image/ })
  fs.writeFileSync(at('large.iso'), Buffer.alloc(SIZE_LIMIT + 1))
  t.throws(() => verifyIso(at('large.iso'), contents), { message: /more than 1500000/ })
  t.end()
})
