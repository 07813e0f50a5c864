// Random calls on names against Node's own file system: the same calls, in a folder made for it, have to end the same way.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { engines } from '../../../engine.ts'
import { Files } from '../../../files-machine.ts'

const seed = Number(process.env['SEED'] ?? 20261128)
const STEPS = process.env['LEVEL'] === 'all' ? 30000 : 4000
/** Folders above the one that is worked in, so that no `..` reaches anything of the machine's. */
const NEST = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9']
const TYPE = 0o170000

const xorshift = (state: number) => (below: number) => {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5
  return (state >>> 0) % below
}

type Pick = (below: number) => number
type Outcome = number | string | unknown[]

/** One call on both sides. */
interface Call { text: string, ours: (f: Files) => Outcome, theirs: () => Outcome }

function attempt(run: () => Outcome): Outcome {
  try { return run() } catch (error) { return (error as NodeJS.ErrnoException).code ?? String(error) }
}

/** What is compared of a file: its type, permissions, and size and links where file systems agree on them. */
const facts = (mode: number, size: number, links: number): unknown[] =>
  (mode & TYPE) === 0o040000 ? [mode] : [mode, size, links]

function randomPath(pick: Pick): string {
  const parts = Array.from({ length: 1 + pick(3) }, () => ['a', 'b', 'c', 'd', 'a', 'b', '.', '..'][pick(8)]!)
  return parts.join(pick(8) === 0 ? '//' : '/') + (pick(8) === 0 ? '/' : '')
}

function randomCall(pick: Pick): Call {
  const p = randomPath(pick)
  const q = randomPath(pick)
  switch (pick(13)) {
    case 0: return { text: `mkdir ${p}`, ours: f => f.mkdir(p), theirs: () => { fs.mkdirSync(p); return 0 } }
    case 1: return { text: `rmdir ${p}`, ours: f => f.rmdir(p), theirs: () => { fs.rmdirSync(p); return 0 } }
    case 2: return { text: `unlink ${p}`, ours: f => f.unlink(p), theirs: () => { fs.unlinkSync(p); return 0 } }
    case 3: case 4: return { text: `rename ${p} ${q}`, ours: f => f.rename(p, q), theirs: () => { fs.renameSync(p, q); return 0 } }
    case 5: return { text: `link ${p} ${q}`, ours: f => f.link(p, q), theirs: () => { fs.linkSync(p, q); return 0 } }
    case 6: return { text: `symlink ${q} ${p}`, ours: f => f.symlink(q, p), theirs: () => { fs.symlinkSync(q, p); return 0 } }
    case 7: return { text: `readlink ${p}`, ours: f => f.readlink(p), theirs: () => fs.readlinkSync(p) }
    case 8: {
      const size = pick(10000)
      return { text: `truncate ${p} ${size}`, ours: f => f.truncate(p, size), theirs: () => { fs.truncateSync(p, size); return 0 } }
    }
    case 9: return {
      text: `list ${p}`, ours: f => f.names(p),
      theirs: () => fs.readdirSync(p).sort(),
    }
    case 10: return statCall(p, pick(2) === 0)
    default: return fileCall(pick, p)
  }
}

function statCall(p: string, follow: boolean): Call {
  return {
    text: `${follow ? 'stat' : 'lstat'} ${p}`,
    ours: f => {
      const found = f.stat(p, follow)
      return typeof found === 'string' ? found : facts(found.mode, found.size, found.links)
    },
    theirs: () => {
      const found = follow ? fs.statSync(p) : fs.lstatSync(p)
      return facts(found.mode, found.size, found.nlink)
    },
  }
}

