// Signals without processes: which are pending and in what order they are taken, what fork, threads and exec do to them,
// the frame a handler gets (offsets from Linux's headers, written out here), and what comes back from a hostile one.

import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const PAGE = 4096
const BASE = 0x80000000

function machine(e: Engine, pages = 300): Instance {
  const m = e.start()
  const start = m.alloc(pages * PAGE, PAGE) - BASE
  m.call('framesAddRegion', start, start + pages * PAGE)
  m.call('signalsInit')
  return m
}

const { HUP, INT, ILL, KILL, SEGV, USR1, TERM, CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH, RT } = {
  HUP: 1, INT: 2, ILL: 4, KILL: 9, SEGV: 11, USR1: 10, TERM: 15, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, WINCH: 28, RT: 34,
}
const bit = (number: number) => number <= 32 ? [(1 << (number - 1)) >>> 0, 0] as const : [0, (1 << (number - 33)) >>> 0] as const

/** Where the registers are in a TrapFrame, in eights, and where in ucontext's sigcontext: sigcontext.h. */
const REGISTERS: [name: string, frame: number, context: number][] = [
  ['r15', 0, 56], ['r14', 1, 48], ['r13', 2, 40], ['r12', 3, 32], ['r11', 4, 24], ['r10', 5, 16], ['r9', 6, 8], ['r8', 7, 0],
  ['rdi', 8, 64], ['rsi', 9, 72], ['rbp', 10, 80], ['rbx', 11, 88], ['rdx', 12, 96], ['rcx', 13, 112], ['rax', 14, 104],
  ['rip', 17, 128], ['rflags', 19, 136], ['rsp', 20, 120],
]
const CONTEXT = 48 // of the frame: return address, uc_flags, uc_link, uc_stack

const view = (m: Instance, at: number, length: number) => {
  const bytes = m.bytes(at, length)
  return new DataView(bytes.buffer, bytes.byteOffset, length)
}

