// The header page: byte for byte what the real mkswap writes, and what is refused.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { engines } from '../../../engine.ts'
import { header, PAGE, SwapMachine } from '../../../swap-machine.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-swap-'))
t.teardown(() => fs.rmSync(folder, { recursive: true }))
const tools = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }

/** What mkswap makes of an empty file of `bytes` bytes: its first page. */
function mkswap(bytes: number, ...options: string[]): Buffer {
  const file = path.join(folder, `area-${bytes}-${options.length}`)
  fs.writeFileSync(file, Buffer.alloc(bytes), { mode: 0o600 })
  execFileSync('mkswap', ['-q', ...options, file], { env: tools, stdio: ['ignore', 'ignore', 'pipe'] })
  return fs.readFileSync(file)
}

const uuidText = (page: Uint8Array) =>
  Buffer.from(page.subarray(1036, 1052)).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

for (const e of await engines('test/kernel/swap.ts')) {
  t.test(`${e.kind}: the class is as long as a page`, t => {
    t.equal(e.start().call('headerSize'), PAGE)
    t.end()
  })

  for (const bytes of [10 * PAGE, 1 << 20, (3 << 20) + 5 * 512]) {
    t.test(`${e.kind}: a blank disk of ${bytes} bytes gets the header that mkswap writes`, t => {
      const machine = new SwapMachine(e)
      machine.addDisk(bytes)
      machine.start()
      const ours = machine.diskPage(0, 0)
      t.same(Buffer.from(ours), mkswap(bytes, '-U', uuidText(ours)).subarray(0, PAGE))
      t.ok(machine.m.bytes(machine.disks[0]! + PAGE, bytes - PAGE).every(b => b === 0), 'and nothing else is written')
      t.match(uuidText(ours), /^.{8}-.{4}-4.{3}-[89ab]/, 'a random UUID, RFC 9562 §5.4')
      t.end()
    })
  }

  t.test(`${e.kind}: blkid on the host sees a swap area`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(1 << 20)
    machine.start()
    const file = path.join(folder, `image-${e.kind}`)
    fs.writeFileSync(file, machine.m.bytes(machine.disks[0]!, 1 << 20))
    const seen = execFileSync('blkid', ['-p', '-o', 'export', file], { env: tools, encoding: 'utf8' })
    t.match(seen, /^TYPE=swap$/m)
    t.match(seen, /^VERSION=1$/m)
    t.match(seen, new RegExp(`^UUID=${uuidText(machine.diskPage(0, 0))}$`, 'm'))
    t.end()
  })

  t.test(`${e.kind}: two disks get different UUIDs`, t => {
    const uuids = ['one', 'two'].map(seed => {
      const machine = new SwapMachine(e)
      machine.m.call('randomSeed', machine.m.cstring(seed), 3)
      machine.addDisk(1 << 20)
      machine.start()
      return uuidText(machine.diskPage(0, 0))
    })
    t.not(uuids[0], uuids[1])
    t.end()
  })

  t.test(`${e.kind}: an area that mkswap made, with a label, is used as it is`, t => {
    const made = mkswap(1 << 20, '-L', 'scratch')
    const machine = new SwapMachine(e)
    machine.addDisk(1 << 20, { contents: made })
    t.same(machine.start(), [`info  swap: on disk=vda slots=255 uuid=${uuidText(made)}`])
    t.same(Buffer.from(machine.diskPage(0, 0)), made.subarray(0, PAGE), 'nothing was written')
    t.end()
  })

  const refused: [what: string, page: Uint8Array, why: string][] = [
    ['version 0', header(64, { version: 0 }), 'swap header of an unknown version'],
    ['version 2', header(64, { version: 2 }), 'swap header of an unknown version'],
    ['the other byte order', header(64, { version: 0x01000000 }), 'swap header of the other byte order'],
    ['the old format', header(64, { magic: 'SWAP-SPACE' }), 'swap header of the old format, version 0'],
    ['no pages', header(64, { lastPage: 0 }), 'swap header without pages'],
    ['one page more than the disk', header(64, { lastPage: 64 }), 'swap header says more pages than the disk has'],
    ['2^32 - 1 pages', header(64, { lastPage: 0xffffffff }), 'swap header says more pages than the disk has'],
    ['638 bad pages', header(64, { badCount: 638 }), 'swap header says more bad pages than it can list'],
    ['2^32 - 1 bad pages', header(64, { badCount: 0xffffffff }), 'swap header says more bad pages than it can list'],
    ['page 0 as a bad one', header(64, { bad: [5, 0] }), 'swap header lists a bad page that the area does not have'],
    ['a bad page past the end', header(64, { bad: [64] }), 'swap header lists a bad page that the area does not have'],
    ['a hibernated system', header(64, { magic: 'S1SUSPEND\0' }), 'no swap header, and its first and last MiB are not all zero'],
  ]
  for (const [what, page, why] of refused) {
    t.test(`${e.kind}: a header with ${what} is refused, and the disk is not written to`, t => {
      const machine = new SwapMachine(e)
      machine.addDisk(64 * PAGE, { contents: page })
      t.same(machine.start(), [
        `warn  swap: disk-refused disk=vda why="${why}"`,
        'warn  swap: none why="no disk has a swap header or is blank"',
      ])
      t.same(Buffer.from(machine.diskPage(0, 0)), Buffer.from(page))
      t.equal(machine.call('diskWrites', 0), 0)
      t.end()
    })
  }

  t.test(`${e.kind}: a header for fewer pages than the disk has is kept to`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(64 * PAGE, { contents: header(20) })
    t.match(machine.start(), [/^info {2}swap: on disk=vda slots=19 uuid=/])
    t.end()
  })

  t.test(`${e.kind}: bad pages of the header are never handed out; one listed twice counts once`, t => {
    const machine = new SwapMachine(e)
    machine.addDisk(12 * PAGE, { contents: header(12, { bad: [1, 4, 11, 4] }) })
    t.match(machine.start(), [/^info {2}swap: on disk=vda slots=8 bad_pages=4 uuid=/])
    const slots = Array.from({ length: 9 }, () => machine.call('kernelAllocateSlot'))
    t.same(slots, [2, 3, 5, 6, 7, 8, 9, 10, 0])
    t.end()
  })
}