/** Open, seek, write or read, close. */
function fileCall(pick: Pick, p: string): Call {
  const O = fs.constants
  const access = [O.O_RDONLY, O.O_WRONLY, O.O_RDWR][pick(3)]!
  const flags = access | [0, O.O_CREAT, O.O_CREAT | O.O_EXCL, O.O_TRUNC, O.O_CREAT | O.O_TRUNC, O.O_APPEND | O.O_CREAT, O.O_NOFOLLOW, O.O_DIRECTORY][pick(8)]!
  const position = pick(4) === 0 ? pick(20000) : pick(50)
  const data = Buffer.alloc(1 + pick(pick(10) === 0 ? 9000 : 30), 0x41 + pick(26))
  return {
    text: `open ${p} 0${flags.toString(8)}, ${access === 0 ? 'read' : `write ${data.length}`} at ${position}`,
    ours: f => {
      const descriptor = f.open(p, flags, 0o640)
      if (typeof descriptor === 'string') return descriptor
      const result = access === 0 ? f.pread(descriptor, 5000, position) : f.pwrite(descriptor, data.toString(), position)
      f.close(descriptor)
      return result
    },
    theirs: () => {
      const descriptor = fs.openSync(p, flags, 0o640)
      const result = attempt(() => {
        if (access !== 0) return fs.writeSync(descriptor, data, 0, data.length, position)
        const into = Buffer.alloc(5000)
        return into.toString('latin1', 0, fs.readSync(descriptor, into, 0, 5000, position))
      })
      fs.closeSync(descriptor)
      return result
    },
  }
}

/** All that is below, with contents. */
function ourTree(f: Files, at: string): unknown[] {
  return (f.names(at) as string[]).flatMap(name => {
    const place = `${at}/${name}`
    const found = f.stat(place, false)
    if (typeof found === 'string') return [[place, found]]
    const kind = found.mode & TYPE
    const contents = kind === 0o100000 ? f.file(place) : kind === 0o120000 ? f.readlink(place) : ''
    return [[place, ...facts(found.mode, found.size, found.links), contents], ...(kind === 0o040000 ? ourTree(f, place) : [])]
  })
}

function theirTree(at: string): unknown[] {
  return fs.readdirSync(at).sort().flatMap(name => {
    const place = `${at}/${name}`
    const found = fs.lstatSync(place)
    const contents = found.isFile() ? fs.readFileSync(place, 'latin1') : found.isSymbolicLink() ? fs.readlinkSync(place) : ''
    return [[place, ...facts(found.mode, found.size, found.nlink), contents], ...(found.isDirectory() ? theirTree(place) : [])]
  })
}

/** Run with `folder` as the working directory, without a pause in it: others in this process must not see it. */
function within(folder: string, run: () => void): void {
  const before = process.cwd()
  const mask = process.umask(0o022)
  process.chdir(folder)
  try {
    run()
  } finally {
    process.umask(mask)
    process.chdir(before)
  }
}

function compare(t: Test, f: Files): void {
  const pick = xorshift(seed)
  const outcomes = new Map<string, number>()
  const last: string[] = []
  for (let step = 0; step < STEPS; step++) {
    const call = randomCall(pick)
    const ours = call.ours(f)
    const theirs = attempt(call.theirs)
    last.push(`${call.text} = ${JSON.stringify(ours).slice(0, 60)}`)
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      t.same(ours, theirs, `step ${step}: ${call.text}`)
      t.comment(last.slice(-30).join('\n'))
      return
    }
    const kind = typeof ours === 'string' && /^E[A-Z]+$/.test(ours) ? ours : 'done'
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
  }
  t.same(ourTree(f, '.'), theirTree('.'))
  t.same(f.left(), { walks: 0, open: 0, pipes: 0 })
  t.comment([...outcomes].map(([name, count]) => `${name} ${count}`).join(', '))
  for (const name of ['done', 'ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL', 'ELOOP']) t.ok(outcomes.has(name), `${name} came up`)
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: ${STEPS} random calls end as Linux's (SEED=${seed})`, async t => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'))
    t.teardown(() => fs.rmSync(folder, { recursive: true }))
    fs.mkdirSync(path.join(folder, ...NEST), { recursive: true })
    const f = new Files(e)
    for (let i = 0; i < NEST.length; i++) f.mkdir(NEST.slice(0, i + 1).join('/'))
    f.chdir(NEST.join('/'))
    within(path.join(folder, ...NEST), () => compare(t, f))
  })
}
