// Processes that make system calls, in a unit test: test/kernel/calls.ts with user memory and structs as a test writes them.

import type { Engine } from '../engine-instance.ts'
import { Sockets } from './sockets.ts'

export const E = {
  PERM: -1, NOENT: -2, SRCH: -3, INTR: -4, BADF: -9, AGAIN: -11, NOMEM: -12, FAULT: -14, EXIST: -17, INVAL: -22, NOTTY: -25, PIPE: -32, LOOP: -40,
  NOTSOCK: -88, DESTADDRREQ: -89, MSGSIZE: -90, NOPROTOOPT: -92, PROTONOSUPPORT: -93, SOCKTNOSUPPORT: -94, OPNOTSUPP: -95, AFNOSUPPORT: -97,
  ADDRINUSE: -98, CONNREFUSED: -111, NOTCONN: -107, TIMEDOUT: -110, INPROGRESS: -115, NOSYS: -38,
} as const

export const Sys = {
  poll: 7, rt_sigaction: 13, rt_sigprocmask: 14, rt_sigreturn: 15, select: 23, pause: 34, nanosleep: 35, getitimer: 36, alarm: 37, setitimer: 38,
  socket: 41, connect: 42, accept: 43, sendto: 44, recvfrom: 45, sendmsg: 46, recvmsg: 47, shutdown: 48, bind: 49, listen: 50, getsockname: 51,
  getpeername: 52, socketpair: 53, setsockopt: 54, getsockopt: 55, kill: 62, fcntl: 72, gettimeofday: 96, getrusage: 98, times: 100, setuid: 105,
  setgid: 106, setreuid: 113, setregid: 114, getgroups: 115, setgroups: 116, setresuid: 117, getresuid: 118, setresgid: 119, getresgid: 120,
  setfsuid: 122, setfsgid: 123, capget: 125, capset: 126, rt_sigpending: 127, rt_sigtimedwait: 128, rt_sigqueueinfo: 129, rt_sigsuspend: 130,
  sigaltstack: 131, getpriority: 140, setpriority: 141, swapon: 167, swapoff: 168, reboot: 169, tkill: 200, time: 201, futex: 202,
  sched_setaffinity: 203, timer_create: 222, timer_settime: 223, timer_gettime: 224, timer_getoverrun: 225, timer_delete: 226, clock_gettime: 228,
  clock_getres: 229, clock_nanosleep: 230, epoll_wait: 232, epoll_ctl: 233, tgkill: 234, pselect6: 270, ppoll: 271, get_robust_list: 274,
  epoll_pwait: 281, timerfd_create: 283, timerfd_settime: 286, timerfd_gettime: 287, accept4: 288, signalfd4: 289, eventfd2: 290,
  epoll_create1: 291, prlimit64: 302, epoll_pwait2: 441,
} as const

export const PAGE = 4096
/** Where each process has 64 pages to read and write, then a page to read, then nothing. */
export const USER = 0x20000000
export const READ_ONLY = USER + 64 * PAGE
export const NOWHERE = READ_ONLY + PAGE
const WRITE = 0xffff

export class Calls extends Sockets {
  private room = 0
  private out = 0
  /** Of process 0. */
  pid = 0

  /** Process 0, and the stack with an address on eth0 and loopback. */
  static begin(engine: Engine, packets = 300): Calls {
    const calls = new Calls(engine)
    if (calls.configure('10.0.0.2/24,gw=10.0.0.1') !== 0) throw new Error('eth0 refused')
    calls.addMemory(packets)
    calls.call('memoryAdd', calls.m.alloc(6 << 20, PAGE), 6 << 20)
    calls.call('heapInit')
    calls.room = calls.m.alloc(70_000)
    calls.out = calls.m.alloc(16)
    calls.receive(calls.arp())
    calls.forget()
    calls.call('callsStart')
    calls.pid = calls.process(0)
    return calls
  }

