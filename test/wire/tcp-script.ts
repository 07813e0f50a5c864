// Scripts about one TCP, in packetdrill's manner: a line says what happens, or what has to have happened. Read here,
// run by tcp-runner.ts; the language is in docs/testing.md.
//
//   listen 5
//   < S 0:0(0) win 65535 <mss 1460>
//   > S. 0:0(0) ack 1 <mss 1460>
//   +0.1 < . 1:1(0) ack 1
//   accept
//   < P. 1:1001(1000) ack 1
//   +0~0.5 > . 1:1(0) ack 1001

import { type Bytes, hex } from './bytes.ts'
import { type TcpOption, flagsOf, flagsText } from './tcp.ts'

/** A segment as a script writes it: sequence numbers relative to the first SYN's. */
export interface ScriptSegment {
  flags: number
  /** `R?`: whether there is an ACK is the sender's to choose. */
  ackOptional: boolean
  /** `undefined`: whatever it is. */
  sequence: number | undefined
  length: number
  acknowledgment: number | undefined
  window: number | undefined
  urgent: number | undefined
  /** `undefined`: whatever they are. NOPs and padding are left out of what is expected. */
  options: TcpOption[] | undefined
  /** More than these may be there. */
  moreOptions: boolean
  /** The ECN field, RFC 3168 §5: `[noecn]`, `[ect1]`, `[ect0]`, `[ce]` before the control bits; `undefined`: none, or whatever it is. */
  ecn: number | undefined
  /** Wrong or unusual fields of what is injected: `{badsum, words 4, reserved 15, port 4000, ttl 1}`. */
  but: Record<string, number>
}

/** A time from now in milliseconds, at which something is done or within which it has to happen. */
export interface ScriptTime { from: number, to: number }

export type Step = { line: number, text: string, time: ScriptTime | undefined } & (
  | { kind: 'inject', segment: ScriptSegment }
  | { kind: 'expect', segment: ScriptSegment }
  | { kind: 'expectIcmp', type: number, code: number }
  | { kind: 'skip' }
  | { kind: 'wait' }
  | { kind: 'call', name: string, words: string[], result: string[] | undefined })

/** Read a script. What can not be read is an Error with its line. */
export function parseScript(text: string): Step[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.replace(/(^|\s)#.*/, '').trim()
    if (line === '') return []
    try {
      return [parseStep(line, index + 1)]
    } catch (error) {
      throw new Error(`line ${index + 1}: ${line}: ${(error as Error).message}`, { cause: error })
    }
  })
}

function parseStep(text: string, line: number): Step {
  const timed = /^\+(\d+(?:\.\d+)?)(?:~(\d+(?:\.\d+)?))?(?:\s+|$)/.exec(text)
  const milliseconds = (seconds: string): number => Math.round(Number(seconds) * 1000)
  const time = timed === null ? undefined : { from: milliseconds(timed[1]!), to: milliseconds(timed[2] ?? timed[1]!) }
  const rest = text.slice(timed?.[0].length ?? 0).trim()
  const common = { line, text, time }
  if (rest === '') return { ...common, kind: 'wait' }
  if (rest.startsWith('<')) {
    if (time !== undefined && time.from !== time.to) throw new Error('an injection has one time')
    return { ...common, kind: 'inject', segment: parseSegment(rest.slice(1).trim(), true) }
  }
  if (!rest.startsWith('>')) return { ...common, ...parseCall(rest) }
  const expected = rest.slice(1).trim()
  if (expected === '*') return { ...common, kind: 'skip' }
  const icmp = /^icmp (\d+)\/(\d+)$/.exec(expected)
  if (icmp !== null) return { ...common, kind: 'expectIcmp', type: Number(icmp[1]), code: Number(icmp[2]) }
  return { ...common, kind: 'expect', segment: parseSegment(expected, false) }
}

function parseCall(text: string): { kind: 'call', name: string, words: string[], result: string[] | undefined } {
  const [call = '', result] = text.split(/\s*=\s*/)
  const [name = '', ...words] = call.trim().split(/\s+/)
  return { kind: 'call', name, words, result: result === undefined ? undefined : result.split(/\s+/).filter(word => word !== '') }
}

const ECN = ['noecn', 'ect1', 'ect0', 'ce']

