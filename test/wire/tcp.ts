// TCP segments built and taken apart in tests, independently of the kernel's own code. RFC 9293 §3.1; window scale and
// timestamps RFC 7323 §2.2, §3.2; SACK RFC 2018 §2, §3.
//
// As in frames.ts every field has a correct default and takes any wrong value instead. Options are a list, in the order
// they are on the wire; what none of them can say is said in `raw` bytes.

import { type Bytes, be16, be32, bytes, checksum, pseudoHeader, read16, read32 } from './bytes.ts'

export const TCP = 6

/** The control bits by the letter that stands for each in a script; `.` is ACK, as in packetdrill. */
export const TcpFlag = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, '.': 0x10, U: 0x20, E: 0x40, W: 0x80 } as const

export type TcpOption =
  | { kind: 'end' } | { kind: 'nop' } | { kind: 'sackOK' }
  | { kind: 'mss', value: number } | { kind: 'wscale', shift: number }
  | { kind: 'TS', value: number, echo: number }
  | { kind: 'sack', blocks: readonly (readonly [left: number, right: number])[] }
  | { kind: 'raw', data: Bytes }

export interface TcpFields {
  source: string
  destination: string
  sourcePort: number
  destinationPort: number
  sequence?: number
  acknowledgment?: number
  flags?: number
  window?: number
  urgent?: number
  options?: readonly TcpOption[]
  checksum?: number
  /** The data offset, in words of four bytes. */
  headerWords?: number
  /** The four bits behind the data offset. */
  reserved?: number
}

/** A segment; the addresses are for its pseudo-header. Options are padded with zeros to a multiple of four bytes. */
export function tcp(fields: TcpFields, payload: Bytes): Bytes {
  const unpadded = bytes(...(fields.options ?? []).map(optionBytes))
  const options = bytes(unpadded, new Uint8Array(-unpadded.length & 3))
  const words = fields.headerWords ?? 5 + options.length / 4
  const segment = bytes(be16(fields.sourcePort), be16(fields.destinationPort), be32(fields.sequence ?? 0), be32(fields.acknowledgment ?? 0),
    words << 4 & 0xf0 | (fields.reserved ?? 0), fields.flags ?? TcpFlag['.'], be16(fields.window ?? 65_535), be16(0), be16(fields.urgent ?? 0),
    options, payload)
  const right = checksum(pseudoHeader(fields.source, fields.destination, TCP, segment.length), segment)
  segment.set(be16(fields.checksum ?? right), 16)
  return segment
}

/** One option as it is on the wire. */
export function optionBytes(option: TcpOption): Bytes {
  switch (option.kind) {
    case 'end': return bytes(0)
    case 'nop': return bytes(1)
    case 'mss': return bytes(2, 4, be16(option.value))
    case 'wscale': return bytes(3, 3, option.shift)
    case 'sackOK': return bytes(4, 2)
    case 'sack': return bytes(5, 2 + 8 * option.blocks.length, ...option.blocks.flat().map(be32))
    case 'TS': return bytes(8, 10, be32(option.value), be32(option.echo))
    case 'raw': return option.data
  }
}

export interface DecodedTcp {
  sourcePort: number
  destinationPort: number
  sequence: number
  acknowledgment: number
  flags: number
  reserved: number
  window: number
  urgent: number
  checksumRight: boolean
  options: TcpOption[]
  payload: Bytes
}

/** Take a segment apart; undefined when its header is cut short. Unknown and malformed options are `raw`. */
export function decodeTcp(source: string, destination: string, data: Bytes): DecodedTcp | undefined {
  if (data.length < 20) return undefined
  const headerLength = data[12]! >> 4 << 2
  if (headerLength < 20 || headerLength > data.length) return undefined
  return {
    sourcePort: read16(data, 0), destinationPort: read16(data, 2), sequence: read32(data, 4), acknowledgment: read32(data, 8),
    flags: data[13]!, reserved: data[12]! & 15, window: read16(data, 14), urgent: read16(data, 18),
    checksumRight: checksum(pseudoHeader(source, destination, TCP, data.length), data) === 0,
    options: decodeOptions(data.subarray(20, headerLength)), payload: data.subarray(headerLength),
  }
}

function decodeOptions(data: Bytes): TcpOption[] {
  const options: TcpOption[] = []
  for (let i = 0; i < data.length;) {
    if (data[i] === 0) return [...options, { kind: 'end' }]
    const length = data[i] === 1 ? 1 : data[i + 1] ?? 0
    if (length < 1 || (length < 2 && data[i] !== 1) || i + length > data.length) {
      return [...options, { kind: 'raw', data: data.subarray(i) }]
    }
    options.push(decodeOption(data.subarray(i, i + length)))
    i += length
  }
  return options
}

function decodeOption(data: Bytes): TcpOption {
  const [kind, length] = [data[0], data.length]
  if (kind === 1) return { kind: 'nop' }
  if (kind === 2 && length === 4) return { kind: 'mss', value: read16(data, 2) }
  if (kind === 3 && length === 3) return { kind: 'wscale', shift: data[2]! }
  if (kind === 4 && length === 2) return { kind: 'sackOK' }
  if (kind === 8 && length === 10) return { kind: 'TS', value: read32(data, 2), echo: read32(data, 6) }
  if (kind !== 5 || length < 10 || length % 8 !== 2) return { kind: 'raw', data }
  const blocks = Array.from({ length: (length - 2) / 8 }, (_, i) => [read32(data, 2 + 8 * i), read32(data, 6 + 8 * i)] as const)
  return { kind: 'sack', blocks }
}

/** The letters of control bits, in packetdrill's order; `-` for none. */
export function flagsText(flags: number): string {
  const letters = (['F', 'S', 'R', 'P', 'E', 'W', 'U', '.'] as const).filter(letter => flags & TcpFlag[letter])
  return letters.join('') || '-'
}

/** What flagsText wrote. */
export function flagsOf(text: string): number {
  if (text === '-') return 0
  return [...text].reduce((flags, letter) => {
    if (!(letter in TcpFlag)) throw new Error(`no control bit is called ${letter}`)
    return flags | TcpFlag[letter as keyof typeof TcpFlag]
  }, 0)
}
