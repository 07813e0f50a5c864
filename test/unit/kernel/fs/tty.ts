// The terminal: lines and how they are edited, what is shown, raw input, signals, who may read. POSIX.1-2017 chapter 11.

import t from 'tap'
import { engines, type Engine } from '../../../engine.ts'
import { Files } from '../../../files-machine.ts'

const NONBLOCK = 0o4000
const [TCGETS, TCSETS, TCSETSF, TCFLSH, TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ, TIOCSWINSZ, FIONREAD, TIOCNOTTY, TIOCGSID] =
  [0x5401, 0x5402, 0x5404, 0x540b, 0x540e, 0x540f, 0x5410, 0x5413, 0x5414, 0x541b, 0x5422, 0x5429] as const
const [ICRNL, IXON] = [0o400, 0o2000] as const
const [ISIG, ICANON, ECHO, TOSTOP] = [1, 2, 0o10, 0o400] as const
const [VMIN, VTIME] = [6, 5] as const
const [TYPE, TIME, INTERRUPT] = [4, 5, 6] as const
const [SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH] = [1, 2, 3, 20, 21, 22, 28] as const

class Terminal extends Files {
  fd: number

  /** The console, opened by process 7, which leads session 7; reads do not wait unless there is a plan. */
  constructor(engine: Engine, flags = 2) {
    super(engine)
    this.m.call('fsMountSystem')
    this.run(7, 7, 7)
    this.fd = this.open('/dev/console', flags) as number
    this.shown()
  }

  run(pid: number, group: number, session: number): void { this.m.call('run', pid, group, session) }
  plan(what: number, text = ''): void { this.m.call('plan', what, 0, this.m.cstring(text), text.length) }
  line(): string { return this.read(this.fd) }
  /** Type, and what the screen shows of it. */
  echo(text: string): string { this.type(text); return this.shown() }
  signal(): [number, group: number] { const sent = this.m.call('signalSent'); return [sent & 255, sent >>> 8] }

  #argument(request: number, bytes: Uint8Array): number | string {
    this.m.call('userSpace')
    this.m.call('userPut', this.put(bytes), bytes.length)
    return this.call('ioctl', this.fd, request, this.m.call('userPlace'))
  }
  control(request: number, argument: number): number | string { return this.call('ioctl', this.fd, request, argument) }
  set(request: number, bytes: Uint8Array): number | string { return this.#argument(request, bytes) }
  get(request: number, length: number): Buffer | string {
    const result = this.#argument(request, Buffer.alloc(length))
    if (typeof result === 'string') return result
    const at = this.put(Buffer.alloc(length))
    this.m.call('userGet', at, length)
    return Buffer.from(this.m.bytes(at, length))
  }
  number(request: number): number | string { const got = this.get(request, 4); return typeof got === 'string' ? got : got.readUInt32LE(0) }

  /** Change flags of c_iflag, c_oflag, c_lflag, and control characters. */
  attributes(change: { iflag?: (f: number) => number, lflag?: (f: number) => number, cc?: Record<number, number> }, request: number = TCSETS): void {
    const termios = this.get(TCGETS, 36) as Buffer
    termios.writeUInt32LE(change.iflag?.(termios.readUInt32LE(0)) ?? termios.readUInt32LE(0), 0)
    termios.writeUInt32LE(change.lflag?.(termios.readUInt32LE(12)) ?? termios.readUInt32LE(12), 12)
    for (const [which, value] of Object.entries(change.cc ?? {})) termios[17 + Number(which)] = value
    this.set(request, termios)
  }
  raw(cc: Record<number, number> = { [VMIN]: 1, [VTIME]: 0 }): void { this.attributes({ lflag: f => f & ~(ICANON | ECHO | ISIG), iflag: f => f & ~ICRNL, cc }) }
}

