// Runs the scripts of tcp-script.ts against one TCP in virtual time: the test is the peer. Every segment that is sent has
// to be expected by a line of the script, in order, in the millisecond it is sent or the time the line gives; and its
// addresses, checksum and the bytes of its data are looked at whatever the line says.

import type { Bytes } from './bytes.ts'
import { type Decoded, EtherType, Protocol, arp, decode, ethernet, icmp, ipv4 } from './frames.ts'
import { GUEST, PEER } from './stack.ts'
import { type DecodedTcp, TcpFlag, type TcpOption, tcp } from './tcp.ts'
import { ECHO_LAST, ownData, parseScript, peerData, type ScriptSegment, type ScriptTime, type SegmentText, segmentText, type Step } from './tcp-script.ts'

/** What a script is run against. Calls are given and answered in the script's words. */
export interface Subject {
  /** A frame arrives, and everything it brings about now happens. */
  receive(frame: Bytes): void
  /** Frames sent since this was last asked. */
  takeSent(): Bytes[]
  /** Milliseconds until something happens by itself. */
  untilTimer(): number
  advance(milliseconds: number): void
  /** A socket call: its result in the script's words. */
  socketCall(name: string, words: string[], script: ScriptState): string[]
}

/** What calls need to know of the script. */
export interface ScriptState {
  /** The connection the script speaks of. */
  connection: Connection
  /** Make another one, or go back to it. */
  choose(peerPort: number): Connection
}

/** One connection as its peer knows it. */
export interface Connection {
  peerPort: number
  localPort: number
  /** The peer's first sequence number. */
  irs: number
  /** The stack's: of its first SYN; undefined before. */
  iss: number | undefined
  /** The last TSval that came. */
  timestamp: number
  /** The window last advertised, as it is in the segment. */
  window: number
  sent: number // by the user, octets
  read: number
}

interface Came { at: number, decoded: Decoded }

const LISTENING_PORT = 8080
const FIRST_PEER_PORT = 5000
const FIRST_SEQUENCE = 0x10000000
/** Of the packet an ICMP error is about; less of it is quoted. */
const QUOTED_LENGTH = 1500
/** What a stack's clock may be moved by at once: test/kernel/net-time.ts. */
const LONGEST_STEP = 3_600_000
/** How long a script may wait for one segment. */
const LONGEST_WAIT = 24 * 3600 * 1000

export class ScriptFailure extends Error {}

/** One run of one script. */
export class ScriptRun implements ScriptState {
  connection: Connection
  now = 0
  private readonly connections = new Map<number, Connection>()
  private readonly came: Came[] = []
  private readonly trace: string[] = []
  private step: Step | undefined

  constructor(private readonly subject: Subject) {
    this.connection = this.choose(FIRST_PEER_PORT)
    subject.takeSent()
  }

  choose(peerPort: number): Connection {
    const known = this.connections.get(peerPort)
    const connection = known ?? {
      peerPort, localPort: LISTENING_PORT, irs: FIRST_SEQUENCE, iss: undefined, timestamp: 0, window: 0, sent: 0, read: 0,
    }
    this.connections.set(peerPort, connection)
    return this.connection = connection
  }

  /** Run a script, or more of it; a ScriptFailure tells what came instead, and what had happened before. */
  run(script: string): this {
    for (const step of parseScript(script)) {
      this.step = step
      this.perform(step)
    }
    this.nothingLeft()
    return this
  }

  /** The end of a part: whatever a last script brings about, nothing of it is looked at. */
  tidy(script = ''): void {
    this.came.splice(0)
    for (const step of parseScript(script)) {
      this.perform(step)
      this.came.splice(0)
    }
  }

  /** Whatever comes next, within some milliseconds: when, and as a script writes it. */
  awaitAny(milliseconds: number): [at: number, text: string] {
    const came = this.await({ from: 0, to: milliseconds })
    return [came.at, this.describe(came)]
  }

  /** How many segments come when one is injected again and again in the same moment. */
  countAnswers(injection: string, times: number): number {
    const [step] = parseScript(injection)
    if (step?.kind !== 'inject') throw new Error('only injections have answers')
    let answers = 0
    for (let i = 0; i < times; i++) {
      this.inject(step.segment)
      this.collect()
      answers += this.came.splice(0).length
    }
    return answers
  }

