// Bytes for packets made by hand: big-endian, as they go on the wire.

export type Bytes = Uint8Array<ArrayBufferLike>
/** What `bytes` accepts: numbers are single bytes. */
export type Piece = Bytes | readonly number[] | number | string

/** Join pieces; a string is hexadecimal, spaces allowed. */
export function bytes(...pieces: Piece[]): Bytes {
  return Buffer.concat(pieces.map(piece => {
    if (typeof piece === 'number') return Uint8Array.of(piece)
    if (typeof piece === 'string') return hex(piece)
    return Uint8Array.from(piece)
  }))
}

export function hex(text: string): Bytes {
  const digits = text.replace(/[\s:]/g, '')
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new Error(`not hexadecimal: ${text}`)
  return Buffer.from(digits, 'hex')
}

export function toHex(data: Bytes): string {
  return Buffer.from(data).toString('hex')
}

export const be16 = (value: number): number[] => [value >>> 8 & 0xff, value & 0xff]
export const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value & 0xffff)]

export const read16 = (data: Bytes, offset: number): number => (data[offset]! << 8 | data[offset + 1]!) >>> 0
export const read32 = (data: Bytes, offset: number): number => (read16(data, offset) * 0x10000 + read16(data, offset + 2))

/** `10.0.2.15` as four bytes. */
export function address(text: string): number[] {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some(part => !(part >= 0 && part <= 255))) throw new Error(`not an IPv4 address: ${text}`)
  return parts
}

export const addressText = (data: Bytes, offset = 0): string => data.subarray(offset, offset + 4).join('.')

/** `52:54:00:12:34:56` as six bytes. */
export function mac(text: string): number[] {
  const data = hex(text)
  if (data.length !== 6) throw new Error(`not a MAC address: ${text}`)
  return [...data]
}

export const macText = (data: Bytes, offset = 0): string =>
  toHex(data.subarray(offset, offset + 6)).replace(/..(?=.)/g, '$&:')

/** The Internet checksum of RFC 1071 §1: of data whose checksum field holds 0 the field's value, else 0 when right. */
export function checksum(...parts: Bytes[]): number {
  const data = bytes(...parts)
  let sum = 0
  for (let i = 0; i < data.length; i += 2) sum += data[i]! << 8 | (data[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** What TCP and UDP sum before their header: RFC 768, RFC 9293 §3.1. */
export function pseudoHeader(source: string, destination: string, protocol: number, length: number): Bytes {
  return bytes(address(source), address(destination), 0, protocol, be16(length))
}