for (const e of await engines('test/kernel/fs.ts')) {
  t.test(`${e.kind}: who watches it is told of lines, and of output that goes on`, async t => {
    const f = new Terminal(e)
    const told = () => f.m.call('wasTold') === 1
    f.m.call('watchFile', f.fd, 1)
    f.type('a')
    t.notOk(told(), 'no line')
    f.type('b\r')
    t.ok(told())
    t.notOk(told(), 'once')
    f.type('\x13')
    t.notOk(told(), 'stopped')
    f.type('\x11')
    t.notOk(told(), 'which is not what it is watched for')
    const g = new Terminal(e)
    g.m.call('watchFile', g.fd, 4)
    g.type('\x13c\r')
    t.equal(g.m.call('wasTold'), 0)
    g.type('\x11')
    t.equal(g.m.call('wasTold'), 1)
  })

  t.test(`${e.kind}: a line is read when it is ended, and a line at a time`, async t => {
    const f = new Terminal(e)
    t.equal(f.echo('hel'), 'hel')
    t.equal(f.line(), 'EINTR', 'waits')
    t.equal(f.echo('lo\r'), 'lo\r\n')
    t.equal(f.echo('two\n'), 'two\r\n')
    t.equal(f.read(f.fd, 3), 'hel', 'as many as are asked for')
    t.equal(f.line(), 'lo\n')
    t.equal(f.line(), 'two\n')
    f.plan(TYPE, 'la')
    f.plan(TYPE, 'te\n')
    t.equal(f.line(), 'late\n')
  })

  t.test(`${e.kind}: backspace, ^W, ^U, ^R, ^V and what the screen shows`, async t => {
    const f = new Terminal(e)
    t.equal(f.echo('abc\x7f'), 'abc\b \b')
    t.equal(f.echo('\x7f\x7f\x7f'), '\b \b\b \b', 'not past the beginning')
    t.equal(f.echo('one two \x17'), `one two ${'\b \b'.repeat(4)}`)
    t.equal(f.echo('\x15'), '\b \b'.repeat(4))
    t.equal(f.echo('x\x16\x03'), 'x^C', 'taken as it is')
    t.equal(f.echo('\x7f'), '\b \b\b \b', 'shown as two')
    t.equal(f.echo('\tq\x7f\x7f'), `\tq\b \b${'\b \b'.repeat(7)}`, 'from column 8 back to 1')
    t.equal(f.echo('\xc3\xa4\x7f'), '\xc3\xa4\b \b', 'a character of two bytes')
    t.equal(f.echo('y\x12'), 'y^R\r\nxy')
    t.equal(f.echo('\n'), '\r\n')
    t.equal(f.line(), 'xy\n')
  })

  t.test(`${e.kind}: ^D ends a line without being in it; at its beginning it is the end of the file`, async t => {
    const f = new Terminal(e)
    f.type('part\x04')
    t.equal(f.line(), 'part')
    f.type('\x04more\n')
    t.equal(f.line(), '')
    t.equal(f.line(), 'more\n')
    f.type('ab\x04')
    t.equal(f.read(f.fd, 1), 'a')
    t.equal(f.read(f.fd, 1), 'b')
    t.equal(f.line(), 'EINTR', 'the end was that of the line')
  })

  t.test(`${e.kind}: ^C, ^\\ and ^Z go to the foreground, and what was typed is gone`, async t => {
    const f = new Terminal(e)
    f.control(TIOCSPGRP, 0)
    for (const [key, shown, signal] of [['\x03', '^C', SIGINT], ['\x1c', '^\\', SIGQUIT], ['\x1a', '^Z', SIGTSTP]] as const) {
      f.type('line\npart')
      f.shown()
      t.equal(f.echo(key), shown)
      t.same(f.signal(), [signal, 7])
      t.equal(f.line(), 'EINTR', 'nothing is left')
    }
    f.attributes({ lflag: flags => flags & ~ISIG })
    f.type('\x03\n')
    t.same(f.signal(), [0, 0])
    t.equal(f.line(), '\x03\n')
  })

  t.test(`${e.kind}: ^S stops what is written, ^Q lets it go on`, async t => {
    const f = new Terminal(e)
    f.type('\x13')
    t.equal(f.poll(f.fd) & 4, 0)
    t.equal(f.write(f.fd, 'waits'), 'EINTR')
    f.plan(TYPE, '\x11')
    t.equal(f.write(f.fd, 'goes\n'), 5)
    t.equal(f.shown(), 'goes\r\n')
    f.attributes({ iflag: flags => flags & ~IXON })
    f.type('\x13\n')
    t.equal(f.line(), '\x13\n')
  })

  t.test(`${e.kind}: raw input: MIN and TIME`, async t => {
    const f = new Terminal(e)
    f.raw()
    t.equal(f.echo('a\r\x03'), '')
    t.equal(f.line(), 'a\r\x03')
    f.plan(TYPE, 'k')
    t.equal(f.line(), 'k')
    f.raw({ [VMIN]: 0, [VTIME]: 0 })
    t.equal(f.line(), '', 'does not wait')
    f.raw({ [VMIN]: 0, [VTIME]: 1 })
    f.plan(TIME)
    t.equal(f.line(), '', 'nothing within TIME')
    f.plan(TYPE, 'x')
    t.equal(f.line(), 'x')
    f.raw({ [VMIN]: 3, [VTIME]: 0 })
    f.type('1')
    f.plan(TYPE, '2')
    f.plan(TYPE, '34')
    t.equal(f.line(), '1234')
    f.raw({ [VMIN]: 3, [VTIME]: 1 })
    f.type('5')
    f.plan(TYPE, '6')
    f.plan(TIME)
    t.equal(f.line(), '56', 'TIME passed after a byte')
    f.plan(INTERRUPT)
    t.equal(f.line(), 'EINTR')
    t.equal(f.m.call('plansLeft'), 0)
  })

  t.test(`${e.kind}: changing between lines and raw input loses nothing`, async t => {
    const f = new Terminal(e)
    f.type('line\npar')
    f.raw()
    t.equal(f.line(), 'line\npar')
    f.type('raw')
    f.attributes({ lflag: flags => flags | ICANON })
    f.type('rest\n')
    t.equal(f.line(), 'raw', 'what was there is a line')
    t.equal(f.line(), 'rest\n')
    f.type('gone')
    f.attributes({}, TCSETSF)
    f.type('\n')
    t.equal(f.line(), '\n', 'flushed')
    f.type('gone\n')
    t.equal(f.control(TCFLSH, 0), 0)
    t.equal(f.line(), 'EINTR')
    t.equal(f.control(TCFLSH, 3), 'EINVAL')
  })

  t.test(`${e.kind}: a line that is too long rings; whole lines nobody reads hold back the typist`, async t => {
    const f = new Terminal(e)
    t.equal(f.type('x'.repeat(5000)), 5000)
    t.match(f.shown(), /^x{4095}\x07+$/)
    f.type('\n')
    t.equal(f.type('more'), 0, 'not taken')
    t.equal(f.line(), `${'x'.repeat(4095)}\n`)
    t.equal(f.type('more\n'), 5)
    t.equal(f.line(), 'more\n')
    f.raw()
    t.equal(f.type('y'.repeat(5000)), 4095)
    t.equal(f.line().length, 4095)
  })

  t.test(`${e.kind}: poll, FIONREAD, the window`, async t => {
    const f = new Terminal(e, 2 | NONBLOCK)
    t.equal(f.line(), 'EAGAIN')
    f.type('ab')
    t.equal(f.poll(f.fd), 0x104)
    t.equal(f.number(FIONREAD), 0)
    f.type('\n')
    t.equal(f.poll(f.fd), 0x145)
    t.equal(f.number(FIONREAD), 3)
    t.equal((f.get(TIOCGWINSZ, 8) as Buffer).toString('hex'), '1800500000000000', '24 by 80')
    const window = Buffer.from([50, 0, 132, 0, 0, 0, 0, 0])
    t.equal(f.set(TIOCSWINSZ, window), 0)
    t.same(f.signal(), [SIGWINCH, 7])
    t.equal(f.set(TIOCSWINSZ, window), 0)
    t.same(f.signal(), [0, 0], 'the same again')
    t.same(f.get(TIOCGWINSZ, 8), window)
    t.equal(f.control(0x5499, 0), 'ENOTTY')
    t.equal(f.control(TCGETS, 16), 'EFAULT')
  })

  t.test(`${e.kind}: sessions and the foreground`, async t => {
    const f = new Terminal(e)
    t.equal(f.number(TIOCGPGRP), 7)
    t.equal(f.number(TIOCGSID), 7)
    f.run(8, 8, 7)
    t.equal(f.line(), 'EINTR', 'in the background')
    t.same(f.signal(), [SIGTTIN, 8])
    t.equal(f.write(f.fd, 'x'), 1)
    t.equal(f.set(TIOCSPGRP, Buffer.from([8, 0, 0, 0])), 'EINTR')
    t.same(f.signal(), [SIGTTOU, 8])
    f.m.call('ignoreSignal', SIGTTIN)
    t.equal(f.line(), 'EIO')
    f.m.call('ignoreSignal', SIGTTOU)
    t.equal(f.set(TIOCSPGRP, Buffer.from([8, 0, 0, 0])), 0)
    t.equal(f.number(TIOCGPGRP), 8)
    f.type('x\n')
    t.equal(f.line(), 'x\n')
    f.run(7, 7, 7)
    f.m.call('ignoreSignal', 0)
    t.equal(f.write(f.fd, 'y'), 1)
    f.m.call('ignoreSignal', SIGTTOU)
    f.attributes({ lflag: flags => flags | TOSTOP })
    f.m.call('ignoreSignal', 0)
    t.equal(f.write(f.fd, 'y'), 'EINTR')
    t.same(f.signal(), [SIGTTOU, 7])
    f.run(20, 20, 20)
    t.equal(f.number(TIOCGPGRP), 'ENOTTY', 'another session\'s')
    t.equal(f.control(TIOCSCTTY, 0), 'EPERM')
    t.equal(f.open('/dev/tty', 2), 'ENXIO')
    f.run(7, 7, 7)
    const tty = f.open('/dev/tty', 2) as number
    t.type(tty, 'number')
    t.equal(f.control(TIOCNOTTY, 0), 0)
    t.same(f.signal(), [SIGHUP, 8])
    t.equal(f.control(TIOCSCTTY, 0), 0)
    f.close(tty)
    f.close(f.fd)
  })
}
