// What Wireshark's dissectors say about a capture: somebody else's reading of what we put on the wire.

import type { Test } from 'tap'
import { must } from './command.ts'

/** Checksums Wireshark leaves unverified unless asked; ICMP's it always verifies. */
const VERIFY = ['ip', 'udp', 'tcp'].flatMap(protocol => ['-o', `${protocol}.check_checksum:TRUE`])

/** The given fields of every frame that matches a display filter; fields that are absent are ''. */
export async function fields(path: string, filter: string, names: string[]): Promise<string[][]> {
  const columns = names.flatMap(name => ['-e', name])
  const out = await must('tshark', ['-n', '-r', path, ...VERIFY, '-Y', filter, '-T', 'fields', '-E', 'occurrence=f', ...columns])
  return out.split('\n').slice(0, -1).map(line => line.split('\t'))
}

/** How many frames match a display filter. */
export async function count(path: string, filter: string): Promise<number> {
  return (await fields(path, filter, ['frame.number'])).length
}

/** The four protocols whose checksums are verified, and the display filter of packets that must have a right one. */
const CHECKED = {
  ip: 'ip',
  icmp: 'icmp',
  udp: 'udp && !icmp && !(udp.checksum == 0)', // 0 is "no checksum", RFC 768; an ICMP error quotes only a part
  tcp: 'tcp && !icmp',
} as const

/**
 * Assert that a capture is clean: at least `minimum` frames (of those `filter` selects) decode, none is malformed
 * or cut short, and every IP, ICMP, UDP and TCP checksum was verified and is right.
 */
export async function isClean(t: Test, path: string, minimum: number, filter = 'frame'): Promise<void> {
  const decoded = await count(path, `(${filter}) && !_ws.malformed && !_ws.short`)
  t.ok(decoded >= minimum, `at least ${minimum} frames decode (${decoded} do)`)
  const broken = await fields(path, `(${filter}) && (_ws.malformed || _ws.short)`, ['frame.number', 'frame.protocols'])
  t.same(broken, [], 'no frame is malformed')
  for (const [protocol, must] of Object.entries(CHECKED)) {
    const wrong = await fields(path, `(${filter}) && ${must} && !(${protocol}.checksum.status == "Good")`,
      ['frame.number', 'frame.protocols', `${protocol}.checksum`, `${protocol}.checksum.status`])
    t.same(wrong, [], `every ${protocol} checksum is verified and right`)
  }
}