  /** A new process, which runs from now on: its pid. */
  process(index: number): number {
    const pid = this.call('processNew', index)
    if (this.call('processMap', USER, 64 * PAGE, 3, 0x32) !== USER) throw new Error('no memory')
    if (this.call('processMap', READ_ONLY, PAGE, 1, 0x32) !== READ_ONLY) throw new Error('no memory')
    return pid
  }

  run(index: number): void { this.call('processRun', index) }

  /** A system call of the running process: its result, errors negative. */
  sys(name: keyof typeof Sys, ...args: number[]): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args
    return this.call('systemCallOf', Sys[name], a, b, c, d, e, f)
  }

  /** Another process's call, after so many milliseconds that somebody sleeps. */
  later(slot: number, after: number, process: number, name: keyof typeof Sys, ...args: number[]): void {
    const [a = 0, b = 0, c = 0, d = 0] = args
    this.call('plan', slot, after, process, Sys[name], a, b, c, d)
  }

  /** Bytes to a descriptor of a process, likewise. */
  laterWrite(slot: number, after: number, process: number, descriptor: number, bytes: ArrayLike<number>): void {
    const place = this.m.alloc(bytes.length)
    this.m.write(place, bytes)
    this.call('plan', slot, after, process, WRITE, descriptor, place, bytes.length, 0)
  }

  /** Into the running process's memory. */
  user(at: number, bytes: ArrayLike<number>): number {
    this.m.write(this.room, bytes)
    if (this.call('userCopyIn', this.room, at, 1) < 0) throw new Error(`no user memory at ${at.toString(16)}`)
    this.m.write(this.room, bytes)
    if (this.call('userCopyOut', at, this.room, bytes.length) !== 0) throw new Error(`no user memory at ${at.toString(16)}`)
    return at
  }

  text(at: number, text: string): number { return this.user(at, Buffer.from(text)) }

  /** Out of it. */
  read(at: number, length: number): Buffer {
    if (this.call('userCopyIn', this.room, at, length) !== 0) throw new Error(`no user memory at ${at.toString(16)}`)
    return Buffer.from(this.m.bytes(this.room, length))
  }

  words(at: number, ...values: number[]): number {
    const bytes = Buffer.alloc(values.length * 4)
    values.forEach((value, i) => bytes.writeInt32LE(value | 0, i * 4))
    return this.user(at, bytes)
  }

  word(at: number): number { return this.read(at, 4).readInt32LE() }

  /** 64-bit numbers. */
  longs(at: number, ...values: (number | bigint)[]): number {
    const bytes = Buffer.alloc(values.length * 8)
    values.forEach((value, i) => bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), i * 8))
    return this.user(at, bytes)
  }

  long(at: number): bigint { return this.read(at, 8).readBigInt64LE() }

  timespec(at: number, seconds: number, nanoseconds: number): number { return this.longs(at, seconds, nanoseconds) }

  sockaddr(at: number, host: string, port: number): number {
    return this.user(at, [2, 0, port >> 8, port & 255, ...host.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0])
  }

  /** A sockaddr_in as text. */
  name(at: number): string {
    const bytes = this.read(at, 16)
    return `${bytes.readUInt16LE(0) === 2 ? '' : 'family?'}${[...bytes.subarray(4, 8)].join('.')}:${bytes.readUInt16BE(2)}`
  }

  pollfd(at: number, ...entries: [descriptor: number, events: number][]): number {
    return this.words(at, ...entries.flatMap(([descriptor, events]) => [descriptor, events]))
  }

  revents(at: number, count: number): number[] {
    const bytes = this.read(at, 8 * count)
    return Array.from({ length: count }, (_, i) => bytes.readUInt16LE(8 * i + 6))
  }

  pipe(flags = 0): [reader: number, writer: number] {
    if (this.call('filePipe', flags, this.out) !== 0) throw new Error('no pipe')
    return [this.m.read32(this.out), this.m.read32(this.out + 4)]
  }

  /** Milliseconds slept since the last time. */
  slept(): number { return this.call('sleptFor') }
}
