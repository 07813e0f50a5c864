// The initial RAM disk: everything an archive can hold, and everything that can be wrong with one.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { cpio, cpioEntry, type CpioEntry } from '../../../cpio.ts'
import { engines } from '../../../engine.ts'
import { Files } from '../../../files-machine.ts'
import { need } from '../../../need.ts'

const FILE = 0o100000
const FOLDER = 0o040000
const LINK = 0o120000
const CHARACTER = 0o020000
const FIFO = 0o010000

interface Unpacked { result: number | string, files: number, bytes: number, skipped: number, rest: number }

function unpack(f: Files, archive: Uint8Array): Unpacked {
  const at = f.m.alloc(archive.length + 8)
  f.m.write(at, archive)
  const result = f.call('unpack', at, archive.length)
  const out = f.m.call('unpackedResult')
  return { result, files: f.m.read32(out), bytes: f.m.read32(out + 4), skipped: f.m.read32(out + 8), rest: f.m.read32(out + 12) - at }
}

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: files, directories, links, devices, fifos, with owner, mode and time`, async t => {
    const f = new Files(e)
    const big = Buffer.alloc(300_001, 'abcdefg')
    const done = unpack(f, cpio(
      { name: '.', mode: FOLDER | 0o700 },
      { name: 'etc', mode: FOLDER | 0o755, modified: 1234567 },
      { name: 'etc/motd', mode: FILE | 0o640, data: 'hello\n', uid: 7, gid: 8, modified: 99 },
      { name: 'etc/empty', mode: FILE | 0o600 },
      { name: './etc/big', mode: FILE | 0o4755, data: big },
      { name: 'bin', mode: LINK | 0o777, data: 'usr/bin' },
      { name: 'null', mode: CHARACTER | 0o666, device: [1, 3] },
      { name: 'large', mode: CHARACTER | 0o600, device: [300, 70000] },
      { name: 'fifo', mode: FIFO | 0o622 },
    ))
    t.match(done, { result: 0, files: 9, bytes: 6 + big.length, skipped: 0 })
    t.same(f.names('/'), ['bin', 'etc', 'fifo', 'large', 'null'])
    t.match(f.stat('/'), { mode: FOLDER | 0o700 })
    t.match(f.stat('/etc'), { mode: FOLDER | 0o755, links: 2 })
    t.match(f.stat('/etc/motd'), { mode: FILE | 0o640, uid: 7, gid: 8, modified: 99, size: 6 })
    t.match(f.stat('/etc/big'), { mode: FILE | 0o4755, size: big.length })
    t.equal(f.file('/etc/big'), big.toString())
    t.equal(f.file('/etc/empty'), '')
    t.equal(f.readlink('/bin'), 'usr/bin')
    t.match(f.stat('/null'), { mode: CHARACTER | 0o666, rdev: 0x103 })
    t.match(f.stat('/large'), { rdev: (300 << 8) | (70000 & 0xff) | ((70000 & 0xfff00) << 12) })
    t.match(f.stat('/fifo'), { mode: FIFO | 0o622 })
    t.equal(f.write(f.open('/null', 1) as number, 'anything'), 8, 'the node leads to the device')
    f.close(0)
    t.same(f.left(), { walks: 0, open: 0, pipes: 0 })
  })

  t.test(`${e.kind}: names of one inode are one file, whichever has the contents`, async t => {
    const f = new Files(e)
    const one = { mode: FILE | 0o644, inode: 500, links: 3 }
    const two = { mode: FILE | 0o644, inode: 501, links: 2 }
    t.match(unpack(f, cpio(
      { name: 'first', ...one }, { name: 'x', ...two, data: 'early' }, { name: 'second', ...one },
      { name: 'third', ...one, data: 'late' }, { name: 'y', ...two }, { name: 'alone', mode: FILE | 0o644, inode: 500, data: 'one name' },
    )), { result: 0, files: 6, skipped: 0 })
    for (const name of ['first', 'second', 'third']) t.equal(f.file(name), 'late')
    t.match(f.stat('first'), { links: 3 })
    t.same(f.stat('first'), f.stat('third'))
    t.equal(f.file('y'), 'early')
    t.match(f.stat('y'), { links: 2 })
    t.equal(f.file('alone'), 'one name', 'a file of one name is none of them, whatever its number')
  })

  t.test(`${e.kind}: archives after one another number their inodes anew`, async t => {
    const f = new Files(e)
    const file = { mode: FILE | 0o644, inode: 5, links: 2 }
    const both = Buffer.concat([cpio({ name: 'a', ...file, data: 'A' }), Buffer.alloc(512), cpio({ name: 'b', ...file, data: 'B' }), Buffer.alloc(3)])
    t.match(unpack(f, both), { result: 0, files: 2, skipped: 0, rest: both.length })
    t.equal(f.file('a'), 'A')
    t.equal(f.file('b'), 'B')
  })

  t.test(`${e.kind}: what is there already is replaced, but for directories`, async t => {
    const f = new Files(e)
    f.mkdir('/d', 0o700)
    f.save('/f', 'a longer text')
    f.save('/d/inside', 'stays')
    f.symlink('nowhere', '/l')
    t.match(unpack(f, cpio(
      { name: 'd', mode: FOLDER | 0o755 }, { name: 'f', mode: FILE | 0o644, data: 'short' }, { name: 'l', mode: FILE | 0o644, data: 'no link' },
      { name: 'd', mode: FILE | 0o644, data: 'not instead of a directory' }, { name: 'f', mode: FOLDER | 0o755 },
    )), { result: 0, files: 3, skipped: 2 })
    t.match(f.stat('/d'), { mode: FOLDER | 0o755 })
    t.equal(f.file('/d/inside'), 'stays')
    t.equal(f.file('/f'), 'short')
    t.equal(f.file('/l'), 'no link')
    t.match(f.stat('/l', false), { mode: FILE | 0o644 })
  })

  t.test(`${e.kind}: no name leads out of the root, or through what is none`, async t => {
    const f = new Files(e)
    const deep = `${'d/'.repeat(3000)}f`
    t.match(unpack(f, cpio(
      { name: '../../up', mode: FILE | 0o644, data: '1' }, { name: '/slash', mode: FILE | 0o644, data: '2' },
      { name: 'loop', mode: LINK | 0o777, data: 'loop' }, { name: 'loop/x', mode: FILE | 0o644 }, { name: 'no/parent', mode: FILE | 0o644 },
      { name: 'slash/x', mode: FILE | 0o644 }, { name: deep, mode: FILE | 0o644 }, { name: 'n'.repeat(256), mode: FILE | 0o644 },
      { name: 'text\0hidden', mode: FILE | 0o644 }, { name: '', mode: FILE | 0o644 }, { name: 'long', mode: LINK | 0o777, data: 'l'.repeat(4096) },
      { name: 'none', mode: LINK | 0o777 }, { name: 'odd', mode: 0o170000 | 0o644 }, { name: 'typeless', mode: 0o644 },
      { name: 'last', mode: FILE | 0o644, data: '3' },
    )), { result: 0, files: 4, skipped: 11 })
    t.same(f.names('/'), ['last', 'loop', 'slash', 'up'])
    t.equal(f.file('/last'), '3')
  })

  t.test(`${e.kind}: what is no archive, or ends in the middle, ends there and keeps what came before`, async t => {
    const good = cpioEntry({ name: 'good', mode: FILE | 0o644, data: 'kept' })
    const bad: [what: string, bytes: Buffer][] = [
      ['the old format', Buffer.from('070707')],
      ['another magic', cpioEntry({ name: 'x', mode: FILE, magic: '070703' })],
      ['gzip', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(200, 7)])],
      ['half a header', cpioEntry({ name: 'x', mode: FILE }).subarray(0, 100)],
      ['half a name', cpioEntry({ name: 'a-rather-long-name', mode: FILE }).subarray(0, 115)],
      ['half the contents', cpioEntry({ name: 'x', mode: FILE, data: 'contents' }).subarray(0, 116)],
      ['no name', cpioEntry({ name: 'x', mode: FILE, nameSize: 0 })],
      ['a name of 4 GiB', cpioEntry({ name: 'x', mode: FILE, nameSize: 0xffffffff })],
      ['a name that wraps', cpioEntry({ name: 'x', mode: FILE, nameSize: 0xffffff92 })],
      ['contents of 4 GiB', cpioEntry({ name: 'x', mode: FILE, size: 0xffffffff })],
      ['contents that wrap', cpioEntry({ name: 'x', mode: FILE, size: 0xfffffff0 })],
      ['a digit that is none', Buffer.from(cpioEntry({ name: 'x', mode: FILE }).toString('latin1').replace('000', '0g0'), 'latin1')],
    ]
    for (const [what, bytes] of bad) {
      const f = new Files(e, 600)
      t.match(unpack(f, Buffer.concat([good, bytes])), { result: 'EINVAL', files: 1, rest: good.length }, what)
      t.equal(f.file('good'), 'kept', what)
      t.same(f.left(), { walks: 0, open: 0, pipes: 0 }, what)
    }
  })

  t.test(`${e.kind}: a file larger than there is memory is skipped, the next is not`, async t => {
    const f = new Files(e, 600)
    t.match(unpack(f, cpio(
      { name: 'large', mode: FILE | 0o644, data: Buffer.alloc(1_500_000, 1) }, { name: 'small', mode: FILE | 0o644, data: 'x' },
    )), { result: 0, skipped: 1 })
    t.equal(f.stat('large'), 'ENOENT')
    t.equal(f.file('small'), 'x')
  })

  t.test(`${e.kind}: archives with bytes changed at random do no harm`, async t => {
    const entries: CpioEntry[] = [
      { name: 'a', mode: FOLDER | 0o755 }, { name: 'a/b', mode: FILE | 0o644, data: 'text' }, { name: 'a/l', mode: LINK | 0o777, data: '../a' },
      { name: 'a/l/c', mode: FILE | 0o644, inode: 9, links: 2 }, { name: 'd', mode: FILE | 0o644, inode: 9, links: 2, data: 'linked' },
    ]
    const whole = cpio(...entries)
    const pick = xorshift(77)
    const f = new Files(e)
    const seen = new Set<string>()
    for (let round = 0; round < 400; round++) {
      const archive = Buffer.from(whole)
      for (let i = pick(4); i >= 0; i--) archive[pick(archive.length)] = pick(3) === 0 ? pick(256) : '0123456789abcdef/.'.charCodeAt(pick(18))
      const { result, files, skipped } = unpack(f, archive.subarray(0, pick(5) === 0 ? pick(archive.length) : archive.length))
      seen.add(`${result} ${skipped > 0}`)
      if (files + skipped > 6) t.fail(`round ${round}: ${files} files`)
      if (f.left()['walks'] !== 0 || f.left()['open'] !== 0) t.fail(`round ${round}: something is left`)
    }
    t.ok(seen.has('0 false') && seen.has('0 true') && seen.has('EINVAL false'), [...seen].join(', '))
  })

  t.test(`${e.kind}: what GNU cpio makes of a folder is that folder`, async t => {
    if (!need(t, { command: 'cpio' })) return
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cpio-'))
    t.teardown(() => fs.rmSync(folder, { recursive: true }))
    fs.mkdirSync(path.join(folder, 'sub'))
    fs.writeFileSync(path.join(folder, 'sub/file'), 'x'.repeat(5000))
    fs.linkSync(path.join(folder, 'sub/file'), path.join(folder, 'same'))
    fs.symlinkSync('sub/file', path.join(folder, 'link'))
    const names = execFileSync('find', ['.'], { cwd: folder })
    const archive = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: folder, input: names })
    const f = new Files(e)
    t.match(unpack(f, archive), { result: 0, files: 5, skipped: 0 })
    t.equal(f.file('link'), 'x'.repeat(5000))
    t.equal(f.file('same'), 'x'.repeat(5000))
    t.match(f.stat('same'), { links: 2, mode: fs.statSync(path.join(folder, 'same')).mode })
  })
}
