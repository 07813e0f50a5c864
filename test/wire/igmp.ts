// IGMP messages in tests, independently of the kernel's own code: RFC 3376 §4, RFC 2236 §2.

import { type Bytes, address, addressText, be16, bytes, checksum, read16 } from './bytes.ts'
import type { Decoded } from './frames.ts'

export const IGMP = 2
export const Igmp = { Query: 0x11, Report1: 0x12, Report2: 0x16, Leave: 0x17, Report3: 0x22 } as const
export const Record = { IsInclude: 1, IsExclude: 2, ToInclude: 3, ToExclude: 4, Allow: 5, Block: 6 } as const

function sealed(message: Bytes): Bytes {
  message.set(be16(checksum(message)), 2)
  return message
}

/** A message of version 1 or 2. */
export function igmp(type: number, code: number, group: string): Bytes {
  return sealed(bytes(type, code, be16(0), address(group)))
}

export interface Query3 { code?: number, group?: string, robustness?: number, interval?: number, sources?: string[], count?: number }

/** A query of version 3. `code` is in tenths of a second. */
export function query3(
  { code = 100, group = '0.0.0.0', robustness = 2, interval = 125, sources = [], count = sources.length }: Query3 = {},
): Bytes {
  return sealed(bytes(Igmp.Query, code, be16(0), address(group), robustness, interval, be16(count), ...sources.map(address)))
}

export interface GroupRecord { type: number, group: string, sources: string[] }
export interface DecodedIgmp { type: number, code: number, group: string, records: GroupRecord[], checksumRight: boolean }

/** The IGMP message in a frame, or undefined. */
export function igmpOf(frame: Decoded): DecodedIgmp | undefined {
  if (frame.ipv4?.protocol !== IGMP) return undefined
  const data = frame.ipv4.payload
  const message = { type: data[0]!, code: data[1]!, group: addressText(data, 4), checksumRight: checksum(data) === 0 }
  return { ...message, records: message.type === Igmp.Report3 ? recordsOf(data) : [] }
}

function recordsOf(data: Bytes): GroupRecord[] {
  const records: GroupRecord[] = []
  let at = 8
  for (let n = read16(data, 6); n > 0; n--) {
    const count = read16(data, at + 2)
    const sources = Array.from({ length: count }, (_, i) => addressText(data, at + 8 + 4 * i))
    records.push({ type: data[at]!, group: addressText(data, at + 4), sources })
    at += 8 + 4 * (count + data[at + 1]!)
  }
  if (at !== data.length) throw new Error(`${data.length - at} bytes behind the last record`)
  return records
}