const SEGMENT = new RegExp('^(?:\\[(?<ecn>noecn|ect1|ect0|ce)\\]\\s+)?(?<flags>[-FSRPEWU.]+)(?<optional>\\?)?'
  + '\\s+(?:(?<sequence>-?\\d+):(?<end>-?\\d+)|\\*)\\((?<length>\\d+)\\)'
  + '(?:\\s+ack (?<ack>-?\\d+))?(?:\\s+win (?<window>\\d+))?(?:\\s+urg (?<urgent>\\d+))?'
  + '(?:\\s+<(?<options>[^>]*)>)?(?:\\s+\\{(?<but>[^}]*)\\})?$')

function parseSegment(text: string, injected: boolean): ScriptSegment {
  const groups = SEGMENT.exec(text)?.groups
  if (groups === undefined) throw new Error('not a segment')
  const number = (name: string): number | undefined => groups[name] === undefined ? undefined : Number(groups[name])
  const [sequence, end, length] = [number('sequence'), number('end'), number('length')!]
  if (sequence !== undefined && end !== sequence + length) throw new Error(`${sequence}:${end} is not of length ${length}`)
  const options = groups['options']?.split(',').map(each => each.trim()).filter(each => each !== '')
  const but = Object.fromEntries((groups['but'] ?? '').split(',').map(each => each.trim()).filter(each => each !== '').map(each => {
    const [name = '', value = '1'] = each.split(/\s+/)
    return [name, Number(value)]
  }))
  if (injected && sequence === undefined) throw new Error('what is injected has a sequence number')
  if (!injected && Object.keys(but).length > 0) throw new Error('{} is for what is injected')
  return {
    flags: flagsOf(groups['flags']!), ackOptional: groups['optional'] !== undefined, sequence, length, acknowledgment: number('ack'), window: number('window'), urgent: number('urgent'),
    options: options?.filter(each => each !== '...').map(parseOption), moreOptions: options?.includes('...') ?? false, but,
    ecn: groups['ecn'] === undefined ? undefined : ECN.indexOf(groups['ecn']),
  }
}

/** `mss 1460`, `wscale 7`, `sackOK`, `nop`, `eol`, `TS 100 ecr 5`, `sack 1:1001 2001:3001`, `raw 0204`. */
function parseOption(text: string): TcpOption {
  const [kind = '', ...words] = text.split(/\s+/)
  switch (kind) {
    case 'eol': return { kind: 'end' }
    case 'nop': case 'sackOK': return { kind }
    case 'mss': return { kind, value: Number(words[0]) }
    case 'wscale': return { kind, shift: Number(words[0]) }
    case 'TS': return { kind, value: Number(words[0]), echo: words[1] === 'ecr' ? Number(words[2]) : ECHO_LAST }
    case 'sack': return { kind, blocks: words.map(word => word.split(':').map(Number) as [number, number]) }
    case 'raw': return { kind, data: hex(words.join('')) }
    default: throw new Error(`no option is called ${kind}`)
  }
}

/** In an injected timestamps option: echo what came last. */
export const ECHO_LAST = -1

// --- Segments as text, for what came instead. ------------------------------------------------------------------

/** What can be said of a segment that was sent. */
export type SegmentText = Omit<ScriptSegment, 'but' | 'moreOptions' | 'ackOptional' | 'ecn'>

/** A segment in the script's words. */
export function segmentText(segment: SegmentText): string {
  const { flags, sequence = 0, length, acknowledgment, window, urgent, options = [] } = segment
  return [
    flagsText(flags), `${sequence}:${sequence + length}(${length})`,
    ...acknowledgment === undefined ? [] : [`ack ${acknowledgment}`],
    ...window === undefined ? [] : [`win ${window}`],
    ...urgent === undefined ? [] : [`urg ${urgent}`],
    ...options.length === 0 ? [] : [`<${options.map(optionText).join(', ')}>`],
  ].join(' ')
}

export function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'end': return 'eol'
    case 'mss': return `mss ${option.value}`
    case 'wscale': return `wscale ${option.shift}`
    case 'TS': return `TS ${option.value} ecr ${option.echo}`
    case 'sack': return `sack ${option.blocks.map(block => block.join(':')).join(' ')}`
    case 'raw': return `raw ${Buffer.from(option.data).toString('hex')}`
    default: return option.kind
  }
}

// --- Data: each byte follows from its place in its stream. ---------------------------------------------------------

/** What the peer sends from sequence number `from` on, relative to its SYN. */
export const peerData = (from: number, length: number): Bytes => stream(from, length, 31, 7)
/** What the stack's user sends. */
export const ownData = (from: number, length: number): Bytes => stream(from, length, 17, 101)

/** Not the same every 256 bytes: what is out of place is seen. */
function stream(from: number, length: number, factor: number, base: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (from + i) * factor + ((from + i) >>> 8) * 13 + base & 0xff)
}