  private perform(step: Step): void {
    if (step.kind === 'expect' || step.kind === 'expectIcmp') {
      const came = this.await(step.time)
      this.trace.push(`${step.text}`)
      return step.kind === 'expect' ? this.check(came, step.segment) : this.checkIcmp(came, step)
    }
    if (step.kind === 'skip') {
      if (step.time !== undefined) this.pass(step.time.to)
      this.collect()
      return void this.came.splice(0)
    }
    this.nothingLeft()
    if (step.time !== undefined) this.pass(step.time.to)
    if (step.kind === 'wait') return this.nothingLeft()
    if (step.time !== undefined) this.nothingLeft()
    this.trace.push(`${step.text}`)
    if (step.kind === 'inject') this.inject(step.segment)
    else this.callOut(step.name, step.words, step.result)
    this.collect()
  }

  private fail(why: string): never {
    const here = this.step === undefined ? '' : `line ${this.step.line}: ${this.step.text}: `
    throw new ScriptFailure(`${here}${why}, at ${this.now} ms\n  ${this.trace.slice(-30).join('\n  ')}`)
  }

  // --- Time. -------------------------------------------------------------------------------------------------

  /** Let time pass, timer by timer. */
  private pass(milliseconds: number): void {
    const end = this.now + milliseconds
    while (this.now < end) this.passOnce(end)
  }

  private passOnce(end: number): void {
    const next = Math.min(Math.max(1, this.subject.untilTimer()), end - this.now, LONGEST_STEP)
    this.subject.advance(next)
    this.now += next
    this.collect()
  }

  /** The next thing that came; it has to have come within `time` from the step before it. */
  private await(time: ScriptTime | undefined): Came {
    if (time !== undefined && this.came.length === 0) {
      const [from, to] = [this.now + time.from, this.now + time.to]
      while (this.now < Math.min(to, this.now + LONGEST_WAIT) && this.came.length === 0) this.passOnce(to)
      if (this.came.length > 0 && this.now < from) this.fail(`too early: ${this.describe(this.came[0]!)}`)
    } else if (time !== undefined && time.from > 0) this.fail(`too early: ${this.describe(this.came[0]!)}`)
    const came = this.came.shift()
    if (came === undefined) this.fail('nothing came')
    return came
  }

  private nothingLeft(): void {
    if (this.came.length > 0) this.fail(`not expected: ${this.came.map(each => this.describe(each)).join('; ')}`)
  }

  // --- In. ---------------------------------------------------------------------------------------------------

  /** A segment from the peer. */
  inject(segment: ScriptSegment): void {
    const { connection, but } = { connection: this.connection, but: segment.but }
    const sequence = connection.irs + segment.sequence!
    const bytes = tcp({
      source: PEER.ip, destination: GUEST.ip, sourcePort: but['port'] ?? connection.peerPort, destinationPort: but['to'] ?? connection.localPort,
      sequence: sequence >>> 0, acknowledgment: segment.acknowledgment === undefined ? 0 : this.own(segment.acknowledgment),
      flags: segment.flags, window: segment.window ?? 65_535, urgent: segment.urgent ?? 0,
      options: (segment.options ?? []).map(option => this.injectedOption(option)),
      ...but['badsum'] === undefined ? {} : { checksum: 0xbad0 }, ...but['words'] === undefined ? {} : { headerWords: but['words'] },
      reserved: but['reserved'] ?? 0,
    }, peerData(segment.sequence!, segment.length))
    this.subject.receive(this.packet(Protocol.Tcp, bytes, segment.ecn ?? 0))
  }

  /** An ICMP error about a segment that the stack sent, or may have: RFC 5927 §3. */
  icmp(type: number, code: number, sequence: number, mtu = 0): void {
    const quoted = ipv4({ source: GUEST.ip, destination: PEER.ip, protocol: Protocol.Tcp, totalLength: QUOTED_LENGTH }, tcp({
      source: GUEST.ip, destination: PEER.ip, sourcePort: this.connection.localPort, destinationPort: this.connection.peerPort,
      sequence: this.own(sequence),
    }, new Uint8Array(0)))
    this.subject.receive(this.packet(Protocol.Icmp, icmp({ type, code, sequence: mtu }, quoted)))
    this.collect()
  }

