// The stack under the scripts of tcp-script.ts: its stream sockets by name, and what a script may ask of them. `c` is the
// socket where a call names none.
//
//   listen BACKLOG             a socket `l` on port 8080               accept [NAME]     a connection from it
//   connect [NAME]             to the peer's port                      socket NAME       and nothing more
//   send [NAME] N              N octets, or as many as are taken       receive [NAME] N  at most N, each looked at
//   more [NAME] N              send with More                      waited [NAME] = BUSY WINDOW BUFFER   milliseconds
//   tune Strict 0              kernel/net/tcp/tuning.ts            card NoBufferSpace|None    what it answers to what is sent
//   discard [NAME] N           receive with Truncate                   shutdown [NAME] receive|send|both
//   close [NAME]               events [NAME] = In Out                  set [NAME] OPTION VALUE, get [NAME] OPTION = VALUE
//   begin                      what comes up to `end` comes in one round of the main loop
//   error [NAME] = None        state = ESTABLISHED                     kept = 0          packet buffers the stack has still

import type { Engine } from '../engine-instance.ts'
import type { Bytes } from './bytes.ts'
import { Errno, Event, Flag, Option, Sockets, Type } from './sockets.ts'
import { GUEST, PEER, ip } from './stack.ts'
import type { ScriptState, Subject } from './tcp-runner.ts'
import { ownData, peerData } from './tcp-script.ts'

/** RFC 9293 §3.3.2, by number as kernel/net/tcp/state.ts has them. */
export const TCP_STATES = ['CLOSED', 'LISTEN', 'SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT',
  'CLOSING', 'LAST-ACK', 'TIME-WAIT'] as const
export type TcpStateName = typeof TCP_STATES[number]

const LISTENING_PORT = 8080
const SHUT: Record<string, number> = { receive: 0, send: 1, both: 2 }
const PACKETS = 1024
/** In the order of test/kernel/net-tcp.ts. */
const TUNABLE = ['Strict', 'Ecn']

export class TcpStack implements Subject {
  readonly stack: Sockets
  readonly handles = new Map<string, number>()
  /** Packet buffers that were free before there was a connection. */
  readonly free: number
  /** Between `begin` and `end`. */
  inRound = false

  constructor(engine: Engine, options: { features?: number, mtu?: number, packets?: number } = {}) {
    this.stack = Sockets.up(engine, { packets: PACKETS, ...options })
    this.free = this.stack.free
  }

  receive(frame: Bytes): void {
    this.stack.receive(frame)
    if (!this.inRound) this.stack.call('netFlush')
  }

  takeSent(): Bytes[] {
    const sent = this.stack.sentBytes()
    this.stack.forget()
    return sent
  }

  untilTimer(): number {
    return this.stack.call('untilTimer') >>> 0
  }

  advance(milliseconds: number): void {
    this.stack.advance(milliseconds)
    this.stack.call('netFlush')
  }

  socketCall(name: string, words: string[], script: ScriptState): string[] {
    const call = CALLS[name]
    if (call === undefined) throw new Error(`there is no call ${name}`)
    const result = call(this, words, script)
    if (!this.inRound) this.stack.call('netFlush')
    return Array.isArray(result) ? result : [resultText(result)]
  }

  handle(name = 'c'): number {
    const handle = this.handles.get(name)
    if (handle === undefined) throw new Error(`no socket is called ${name}`)
    return handle
  }

  make(name: string): number {
    const handle = this.stack.socket(Type.Stream)
    this.handles.set(name, handle)
    return handle
  }
}

/** `[NAME] rest`: the socket's name is what is left of the last `count` words. */
function named(words: string[], count: number): [name: string, ...rest: string[]] {
  return words.length > count ? [words[0]!, ...words.slice(1)] : ['c', ...words]
}

type Call = (subject: TcpStack, words: string[], script: ScriptState) => number | string[]

function sent(subject: TcpStack, words: string[], { connection }: ScriptState, flags: number): number {
  const [name, count = '0'] = named(words, 1)
  const result = subject.stack.send(subject.handle(name), ownData(1 + connection.sent, Number(count)), flags)
  if (result > 0) connection.sent += result
  return result
}

