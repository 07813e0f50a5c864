// Signals as system calls and as handlers see them, without a processor: frames are made on user memory and read back from there,
// registers are the TrapFrame's.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { Calls, E, NOWHERE, Sys, USER } from '../../../wire/calls.ts'

const A = USER + 0x1000
const B = USER + 0x2000
const C = USER + 0x3000
const STACK = USER + 0x20000
const [INT, USR1, SEGV, USR2, PIPE, TERM, CHLD, CONT, STOP, RT] = [2, 10, 11, 12, 13, 15, 17, 18, 19, 40]
const [SIGINFO, RESTORER, ONSTACK, RESTART, NODEFER, RESETHAND] = [4, 0x04000000, 0x08000000, 0x10000000, 0x40000000, 0x80000000]
const HANDLER = 0x401000
const RETURN = 0x402000
const bit = (number: number) => 1n << BigInt(number - 1)

/** Registers by their places in a TrapFrame. */
const REGISTER = { r15: 0, r12: 3, rdi: 8, rsi: 9, rbx: 11, rdx: 12, rcx: 13, rax: 14, vector: 15, rip: 17, cs: 18, rflags: 19, rsp: 20, ss: 21 } as const

class Program extends Calls {
  static override begin(engine: Parameters<typeof Calls.begin>[0]): Program {
    const made = Object.setPrototypeOf(Calls.begin(engine), Program.prototype) as Program
    made.setRegister('rsp', BigInt(STACK))
    made.setRegister('rip', 0x400500n)
    made.setRegister('cs', 0x23n)
    made.setRegister('ss', 0x1bn)
    made.setRegister('rflags', 0x246n)
    return made
  }
  private at(name: keyof typeof REGISTER, process: number): number { return this.call('frameOf', process) + 8 * REGISTER[name] }
  register(name: keyof typeof REGISTER, process = 0): bigint {
    const at = this.at(name, process)
    return BigInt(this.m.read32(at)) | (BigInt(this.m.read32(at + 4)) << 32n)
  }
  setRegister(name: keyof typeof REGISTER, value: bigint, process = 0): void {
    const at = this.at(name, process)
    this.m.write32(at, Number(value & 0xffffffffn))
    this.m.write32(at + 4, Number((value >> 32n) & 0xffffffffn))
  }
  action(number: number, handler: number, flags: number, mask = 0n): number {
    return this.sys('rt_sigaction', number, this.longs(A, handler, flags | RESTORER, RETURN, mask), 0, 8)
  }
  deliver(): void { this.call('deliver', 0) }
  /** The handler has returned: its frame's first word was popped. */
  back(): void {
    this.setRegister('rsp', this.register('rsp') + 8n)
    this.sys('rt_sigreturn')
  }
}