  private packet(protocol: number, payload: Bytes, tos = 0): Bytes {
    return ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 },
      ipv4({ source: PEER.ip, destination: GUEST.ip, protocol, tos }, payload))
  }

  private own(relative: number): number {
    return (this.connection.iss ?? 0) + relative >>> 0
  }

  private injectedOption(option: TcpOption): TcpOption {
    if (option.kind === 'TS' && option.echo === ECHO_LAST) return { ...option, echo: this.connection.timestamp }
    if (option.kind !== 'sack') return option
    return { kind: 'sack', blocks: option.blocks.map(([left, right]) => [this.own(left), this.own(right)] as const) }
  }

  // --- Out. --------------------------------------------------------------------------------------------------

  private collect(): void {
    for (let sent = this.subject.takeSent(); sent.length > 0; sent = this.subject.takeSent()) {
      for (const frame of sent) {
        const decoded = decode(frame)
        if (decoded.arp !== undefined) this.answerArp(decoded)
        else if (decoded.ipv4?.protocol === Protocol.Tcp || decoded.ipv4?.protocol === Protocol.Icmp) this.note(decoded)
      }
    }
  }

  /** The peer's link address stays known however long a script is. RFC 826. */
  private answerArp({ arp: request }: Decoded): void {
    if (request?.operation !== 1 || request.targetIp !== PEER.ip) return
    this.subject.receive(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Arp }, arp({
      operation: 2, senderMac: PEER.mac, senderIp: PEER.ip, targetMac: GUEST.mac, targetIp: GUEST.ip,
    })))
  }

  private note(decoded: Decoded): void {
    const came = { at: this.now, decoded }
    this.came.push(came)
    const { tcp: segment } = decoded
    const connection = segment && this.connections.get(segment.destinationPort)
    if (segment !== undefined && connection !== undefined) {
      connection.window = segment.window
      const isReset = (segment.flags & TcpFlag.R) !== 0
      if (segment.flags & TcpFlag.S) connection.iss = segment.sequence
      const timestamps = segment.options.find(option => option.kind === 'TS')
      if (timestamps !== undefined && !isReset) connection.timestamp = timestamps.value
    }
    this.trace.push(`    ${this.now} ms: ${this.describe(came)}`)
  }

  private describe({ decoded }: Came): string {
    const { tcp: segment, icmp: message } = decoded
    if (message !== undefined) return `> icmp ${message.type}/${message.code}`
    if (segment === undefined) return '> a segment that can not be read'
    const port = segment.destinationPort === this.connection.peerPort ? '' : ` to port ${segment.destinationPort}`
    return `> ${segmentText(this.relative(segment))}${port}`
  }

  /** What came as a script would write it. */
  private relative(segment: DecodedTcp): SegmentText {
    const connection = this.connections.get(segment.destinationPort) ?? this.connection
    const peers = (value: number): number => value - connection.irs | 0
    return {
      flags: segment.flags, length: segment.payload.length, window: segment.window,
      sequence: connection.iss === undefined ? segment.sequence : segment.sequence - connection.iss | 0,
      acknowledgment: segment.flags & TcpFlag['.'] ? peers(segment.acknowledgment) : undefined,
      urgent: segment.urgent === 0 ? undefined : segment.urgent,
      options: segment.options.filter(({ kind }) => kind !== 'nop' && kind !== 'end').map(option => option.kind !== 'sack' ? option
        : { kind: 'sack', blocks: option.blocks.map(([left, right]) => [peers(left), peers(right)] as const) }),
    }
  }

  private check(came: Came, expected: ScriptSegment): void {
    const { tcp: segment, ipv4: header } = came.decoded
    const refuse = (why: string): never => this.fail(`${why}: ${this.describe(came)}`)
    if (segment === undefined || header === undefined) return refuse('not a segment')
    if (!segment.checksumRight || !header.checksumRight) refuse('a wrong checksum')
    if (header.source !== GUEST.ip || header.destination !== PEER.ip) refuse(`from ${header.source} to ${header.destination}`)
    if (segment.destinationPort !== this.connection.peerPort) refuse('on another connection')
    if (segment.sourcePort !== this.connection.localPort) refuse(`from port ${segment.sourcePort}`)
    if (segment.reserved !== 0) refuse('with reserved bits')
    if (expected.ecn !== undefined && (header.tos & 3) !== expected.ecn) refuse(`with ECN ${header.tos & 3}`)
    const found = this.relative(segment)
    // PSH is the sender's to set (RFC 9293 §3.9.1.2): it is looked at only where a line has it.
    const mask = 0xff & ~(expected.flags & TcpFlag.P ? 0 : TcpFlag.P) & ~(expected.ackOptional ? TcpFlag['.'] : 0)
    if ((found.flags & mask) !== expected.flags) refuse('other control bits')
    const fields = ['sequence', 'acknowledgment', 'window', 'urgent'] as const
    for (const field of fields) if (expected[field] !== undefined && expected[field] !== found[field]) refuse(`another ${field}`)
    if (expected.length !== found.length) refuse('another length')
    if (expected.options !== undefined) this.checkOptions(came, expected, found.options!)
    this.checkData(came, found.sequence!, segment.payload)
  }

  private checkOptions(came: Came, { options = [], moreOptions }: ScriptSegment, found: readonly TcpOption[]): void {
    const missing = options.filter(option => !found.some(each => sameOption(option, each)))
    if (missing.length > 0 || (!moreOptions && found.length !== options.length)) this.fail(`other options: ${this.describe(came)}`)
  }

  private checkData(came: Came, sequence: number, payload: Bytes): void {
    const first = sequence + (came.decoded.tcp!.flags & TcpFlag.S ? 1 : 0)
    if (Buffer.compare(payload, ownData(first, payload.length)) !== 0) this.fail(`data that nobody sent: ${this.describe(came)}`)
  }

  private checkIcmp(came: Came, { type, code }: { type: number, code: number }): void {
    const { icmp: message } = came.decoded
    if (message?.type !== type || message.code !== code) this.fail(`something else: ${this.describe(came)}`)
  }

  // --- Calls. ------------------------------------------------------------------------------------------------

  private callOut(name: string, words: string[], expected: string[] | undefined): void {
    if (name === 'peer') return void this.choose(Number(words[0]))
    if (name === 'irs') return void (this.connection.irs = Number(words[0]))
    if (name === 'icmp') {
      const [type = 0, code = 0, sequence = 0, mtu = 0] = words.map(Number)
      return this.icmp(type, code, sequence, mtu)
    }
    let result: string[]
    try {
      result = this.subject.socketCall(name, words, this)
    } catch (error) {
      this.fail((error as Error).message)
    }
    if (expected !== undefined && expected.join(' ') !== result.join(' ')) this.fail(`it is ${result.join(' ') || 'nothing'}`)
    const refused = expected === undefined && /^[A-Z][a-z]\w+$/.test(result[0] ?? '') && !['state', 'events'].includes(name)
    if (refused) this.fail(`refused: ${result.join(' ')}`)
  }
}

/** The first block is the one that says something new; the order of the others is a SHOULD of RFC 2018 §4. */
function sameBlocks(expected: readonly (readonly number[])[], found: readonly (readonly number[])[]): boolean {
  const texts = (blocks: readonly (readonly number[])[]): string => [String(blocks[0]), ...blocks.slice(1).map(String).sort()].join(' ')
  return texts(expected) === texts(found)
}

/** A timestamps option is expected by what it echoes: the stack's own clock is its own. */
function sameOption(expected: TcpOption, found: TcpOption): boolean {
  if (expected.kind === 'TS') return found.kind === 'TS' && found.echo === expected.value
  if (expected.kind === 'sack' && found.kind === 'sack') return sameBlocks(expected.blocks, found.blocks)
  return JSON.stringify(expected) === JSON.stringify(found)
}