for (const e of await engines('test/kernel/signal.ts')) {
  t.test(`${e.kind}: what each signal does by default: signal(7)`, async t => {
    const m = machine(e)
    const ends = [HUP, INT, KILL, USR1, 12, 13, 14, TERM, 16, 26, 27, 29, 30, 32, RT, 64]
    for (const each of ends) t.equal(m.call('defaultOf', each), 0, `${each} ends`)
    for (const each of [3, ILL, 5, 6, 7, 8, SEGV, 24, 25, 31]) t.equal(m.call('defaultOf', each), 1, `${each} ends with a core`)
    for (const each of [CHLD, URG, WINCH]) t.equal(m.call('defaultOf', each), 2, `${each} is ignored`)
    for (const each of [STOP, TSTP, TTIN, TTOU]) t.equal(m.call('defaultOf', each), 3, `${each} stops`)
    t.equal(m.call('defaultOf', CONT), 4)
    t.same([...Array(64).keys()].map(i => i + 1).filter(n => m.call('signalStops', n) === 1), [STOP, TSTP, TTIN, TTOU])
  })

  t.test(`${e.kind}: a set is 64 bits, number n is bit n - 1`, async t => {
    const m = machine(e)
    for (let n = 1; n <= 64; n++) {
      m.call('setAdd', n)
      t.same([m.call('setLow') >>> 0, m.call('setHigh') >>> 0], bit(n))
      t.same([...Array(64).keys()].filter(i => m.call('setHas', i + 1) === 1), [n - 1])
      m.call('setRemove', n)
    }
    t.same([m.call('setLow'), m.call('setHigh')], [0, 0])
  })

  t.test(`${e.kind}: standard signals are pending once, real-time signals as often as they are sent`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    t.equal(m.call('pending', 0), 0)
    t.equal(m.call('queue', 0, 0, USR1, 1), 1)
    t.equal(m.call('queue', 0, 0, USR1, 2), 0, 'again: no')
    t.equal(m.call('queue', 0, 1, USR1, 3), 1, 'for the whole process: that is another')
    for (const value of [4, 5, 6]) t.equal(m.call('queue', 0, 0, RT, value), 1)
    t.equal(m.call('pending', 0), 1)
    const taken: number[][] = []
    for (let n = m.call('take', 0); n !== 0; n = m.call('take', 0)) taken.push([n, m.call('takenValue', 0), m.call('takenCode', 0)])
    t.same(taken, [[USR1, 1, 7], [USR1, 3, 7], [RT, 4, 7], [RT, 5, 7], [RT, 6, 7]])
    t.equal(m.call('pending', 0), 0)
    m.call('stateRelease', 0)
    t.equal(m.call('signalsHeld'), 0)
  })

  t.test(`${e.kind}: the lowest goes first, but what the program did itself before all`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    for (const n of [64, TERM, HUP, SEGV, ILL, 33]) m.call('queue', 0, 0, n, 0)
    m.call('queue', 0, 1, INT, 0)
    const order: number[] = []
    for (let n = m.call('take', 0); n !== 0; n = m.call('take', 0)) order.push(n)
    t.same(order, [ILL, SEGV, HUP, INT, TERM, 33, 64])
  })

  t.test(`${e.kind}: what is blocked stays pending; KILL and STOP are not blocked`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    m.call('block', 0, 0xffffffff, 0xffffffff)
    t.same([m.call('blockedLow', 0) >>> 0, m.call('blockedHigh', 0) >>> 0], [0xfffbfeff, 0xffffffff])
    for (const n of [USR1, RT]) m.call('queue', 0, 0, n, n)
    t.equal(m.call('pending', 0), 0)
    t.equal(m.call('take', 0), 0)
    t.equal(m.call('takeOf', 0, ...bit(RT)), RT, 'sigtimedwait takes what is blocked')
    t.equal(m.call('takeOf', 0, ...bit(RT)), 0)
    m.call('queue', 0, 0, KILL, 0)
    t.equal(m.call('pending', 0), 1)
    t.equal(m.call('take', 0), KILL)
    m.call('block', 0, 0, 0)
    t.equal(m.call('take', 0), USR1)
  })

  t.test(`${e.kind}: CONT and the four that stop cancel each other; nothing else is forgotten`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    for (const n of [STOP, TSTP, TTIN, TTOU, USR1]) m.call('queue', 0, n % 2, n, 0)
    m.call('cancels', 0, CONT)
    t.equal(m.call('take', 0), USR1)
    t.equal(m.call('take', 0), 0)
    m.call('queue', 0, 0, CONT, 0)
    m.call('queue', 0, 1, CONT, 0)
    m.call('cancels', 0, USR1)
    t.equal(m.call('pending', 0), 1)
    m.call('cancels', 0, TTIN)
    t.equal(m.call('pending', 0), 0)
    for (const value of [1, 2, 3]) m.call('queue', 0, 0, RT, value)
    m.call('forget', 0, RT)
    t.equal(m.call('pending', 0), 0)
    m.call('stateRelease', 0)
    t.equal(m.call('signalsHeld'), 0)
  })

  t.test(`${e.kind}: without memory a signal is pending all the same, only nothing is known of it`, async t => {
    const m = machine(e, 4)
    m.call('stateInit', 0)
    let queued = 0
    while (m.call('queue', 0, 0, RT, queued) === 1 && m.call('signalsHeld') === queued + 2) queued++
    t.ok(queued > 10, `${queued} fit`)
    t.equal(m.call('queue', 0, 0, USR1, 1), 1)
    t.equal(m.call('take', 0), USR1)
    t.equal(m.call('takenCode', 0), 0x80, 'SI_KERNEL')
    for (let i = 0; i < queued; i++) t.equal(m.call('take', 0), RT)
    t.equal(m.call('take', 0), 0)
  })

  t.test(`${e.kind}: fork copies reactions and mask, a thread shares them, exec keeps what is ignored`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    m.call('handle', 0, USR1, 0x401000)
    m.call('handle', 0, INT, 1)
    m.call('block', 0, 0x400, 0x8)
    m.call('alternate', 0, 0x500000, 8192)
    m.call('queue', 0, 0, TERM, 0)
    t.equal(m.call('stateFork', 1, 0), 0)
    t.same([m.call('handlerOf', 1, USR1), m.call('handlerOf', 1, INT)], [0x401000, 1])
    t.same([m.call('blockedLow', 1), m.call('blockedHigh', 1), m.call('alternateSize', 1), m.call('pending', 1)], [0x400, 8, 8192, 0])
    m.call('handle', 1, USR1, 0)
    t.equal(m.call('handlerOf', 0, USR1), 0x401000, "a child's are its own")
    m.call('stateShare', 2, 0)
    t.same([m.call('alternateSize', 2), m.call('blockedLow', 2)], [0, 0x400])
    m.call('handle', 2, USR1, 0x402000)
    t.equal(m.call('handlerOf', 0, USR1), 0x402000, "a thread's are its process's")
    m.call('queue', 0, 1, HUP, 0)
    t.equal(m.call('take', 2), HUP, 'what is for the process, any thread may take')
    m.call('stateExec', 0)
    t.same([m.call('handlerOf', 0, USR1), m.call('handlerOf', 0, INT), m.call('alternateSize', 0)], [0, 1, 0])
    t.same([m.call('blockedLow', 0), m.call('take', 0)], [0x400, TERM], 'mask and pending signals stay')
    for (const which of [0, 1]) m.call('stateRelease', which)
    t.equal(m.call('signalsHeld'), 1, 'one group is left: that of the thread')
    m.call('stateRelease', 2)
    t.equal(m.call('signalsHeld'), 0)
  })

  t.test(`${e.kind}: who ignores what`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    const ignored = () => [...Array(64).keys()].map(i => i + 1).filter(n => m.call('ignored', 0, n) === 1)
    t.same(ignored(), [CHLD, CONT, URG, WINCH])
    m.call('handle', 0, CHLD, 0x401000)
    m.call('handle', 0, TERM, 1)
    m.call('handle', 0, KILL, 1)
    t.same(ignored(), [TERM, CONT, URG, WINCH])
  })

  t.test(`${e.kind}: a handler's frame is Linux's, offset for offset`, async t => {
    const m = machine(e)
    m.call('stateInit', 0)
    const frame = m.call('trapFrame')
    const size = m.call('trapFrameSize')
    t.equal(size, 22 * 8)
    for (let i = 0; i < 22; i++) {
      m.write32(frame + 8 * i, 0x1000 + i)
      m.write32(frame + 8 * i + 4, 0xab000000 + i)
    }
    m.write32(frame + 8 * 18, 0x23)
    m.write32(frame + 8 * 21, 0x1b)
    m.call('trapped', 0, 14, 6, 0x12345, 0x7)
    m.call('alternate', 0, 0x500000, 0x2000)
    m.call('queue', 0, 0, SEGV, 0x77)
    m.call('take', 0)
    const made = view(m, m.call('frameMake', 0, 0x1111, 0x2222, 1, 1), 440)
    t.equal(made.getUint32(8, true), 7, 'uc_flags')
    t.equal(made.getBigUint64(16, true), 0n, 'uc_link')
    t.same([made.getUint32(24, true), made.getUint32(32, true), made.getUint32(40, true)], [0x500000, 1, 0x2000], 'uc_stack')
    for (const [name, at, offset] of REGISTERS) {
      t.same([made.getUint32(CONTEXT + offset, true), made.getUint32(CONTEXT + offset + 4, true)], [0x1000 + at, 0xab000000 + at], name)
    }
    t.same([144, 146, 148, 150].map(at => made.getUint16(CONTEXT + at, true)), [0x23, 0, 0, 0x1b], 'cs gs fs ss')
    t.same([152, 160, 168, 176, 180, 184].map(at => made.getUint32(CONTEXT + at, true)), [6, 14, 0x1111, 0x12345, 7, 0], 'err trapno oldmask cr2 fpstate')
    t.same([made.getUint32(304, true), made.getUint32(308, true)], [0x1111, 0x2222], 'uc_sigmask')
    t.same([312, 316, 320, 336].map(at => made.getUint32(at, true)), [SEGV, 0, 7, 0x77], 'siginfo')
  })

  t.test(`${e.kind}: a handler begins with three arguments, as a function that was called`, async t => {
    const m = machine(e)
    const frame = m.call('trapFrame')
    m.bytes(frame, 22 * 8).fill(0xff)
    m.call('frameEnter', USR1, 0x401234, 0x7ffe1008)
    const registers = view(m, frame, 22 * 8)
    const register = (i: number) => registers.getBigUint64(8 * i, true)
    t.same([8, 9, 12, 14, 17, 20].map(register), [BigInt(USR1), 0x7ffe1140n, 0x7ffe1010n, 0n, 0x401234n, 0x7ffe1008n])
    t.equal(registers.getUint32(8 * 19, true) & 0x10500, 0, 'no TF, DF, RF')
    t.equal(registers.getUint32(8 * 15, true), 0, 'it leaves by IRET')
  })

  t.test(`${e.kind}: what comes back decides nothing but the program's own registers`, async t => {
    const m = machine(e)
    const frame = m.call('trapFrame')
    const context = m.alloc(256)
    const put = (offset: number, value: bigint) => view(m, context, 256).setBigUint64(offset, value, true)
    m.bytes(frame, 22 * 8).fill(0)
    m.write32(frame + 8 * 18, 0x23)
    m.write32(frame + 8 * 21, 0x1b)
    m.bytes(context, 256).fill(0xff)
    for (const bad of [0n, 0xfffn, 0x80000000n, 0xffffffff80000000n, 0x1_0040_0000n, 0x8000_0000_0000n]) {
      put(128, bad)
      const before = Buffer.from(m.bytes(frame, 22 * 8)).toString('hex')
      t.equal(m.call('frameTake', context), 0, `rip ${bad.toString(16)}`)
      t.equal(Buffer.from(m.bytes(frame, 22 * 8)).toString('hex'), before)
    }
    put(128, 0x401000n)
    t.equal(m.call('frameTake', context), 1)
    const registers = view(m, frame, 22 * 8)
    t.equal(registers.getBigUint64(8 * 17, true), 0x401000n)
    t.equal(registers.getBigUint64(8 * 18, true), 0x23n, 'cs')
    t.equal(registers.getBigUint64(8 * 21, true), 0x1bn, 'ss')
    t.equal(registers.getBigUint64(8 * 19, true), 0x50fd7n, 'no IOPL, NT, VM; IF and bit 1 set')
    t.equal(registers.getUint32(8 * 15, true), 0)
    for (const [name, at] of REGISTERS) if (!['rip', 'rflags'].includes(name)) t.equal(registers.getBigUint64(8 * at, true), 0xffffffffffffffffn, name)
    put(136, 0n)
    t.equal(m.call('frameTake', context), 1)
    t.equal(registers.getBigUint64(8 * 19, true), 0x202n)
  })

  t.test(`${e.kind}: an FPU state that comes back is one that can be loaded`, async t => {
    const m = machine(e)
    const area = m.alloc(900, 64)
    const state = view(m, area, 832)
    t.equal(m.call('fpuStackBytes', 512), 512)
    t.equal(m.call('fpuStackBytes', 832), 836)
    t.equal(m.call('fpuMxcsrMask', area) >>> 0, 0xffbf, 'a processor that does not say')
    state.setUint32(28, 0xffff, true)
    t.equal(m.call('fpuMxcsrMask', area) >>> 0, 0xffff)
    m.call('fpuSoftwareMake', area + 464, 832, 7)
    t.same([464, 468, 472, 476, 480].map(at => state.getUint32(at, true)), [0x46505853, 836, 7, 0, 832])
    t.equal(m.call('fpuIsExtended', area, 832, m.call('fpuEndWord')), 1)
    t.equal(m.call('fpuIsExtended', area, 832, 0), 0, 'the end is missing')
    t.equal(m.call('fpuIsExtended', area, 512, m.call('fpuEndWord')), 0, 'this processor has no more')
    m.call('fpuSoftwareMake', area + 464, 512, 3)
    t.equal(m.call('fpuIsExtended', area, 832, m.call('fpuEndWord')), 0)
    m.bytes(area, 832).fill(0xff)
    m.call('fpuStateSanitize', area, 832, 7, 0xffbf, 1)
    t.equal(state.getUint32(24, true), 0xffbf)
    t.equal(state.getBigUint64(512, true), 7n, 'XSTATE_BV')
    t.ok(m.bytes(area + 520, 56).every(b => b === 0), 'XCOMP_BV and what is reserved')
    t.ok(m.bytes(area + 576, 256).every(b => b === 0xff))
    m.bytes(area, 832).fill(0xff)
    m.call('fpuStateSanitize', area, 832, 7, 0xffff, 0)
    t.equal(state.getBigUint64(512, true), 3n, "FXSAVE's part, and no more")
    t.ok(m.bytes(area + 520, 312).every(b => b === 0))
    m.bytes(area, 832).fill(0xff)
    m.call('fpuStateSanitize', area, 512, 3, 0xffff, 1)
    t.equal(state.getBigUint64(512, true), 0xffffffffffffffffn, 'nothing past 512 is touched')
  })
}
