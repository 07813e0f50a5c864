// DNS messages (RFC 1035 §4) built and read in tests, independently of the kernel's own code. Every builder takes wrong
// values: what is wrong with a hostile message is said where it is made.

import { type Bytes, address, be16, be32, bytes, read16 } from './bytes.ts'
import type { Decoded } from './frames.ts'

export const Type = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, OPT: 41, ANY: 255 } as const
export const Code = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4, Refused: 5 } as const

/** Labels and a zero; "" is the root. */
export function name(text: string): Bytes {
  return bytes(...text.split('.').filter(label => label !== '').map(label => bytes(label.length, Buffer.from(label, 'latin1'))), 0)
}
/** A pointer to an offset: RFC 1035 §4.1.4. */
export const pointer = (offset: number): Bytes => bytes(be16(0xc000 | offset))
/** The question's name, where it always is. */
export const ASKED = pointer(12)

export interface Question { id: number, flags: number, name: string, type: number, class: number, bytes: Bytes }

/** The question in a query; undefined for what is none. */
export function questionOf({ udp }: Decoded): Question | undefined {
  return udp?.destinationPort === 53 ? questionIn(udp.payload) : undefined
}

/** The question of a message. */
export function questionIn(data: Bytes): Question | undefined {
  if (data.length < 17) return undefined
  const labels: string[] = []
  let i = 12
  for (; data[i] !== 0 && i < data.length; i += 1 + data[i]!) {
    labels.push(Buffer.from(data.subarray(i + 1, i + 1 + data[i]!)).toString('latin1'))
  }
  return {
    id: read16(data, 0), flags: read16(data, 2), name: labels.join('.'), type: read16(data, i + 1), class: read16(data, i + 3),
    bytes: data.subarray(12, i + 5),
  }
}

export interface RecordFields { owner?: Bytes, type: number, class?: number, ttl?: number, data: Bytes, length?: number }

export function record({ owner = ASKED, type, class: kind = 1, ttl = 300, data, length = data.length }: RecordFields): Bytes {
  return bytes(owner, be16(type), be16(kind), be32(ttl >>> 0), be16(length), data)
}
export const a = (ip: string, fields: Partial<RecordFields> = {}): Bytes =>
  record({ type: Type.A, data: Uint8Array.from(address(ip)), ...fields })
export const cname = (target: Bytes, fields: Partial<RecordFields> = {}): Bytes =>
  record({ type: Type.CNAME, data: target, ...fields })
export function soa(minimum: number, fields: Partial<RecordFields> = {}): Bytes {
  const data = bytes(name('ns.example'), name('admin.example'), be32(1), be32(2), be32(3), be32(4), be32(minimum))
  return record({ type: Type.SOA, data, ...fields })
}

export interface ResponseFields {
  id?: number
  flags?: number // all but the code
  code?: number
  question?: Bytes
  counts?: [number, number, number, number]
  answers?: Bytes[]
  authorities?: Bytes[]
  additional?: Bytes[]
}

/** A response to a question; QR, RD and RA set. */
export function response(to: Question, fields: ResponseFields = {}): Bytes {
  const { id = to.id, flags = 0x8180, code = 0, question = to.bytes, answers = [], authorities = [], additional = [] } = fields
  const counts = fields.counts ?? [1, answers.length, authorities.length, additional.length]
  return bytes(be16(id), be16(flags | code), ...counts.map(be16), question, ...answers, ...authorities, ...additional)
}
