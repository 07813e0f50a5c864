// The log: golden lines, levels, cutting, and the lines kept in memory.

import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const enum Level { Error, Warn, Info, Debug }

function started(e: Engine): Instance {
  const m = e.start()
  m.call('keepLog')
  return m
}

/** All lines so far. */
function lines(m: Instance): string[] {
  return Buffer.from(m.bytes(m.call('keptAddress'), m.call('keptBytes'))).toString('latin1').split('\n').slice(0, -1)
}

function recent(m: Instance, capacity: number): string {
  const out = m.alloc(capacity + 16)
  m.bytes(out, capacity + 16).fill(0xa5)
  const n = m.call('logRecent', out, capacity)
  if (!m.bytes(out + capacity, 16).every(b => b === 0xa5)) throw new Error('logRecent wrote past its buffer')
  return Buffer.from(m.bytes(out, n)).toString('latin1')
}

const time = (m: Instance, microseconds: bigint) =>
  m.call('setTime', Number(microseconds & 0xffffffffn), Number(microseconds >> 32n))

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: the form of a line, docs/contract.md`, t => {
    const m = started(e)
    time(m, 4213n)
    m.call('logPair', Level.Info, m.cstring('if'), m.cstring('eth0'))
    time(m, 12_345_678n)
    m.call('logBare', Level.Error, m.cstring('broken'))
    time(m, 99_999_999_999n)
    m.call('logBare', Level.Warn, m.cstring('long-up'))
    time(m, 1_234_567_000_001n)
    m.call('logBare', Level.Warn, m.cstring('longer-up'))
    t.same(lines(m), [
      '[    0.004213] info  test: pair if=eth0',
      '[   12.345678] error test: broken',
      '[99999.999999] warn  test: long-up',
      '[1234567.000001] warn  test: longer-up',
    ])
    t.end()
  })

  t.test(`${e.kind}: a value of every kind`, t => {
    const m = started(e)
    const bytes = m.alloc(16)
    m.write(bytes, [0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    m.call('logEverything', m.cstring('two words'), bytes, 2)
    t.same(lines(m), ['[    0.000000] info  test: everything text="two words" bytes=RT quoted="two words" raw="RT"'
      + ` max=4294967295 least=-2147483648 hex=0xbeef zero=0x0 long=${0x0201563412005452n} wide=0x0201563412005452`
      + ' ip=10.0.2.15 net=192.168.0.0/16 mac=52:54:00:12:34:56 uuid=52540012-3456-0102-0304-05060708090a'])
    t.end()
  })

  t.test(`${e.kind}: a value that would break the format is quoted`, t => {
    const m = started(e)
    for (const value of ['', 'a b', 'a"b', 'a=b', 'a\\b', 'a\nb', '\x1b[31m', 'plain-1.2/3,x:y', 'ü']) {
      m.call('logPair', Level.Info, m.cstring('v'), m.cstring(value))
    }
    t.same(lines(m).map(line => line.replace(/^.*v=/, '')),
      ['""', '"a b"', '"a\\"b"', '"a=b"', '"a\\\\b"', '"a\\x0ab"', '"\\x1b[31m"', 'plain-1.2/3,x:y', '"\\xc3\\xbc"'])
    t.end()
  })

  t.test(`${e.kind}: the level filters, and what it filters is not counted`, t => {
    const m = started(e)
    const event = m.cstring('event')
    const all = () => { for (const level of [Level.Error, Level.Warn, Level.Info, Level.Debug]) m.call('logBare', level, event) }
    all()
    t.same(lines(m).map(line => line.slice(15, 20)), ['error', 'warn ', 'info '], 'info unless it is set')
    m.call('logLevelSet', Level.Error)
    all()
    t.equal(m.call('logPair', Level.Warn, event, event), 0)
    m.call('logLevelSet', Level.Debug)
    all()
    t.same(lines(m).slice(3).map(line => line.slice(15, 20)), ['error', 'error', 'warn ', 'info ', 'debug'])
    t.same([0, 1, 2, 3].map(level => m.call('logCount', level)), [3, 2, 2, 1])
    t.end()
  })

  t.test(`${e.kind}: a line that is too long is cut at a pair, ends in cut=1, and has 512 bytes at most`, t => {
    const m = started(e)
    for (const value of ['x', 'value', 'v'.repeat(97), 'v'.repeat(600)]) m.call('logMany', 200, m.cstring('key'), m.cstring(value))
    for (const line of lines(m)) {
      t.ok(line.length <= 512, `${line.length} bytes`)
      t.match(line, /^\[ {4}0\.000000\] info {2}test: many( key=(x|value|v{97}))* cut=1$/)
    }
    t.ok(lines(m)[0]!.length > 490, 'as much as fits')
    t.end()
  })

  t.test(`${e.kind}: every length of the text around the limit`, t => {
    const m = started(e)
    for (let n = 440; n < 520; n++) m.call('logMany', 1, m.cstring('k'), m.cstring('v'.repeat(n)))
    for (const line of lines(m)) {
      if (line.length > 512) t.fail(`${line.length} bytes`)
      t.match(line, /test: many( k=v+)?( last=123456789| cut=1)$/)
    }
    t.end()
  })

  t.test(`${e.kind}: quoted text that is too long keeps its beginning and its closing quote`, t => {
    const m = started(e)
    const hostile = m.alloc(2000)
    m.bytes(hostile, 2000).fill(0x22)
    m.call('logLongQuoted', hostile, 2000)
    const [line] = lines(m)
    t.ok(line!.length <= 512)
    t.match(line, /^\[ {4}0\.000000\] info {2}test: long value="(\\")+" cut=1$/)
    t.end()
  })

  t.test(`${e.kind}: a line that was not ended is ended by the next`, t => {
    const m = started(e)
    m.call('logForgotten')
    t.same(lines(m).map(line => line.slice(15)), ['info  test: first a=1', 'info  test: second'])
    t.end()
  })

  t.test(`${e.kind}: every sink gets every line; the fifth is refused`, t => {
    const m = e.start()
    t.same([1, 2, 3, 4, 5].map(() => m.call('keepLog')), [1, 1, 1, 1, 0])
    m.call('logBare', Level.Info, m.cstring('once'))
    t.equal(lines(m).length, 4)
    t.end()
  })

  t.test(`${e.kind}: logRecent gives the newest whole lines that fit`, t => {
    const m = started(e)
    for (const event of ['one', 'two', 'three']) m.call('logBare', Level.Info, m.cstring(event))
    const all = lines(m).map(line => `${line}\n`)
    t.equal(recent(m, 1000), all.join(''))
    t.equal(recent(m, all.join('').length), all.join(''))
    t.equal(recent(m, all.join('').length - 1), all.slice(1).join(''))
    t.equal(recent(m, all[2]!.length), all[2])
    t.equal(recent(m, all[2]!.length - 1), '')
    t.equal(recent(m, 0), '')
    t.end()
  })

  t.test(`${e.kind}: the lines kept go round: after many lines of many lengths they are still the last ones, whole`, t => {
    const m = started(e)
    for (let i = 0; i < 600; i++) m.call('logMany', 1, m.cstring(`n${i}`), m.cstring('v'.repeat((i * 37) % 300)))
    const all = lines(m).map(line => `${line}\n`).join('')
    const kept = recent(m, 20000)
    t.ok(kept.length > 16384 - 400 && kept.length <= 16384, `${kept.length} bytes`)
    t.ok(all.endsWith(kept) && kept.startsWith('['))
    t.end()
  })
}