const CALLS: Record<string, Call> = {
  begin: subject => { subject.inRound = true; return 0 },
  end: subject => { subject.inRound = false; return 0 },
  socket: (subject, [name = 'c']) => { subject.make(name); return 0 },
  bind: (subject, words, { connection }) => {
    const [name, port = '0'] = named(words, 1)
    connection.localPort = Number(port)
    return subject.stack.bind(subject.handle(name), '0.0.0.0', Number(port))
  },
  listen: (subject, [backlog = '8']) => {
    const handle = subject.make('l')
    const bound = subject.stack.bind(handle, '0.0.0.0', LISTENING_PORT)
    return bound !== 0 ? bound : subject.stack.call('socketListen', handle, Number(backlog))
  },
  accept: (subject, [name = 'c']) => {
    const result = subject.stack.call('socketAccept', subject.handle('l'), 0)
    if (result > 0) subject.handles.set(name, result)
    return Math.min(result, 0)
  },
  connect: (subject, [name = 'c'], { connection }) => {
    const handle = subject.handles.get(name) ?? subject.make(name)
    const result = subject.stack.connect(handle, PEER.ip, connection.peerPort)
    connection.localPort = subject.stack.field(handle, 2)
    return result
  },
  send: (subject, words, script) => sent(subject, words, script, 0),
  more: (subject, words, script) => sent(subject, words, script, Flag.More),
  tune: (subject, [which = '', value = '1']) => subject.stack.call('tcpTune', TUNABLE.indexOf(which), Number(value)),
  card: (subject, [result = 'None']) => subject.stack.call('fakeTransmitResult', result === 'None' ? 0 : Errno[result as keyof typeof Errno]),
  waited: (subject, [name = 'c']) => [0, 1, 2].map(which => String(subject.stack.call('tcpWaited', subject.handle(name), which))),
  receive: (subject, words, { connection }) => {
    const [name, room = '0'] = named(words, 1)
    const { result, data } = subject.stack.take(subject.handle(name), { room: Number(room) })
    if (result <= 0) return result
    const wanted = peerData(1 + connection.read, result)
    connection.read += result
    if (Buffer.compare(data, wanted) !== 0) throw new Error(`other octets than the peer sent, in ${result} from ${connection.read - result}`)
    return result
  },
  discard: (subject, words, { connection }) => {
    const [name, room = '0'] = named(words, 1)
    const { result } = subject.stack.take(subject.handle(name), { room: Number(room), flags: Flag.Truncate })
    connection.read += Math.max(0, result)
    return result
  },
  shutdown: (subject, words) => {
    const [name, how = ''] = named(words, 1)
    return subject.stack.call('socketShutdown', subject.handle(name), SHUT[how]!)
  },
  close: (subject, [name = 'c']) => {
    const result = subject.stack.call('socketClose', subject.handle(name))
    subject.handles.delete(name)
    return result
  },
  set: (subject, words) => {
    const [name, option = '', value = '1'] = named(words, 2)
    return subject.stack.set(subject.handle(name), Option[option as keyof typeof Option], Number(value))
  },
  get: (subject, words) => {
    const [name, option = ''] = named(words, 1)
    return subject.stack.get(subject.handle(name), Option[option as keyof typeof Option])
  },
  error: (subject, [name = 'c']) => [resultText(subject.stack.call('socketError', subject.handle(name)), 'None')],
  events: (subject, [name = 'c']) => {
    const events = subject.stack.call('socketEvents', subject.handle(name))
    return Object.entries(Event).filter(([, bit]) => events & bit).map(([each]) => each)
  },
  state: (subject, _, { connection }) => [stateOf(subject, connection)],
  kept: subject => [String(subject.free - subject.stack.free)],
  counter: (subject, [which = '0']) => [String(subject.stack.call('tcpCounter', Number(which)))],
}

/** The state of the connection between the peer's port and the stack's. */
export function stateOf(subject: TcpStack, ends: { localPort: number, peerPort: number }): TcpStateName {
  return TCP_STATES[subject.stack.call('tcpStateBetween', ip(GUEST.ip), ends.localPort, ip(PEER.ip), ends.peerPort)]!
}

const ERRORS = new Map(Object.entries(Errno).map(([name, value]) => [value as number, name]))

/** A result in a script's words: an error's name, or the number. */
function resultText(result: number, zero = '0'): string {
  if (result === 0) return zero
  return ERRORS.get(result) ?? String(result)
}
