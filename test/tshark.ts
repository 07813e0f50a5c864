// What Wireshark's dissectors say about a capture: somebody else's reading of what we put on the wire.

import type { Test } from 'tap'
import { must } from './command.ts'

/** Checksums Wireshark leaves unverified unless asked; ICMP's it always verifies. */
const VERIFY = ['ip', 'udp', 'tcp'].flatMap(protocol => ['-o', `${protocol}.check_checksum:TRUE`])

/** What the kernel speaks on TCP and UDP. */
const SPOKEN = ['dhcp', 'dns', 'http', 'json']

let unspoken: Promise<string[]> | undefined

/**
 * Options that switch off every other protocol on TCP and UDP: hundreds claim a port, which an ephemeral one may happen to be, or a payload that
 * happens to look like theirs, and then call it malformed.
 */
function withoutUnspoken(): Promise<string[]> {
  unspoken ??= Promise.all(['decodes', 'heuristic-decodes'].map(list => must('tshark', ['-G', list]))).then(lists => {
    const claims = lists.join('').split('\n').map(line => line.split('\t'))
    const names = claims.map(([table = '', a = '', b = '']) => /^(tcp|udp)\.port$/.test(table) ? b : /^(tcp|udp)$/.test(table) ? a : '')
    return [...new Set(names)].filter(name => name !== '' && !SPOKEN.includes(name)).flatMap(name => ['--disable-protocol', name])
  })
  return unspoken
}

/** The given fields of every frame, of the `first` ones if that is not 0, that matches a display filter; fields that are absent are ''. */
export async function fields(path: string, filter: string, names: string[], first = 0): Promise<string[][]> {
  const columns = names.flatMap(name => ['-e', name])
  const some = first === 0 ? [] : ['-c', String(first)]
  const out = await must('tshark', ['-n', '-r', path, ...some, ...VERIFY, ...await withoutUnspoken(), '-Y', filter, '-T', 'fields', '-E', 'occurrence=f', ...columns])
  return out.split('\n').slice(0, -1).map(line => line.split('\t'))
}

/** How many frames match a display filter. */
export async function count(path: string, filter: string): Promise<number> {
  return (await fields(path, filter, ['frame.number'])).length
}

/** What Wireshark says of a checksum it verified and found right. */
const GOOD = ['1', 'Good']

/**
 * Read a capture's frames (those `filter` selects; of the `first` ones, unless that is 0): how many decode, and what is wrong with any: malformed, cut
 * short, or an IP, ICMP, UDP or TCP checksum that was not verified and found right. A UDP checksum of 0 is none
 * (RFC 768), and what an ICMP error quotes is only part of a datagram: those two are not held against it.
 */
export async function faults(path: string, filter = 'frame', first = 0): Promise<{ decoded: number, wrong: string[] }> {
  const names = ['ip', 'icmp', 'udp', 'tcp']
  const rows = await fields(path, filter,
    ['frame.number', 'frame.protocols', '_ws.malformed', '_ws.short', 'udp.checksum', ...names.map(name => `${name}.checksum.status`)], first)
  const wrong: string[] = []
  let decoded = 0
  for (const [number, protocols = '', malformed, short, udpChecksum, ...statuses] of rows) {
    const layers = protocols.split(':')
    if (malformed || short) {
      wrong.push(`frame ${number} is malformed: ${protocols}`)
      continue
    }
    decoded++
    const quoted = layers.slice(layers.indexOf('icmp') + 1)
    for (const [i, name] of names.entries()) {
      if (!layers.includes(name) || (layers.includes('icmp') && quoted.includes(name) && name !== 'ip')) continue
      if (name === 'udp' && udpChecksum === '0x0000') continue
      if (!GOOD.includes(statuses[i] ?? '')) wrong.push(`frame ${number}: ${name} checksum, status ${statuses[i]}: ${protocols}`)
    }
  }
  return { decoded, wrong }
}

/** Assert that a capture has at least `minimum` frames that decode, and nothing wrong: see `faults`. */
export async function isClean(t: Test, path: string, minimum: number, filter = 'frame', first = 0): Promise<void> {
  const { decoded, wrong } = await faults(path, filter, first)
  t.ok(decoded >= minimum, `at least ${minimum} frames decode (${decoded} do)`)
  t.same(wrong, [], 'none is malformed, every checksum is verified and right')
}