for (const e of await engines('test/kernel/calls.ts')) {
  t.test(e.kind, async t => {
    t.test('a handler runs on the stack with everything saved there, and sigreturn puts it back', async t => {
      const p = Program.begin(e)
      t.equal(p.action(USR1, HANDLER, SIGINFO, bit(USR2)), 0)
      for (const [name, value] of [['rbx', 0x1122334455667788n], ['r12', 12n], ['rax', 99n], ['rcx', 0xffffffffffffffffn]] as const) p.setRegister(name, value)
      p.m.write(p.call('fpuOf', 0) + 160, [1, 2, 3, 4])
      t.equal(p.sys('kill', p.pid, USR1), 0)
      t.equal(p.call('noticed', 0), 1)
      p.deliver()
      const place = Number(p.register('rsp'))
      t.equal(place % 16, 8, 'aligned as after a call')
      t.ok(place < STACK - 128 - 440 - 512, 'below the red zone')
      t.same([p.register('rip'), p.register('rdi'), p.register('rsi'), p.register('rdx')], [BigInt(HANDLER), 10n, BigInt(place + 312), BigInt(place + 8)])
      t.equal(p.long(place), BigInt(RETURN))
      t.equal(p.long(place + 48 + 128), 0x400500n, 'rip in the frame')
      t.equal(p.long(place + 48 + 80 + 8), 0x1122334455667788n, 'rbx')
      t.same([p.word(place + 312), p.word(place + 320), p.word(place + 328)], [USR1, 0, p.pid], 'siginfo')
      const fpu = Number(p.long(place + 48 + 184))
      t.equal(fpu % 64, 0)
      t.same([...p.read(fpu + 160, 4)], [1, 2, 3, 4], 'the FPU state')
      t.same([...p.m.bytes(p.call('fpuOf', 0) + 160, 4)], [0, 0, 0, 0], 'a handler begins with a fresh one')
      t.equal(p.call('blockedOf', 0) >>> 0, Number(bit(USR1) | bit(USR2)))
      p.setRegister('rbx', 0n)
      p.user(fpu + 160, [9])
      p.back()
      t.same([p.register('rip'), p.register('rsp'), p.register('rbx'), p.register('r12'), p.register('rcx')],
        [0x400500n, BigInt(STACK), 0x1122334455667788n, 12n, 0xffffffffffffffffn])
      t.same([...p.m.bytes(p.call('fpuOf', 0) + 160, 4)], [9, 2, 3, 4], 'what the handler left')
      t.equal(p.call('blockedOf', 0), 0)
      t.equal(p.register('vector') & 0xffffffffn, 0n)
    })

    t.test('SA_NODEFER, SA_RESETHAND, SA_ONSTACK', async t => {
      const p = Program.begin(e)
      p.action(USR1, HANDLER, NODEFER)
      p.sys('kill', p.pid, USR1)
      p.deliver()
      t.equal(p.call('blockedOf', 0), 0)
      p.action(USR1, HANDLER, RESETHAND | ONSTACK)
      t.equal(p.sys('sigaltstack', p.longs(B, C, 0, 0x2000), 0), 0)
      p.sys('kill', p.pid, USR1)
      p.deliver()
      const place = Number(p.register('rsp'))
      t.ok(place >= C && place < C + 0x2000, 'on the other stack')
      t.equal(p.sys('sigaltstack', 0, B), 0)
      t.same([p.long(B), p.word(B + 8), p.long(B + 16)], [BigInt(C), 1, 0x2000n], 'which is in use')
      t.equal(p.sys('sigaltstack', p.longs(B, C, 0, 0x2000), 0), E.PERM)
      p.sys('rt_sigaction', USR1, 0, B, 8)
      t.equal(p.long(B), 0n, 'SA_RESETHAND')
      p.back()
      t.equal(p.sys('sigaltstack', p.longs(B, C, 2, 0), 0), 0)
      t.equal(p.sys('sigaltstack', p.longs(B, C, 0, 100), 0), E.NOMEM)
      t.equal(p.sys('sigaltstack', p.longs(B, C, 4, 0x2000), 0), E.INVAL)
      t.equal(p.sys('sigaltstack', p.longs(B, 0x1_0000_0000n, 0, 0x2000), 0), E.FAULT)
    })

    t.test('calls that were interrupted: begun again, or not', async t => {
      const p = Program.begin(e)
      const interrupted = (call: keyof typeof Sys, flags: number) => {
        p.action(USR1, HANDLER, flags)
        p.setRegister('rip', 0x400502n)
        p.setRegister('rsp', BigInt(STACK))
        p.sys(call, -1, 0, 0)
        p.setRegister('rax', 0xfffffffffffffffcn)
        p.setRegister('vector', 256n)
        p.sys('kill', p.pid, USR1)
        p.setRegister('vector', 256n)
        const number = Sys[call]
        p.call('systemCallOf', number, 0, 0, 0, 0, 0, 0) // callNumber
        p.setRegister('rax', 0xfffffffffffffffcn)
        p.deliver()
        const saved = Number(p.register('rsp')) + 48
        const [rip, rax] = [p.long(saved + 128), p.long(saved + 104)]
        p.back()
        return [rip, rax]
      }
      t.same(interrupted('futex', RESTART), [0x400500n, BigInt(Sys.futex)])
      t.same(interrupted('futex', 0), [0x400502n, -4n])
      t.same(interrupted('poll', RESTART), [0x400502n, -4n], 'poll never is')
    })

    t.test('a frame that can not be written is a fault, and so is one that can not be read', async t => {
      const p = Program.begin(e)
      p.action(SEGV, HANDLER, ONSTACK)
      p.sys('sigaltstack', p.longs(B, C, 0, 0x2000), 0)
      for (const rsp of [0x10n, BigInt(NOWHERE), 0x7fff_ffff_0000n, 0x8000_0000_0000_0000n]) {
        p.action(USR1, 0x403000, 0)
        p.setRegister('rip', 0x400500n)
        p.setRegister('rsp', rsp)
        p.sys('kill', p.pid, USR1)
        p.deliver()
        t.equal(p.register('rip'), BigInt(HANDLER), `SEGV, with rsp ${rsp.toString(16)}`)
        t.equal(p.register('rdi'), BigInt(SEGV))
        p.back()
      }
      const bad = (change: (place: number) => void, why: string) => {
        p.action(USR1, 0x403000, 0)
        p.sys('rt_sigprocmask', 2, p.longs(B, 0), 0, 8)
        p.setRegister('rsp', BigInt(STACK))
        p.setRegister('rip', 0x400500n)
        p.sys('kill', p.pid, USR1)
        p.deliver()
        change(Number(p.register('rsp')))
        p.back()
        p.deliver()
        t.same([p.register('rip'), p.register('rdi')], [BigInt(HANDLER), BigInt(SEGV)], why)
        p.setRegister('rsp', BigInt(STACK))
      }
      bad(place => p.longs(place + 48 + 128, -0x80000000n), 'it goes on in the kernel')
      bad(place => p.longs(place + 48 + 128, 0x1_0040_0000n), 'or beyond what a process has')
      bad(place => p.longs(place + 48 + 184, NOWHERE), 'an FPU state that is nowhere')
      bad(place => p.longs(place + 48 + 184, 8), 'or not aligned')
      bad(place => p.longs(place + 48 + 184, -64n), "or the kernel's")
      bad(() => p.setRegister('rsp', BigInt(NOWHERE)), 'no frame')
    })

    t.test('without a restorer there is no way back, so it is a fault', async t => {
      const p = Program.begin(e)
      p.action(SEGV, HANDLER, 0)
      p.sys('rt_sigaction', USR1, p.longs(A, 0x403000, 0, 0, 0), 0, 8)
      p.sys('kill', p.pid, USR1)
      p.deliver()
      t.same([p.register('rip'), p.register('rdi')], [BigInt(HANDLER), BigInt(SEGV)])
    })

    t.test('masks, and what is pending', async t => {
      const p = Program.begin(e)
      t.equal(p.sys('rt_sigprocmask', 0, p.longs(A, bit(USR1) | bit(9) | bit(STOP) | bit(RT)), B, 8), 0)
      t.equal(p.long(B), 0n)
      p.sys('kill', p.pid, USR1)
      p.sys('tkill', p.pid, RT)
      p.sys('tkill', p.pid, RT)
      p.sys('kill', p.pid, CHLD)
      t.equal(p.call('noticed', 0), 0)
      t.equal(p.sys('rt_sigpending', A, 8), 0)
      t.equal(p.long(A), bit(USR1) | bit(RT), 'CHLD is ignored, so it is forgotten')
      t.equal(p.sys('rt_sigtimedwait', p.longs(A, bit(RT)), B, p.timespec(C, 0, 0), 8), RT)
      t.same([p.word(B), p.word(B + 8), p.word(B + 16)], [RT, -6, p.pid], 'SI_TKILL')
      t.equal(p.sys('rt_sigtimedwait', A, 0, C, 8), RT)
      t.equal(p.sys('rt_sigtimedwait', A, 0, C, 8), E.AGAIN)
      p.later(0, 12, 0, 'tkill', p.pid, RT)
      p.slept()
      t.equal(p.sys('rt_sigtimedwait', A, 0, p.timespec(C, 1, 0), 8), RT, 'blocked, and waited for')
      t.equal(p.slept(), 12)
      p.call('noticed', 0)
      t.equal(p.sys('rt_sigtimedwait', A, 0, p.timespec(C, 0, 5_000_000), 8), E.AGAIN)
      p.sys('rt_sigaction', USR1, p.longs(C, 1, 0, 0, 0), 0, 8)
      p.sys('rt_sigpending', A, 8)
      t.equal(p.long(A), 0n, 'to ignore a signal forgets it')
      t.equal(p.sys('rt_sigprocmask', 1, p.longs(A, -1n), 0, 8), 0)
      t.equal(p.call('blockedOf', 0), 0)
      t.equal(p.sys('rt_sigprocmask', 3, A, 0, 8), E.INVAL)
      t.equal(p.sys('rt_sigprocmask', 0, A, 0, 16), E.INVAL)
      for (const [number, size] of [[9, 8], [STOP, 8], [0, 8], [65, 8], [USR1, 16]] as const) {
        t.equal(p.sys('rt_sigaction', number, p.longs(A, 1, 0, 0, 0), 0, size), E.INVAL)
      }
      t.equal(p.sys('rt_sigaction', USR1, p.longs(A, 0x1_0000_0000n, 0, 0, 0), 0, 8), E.FAULT)
    })

    t.test('sigqueue: a value, in order; the codes of the kernel are not to be had', async t => {
      const p = Program.begin(e)
      const child = p.process(1)
      p.sys('rt_sigprocmask', 0, p.longs(A, bit(RT)), 0, 8)
      p.run(0)
      for (const value of [7, 8]) t.equal(p.sys('rt_sigqueueinfo', child, RT, p.words(A, 0, 0, -1, 0, p.pid, 0, value, 0, ...Array(24).fill(0))), 0)
      t.equal(p.sys('rt_sigqueueinfo', child, RT, p.words(A, 0, 0, 0, 0, p.pid, 0, 9, 0, ...Array(24).fill(0))), E.PERM)
      p.run(1)
      for (const value of [7, 8]) {
        t.equal(p.sys('rt_sigtimedwait', p.longs(A, bit(RT)), B, p.timespec(C, 0, 0), 8), RT)
        t.same([p.word(B + 8), p.word(B + 24)], [-1, value])
      }
    })

    t.test('to whom: a process, a group, everybody; to a thread, or to whichever of them', async t => {
      const p = Program.begin(e)
      const [one, two] = [p.process(1), p.process(2)]
      const thread = p.call('threadNew', 3, 1)
      p.run(0)
      const told = () => [0, 1, 2, 3].map(index => p.call('noticed', index))
      told()
      t.equal(p.sys('kill', one, TERM), 0)
      t.same(told(), [0, 1, 0, 0])
      t.equal(p.sys('tkill', thread, USR1), 0)
      t.same(told(), [0, 0, 0, 1])
      t.equal(p.sys('tgkill', one, thread, INT), 0)
      t.same(told(), [0, 0, 0, 1])
      t.equal(p.sys('tgkill', two, thread, INT), E.SRCH)
      t.equal(p.sys('kill', -two, TERM), 0)
      t.same(told(), [0, 0, 1, 0])
      t.equal(p.sys('kill', 0, USR2), 0)
      t.same(told(), [1, 0, 0, 0], "the caller's own group")
      t.equal(p.sys('kill', -1, PIPE), 0)
      t.same(told(), [0, 1, 1, 0], 'everybody but the caller')
      t.equal(p.sys('kill', 30000, 0), E.SRCH)
      t.equal(p.sys('kill', -30000, 0), E.SRCH)
      t.equal(p.sys('kill', one, 0), 0)
      t.equal(p.sys('kill', one, 65), E.INVAL)
      t.equal(p.sys('tkill', 0, TERM), E.INVAL)
      p.run(1)
      p.sys('rt_sigprocmask', 0, p.longs(A, bit(RT)), 0, 8)
      told()
      p.run(0)
      p.sys('kill', one, RT)
      t.same(told(), [0, 0, 0, 1], 'the thread that does not block it')
    })

    t.test('pause and sigsuspend end with a signal; CONT and CHLD that nobody handles end nothing', async t => {
      const p = Program.begin(e)
      p.action(USR1, HANDLER, 0)
      p.sys('rt_sigprocmask', 0, p.longs(B, bit(USR1)), 0, 8)
      p.later(0, 5, 0, 'kill', p.pid, CHLD)
      p.later(1, 6, 0, 'kill', p.pid, CONT)
      p.later(2, 20, 0, 'kill', p.pid, USR1)
      t.equal(p.sys('rt_sigsuspend', p.longs(B, 0), 8), E.INTR)
      t.equal(p.slept(), 20)
      p.deliver()
      const place = Number(p.register('rsp'))
      t.equal(p.long(place + 304), bit(USR1), 'the mask after the handler is that before the call')
      p.back()
      t.equal(p.call('blockedOf', 0), Number(bit(USR1)))
    })

    t.test('a fault that is blocked or ignored can not be put off', async t => {
      const p = Program.begin(e)
      p.action(SEGV, HANDLER, SIGINFO)
      p.setRegister('vector', 14n)
      p.call('fault', 0, SEGV, 1, 0x1234)
      p.deliver()
      const place = Number(p.register('rsp'))
      t.same([p.word(place + 312), p.word(place + 320), p.long(place + 328)], [SEGV, 1, 0x1234n], 'si_addr')
      t.same([p.long(place + 48 + 160), p.long(place + 48 + 176)], [14n, 0x1234n], 'trapno, cr2')
      p.call('fault', 0, SEGV, 1, 0x5678) // SEGV is blocked now: its handler runs
      p.sys('rt_sigaction', SEGV, 0, B, 8)
      t.equal(p.long(B), 0n, 'the default again')
      t.equal(p.call('blockedOf', 0), 0)
    })
  })
}
