// One table of wire scenarios against two stacks: ours on the native engine, in virtual time, and the machine's own
// Linux. What each answers is told in a line a frame, without what may differ from run to run: identifications, and
// checksums by whether they are right. A scenario in which the two differ says which clause decides, and what each does;
// it fails when they no longer differ, or differ otherwise.

import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { engines } from '../engine.ts'
import { need } from '../need.ts'
import { type Bytes, mac } from './bytes.ts'
import { type Decoded, type DecodedIpv4, EtherType, decode, ethernet, ipv4 } from './frames.ts'
import { LinuxStack } from './linux.ts'
import type { WirePeer } from './peer.ts'
import { GATEWAY, GUEST, PEER, Stack, ip } from './stack.ts'
import { Station } from './station.ts'

export interface Scenario {
  name: string
  /** From PEER, whom both know already. */
  frames: Bytes[]
  /** Let a reassembly time out. */
  expire?: boolean
  /** The clause that decides, and what each of the two does. */
  differs?: { clause: string, ours: string[], linux: string[] }
}

/** Builds frames; no wire is behind it. */
export const station = new Station(undefined as unknown as WirePeer, PEER, GUEST)

const OUR_EXPIRY = 120_000 // milliseconds, virtual
const LINUX_EXPIRY = 1500 // real, with ipfrag_time=1

/** Run every scenario against both. */
export async function compare(t: Test, scenarios: Scenario[]): Promise<void> {
  if (!need(t, 'root', { command: 'ip' }, { command: 'python3' })) return
  const [engine] = await engines('test/kernel/net.ts', ['native'])
  const linux = await LinuxStack.start(GUEST, GATEWAY.ip)
  try {
    for (const { name, frames, expire, differs } of scenarios) {
      const ours = Stack.up(engine!)
      ours.call('echoServiceStart')
      for (const frame of frames) ours.receive(frame)
      if (expire) {
        ours.call('arpPermanent', 0, ip(PEER.ip), ours.put(Uint8Array.from(mac(PEER.mac)))) // what is known ages meanwhile
        ours.advance(OUR_EXPIRY)
      }
      await linux.exchange([station.arpFrame()])
      const mine = telling(ours.sent(), frames)
      const theirs = telling(await linux.exchange(frames, expire ? LINUX_EXPIRY : 0), frames)
      if (differs === undefined) t.same(mine, theirs, name)
      else t.same({ ours: mine, linux: theirs }, { ours: differs.ours, linux: differs.linux }, `${name}: ${differs.clause}`)
    }
  } finally {
    await linux.end()
  }
}

/** A line a frame, of a datagram in fragments a line for all of them; `asked` is what the frames answer. */
function telling(frames: Decoded[], asked: Bytes[]): string[] {
  return frames.flatMap((frame, i) => {
    if (!frame.ipv4 || (frame.ipv4.flags & 0x3fff) === 0) return [tell(frame, asked)]
    const all = frames.filter(({ ipv4 }) => ipv4 && ipv4.id === frame.ipv4!.id && (ipv4.flags & 0x3fff) !== 0)
    return frames.indexOf(all[0]!) === i ? [`${tell(joined(all), asked)} in fragments`] : []
  })
}

/** The datagram that fragments are of. Where one is missing the hole is zeros, and the checksum inside is wrong. */
function joined(fragments: Decoded[]): Decoded {
  const at = (each: Decoded): number => (each.ipv4!.flags & 0x1fff) * 8
  const payload = Buffer.alloc(Math.max(...fragments.map(each => at(each) + each.ipv4!.payload.length)))
  for (const each of fragments) payload.set(each.ipv4!.payload, at(each))
  const { source, destination, ttl, protocol } = fragments[0]!.ipv4!
  return decode(ethernet({ ...fragments[0]!, type: EtherType.Ipv4 }, ipv4({ source, destination, ttl, protocol, flags: 0 }, payload)))
}

function tell(frame: Decoded, asked: Bytes[]): string {
  const { arp, ipv4: ip } = frame
  if (arp) {
    const what = arp.operation === 1 ? 'who has' : 'reply'
    return `arp ${what} ${arp.targetIp} ${arp.targetMac} from ${arp.senderIp} ${arp.senderMac}, to ${frame.destination}`
  }
  if (!ip) return frame.type === EtherType.Ipv4 ? 'malformed IPv4' : `EtherType ${frame.type.toString(16)}`
  return `${ip.source} > ${ip.destination}${header(frame, ip)} ${contents(frame, ip, asked)}`
}

/** What is unusual in an IPv4 header: a TTL that is not 64, a type of service, options, a wrong checksum. */
function header(frame: Decoded, ip: DecodedIpv4): string {
  const tos = frame.payload[1]!
  return [
    ip.ttl === 64 ? '' : ` ttl=${ip.ttl}`, tos === 0 ? '' : ` tos=${tos.toString(16)}`,
      ip.headerLength > 20 ? ` header=${ip.headerLength}` : '',
    ip.checksumRight ? '' : ' BAD HEADER CHECKSUM',
  ].join('')
}

function contents({ icmp, udp }: Decoded, ip: DecodedIpv4, asked: Bytes[]): string {
  if (icmp) {
    const good = icmp.checksumRight ? '' : ' BAD CHECKSUM'
    if (![3, 4, 5, 11, 12].includes(icmp.type)) {
      return `icmp ${icmp.type}/${icmp.code} id=${icmp.id} seq=${icmp.sequence} ${digest(icmp.payload)}${good}`
    }
    const quoted = asked.some(each => Buffer.compare(each.subarray(14, 14 + icmp.payload.length), icmp.payload) === 0)
    const word = icmp.id !== 0 || icmp.sequence !== 0 ? ` word=${icmp.id.toString(16)},${icmp.sequence}` : ''
    return `icmp ${icmp.type}/${icmp.code}${word} quoting ${quoted ? icmp.payload.length : 'CHANGED'} bytes${good}`
  }
  if (udp) return `udp ${udp.sourcePort} > ${udp.destinationPort} ${digest(udp.payload)}${udp.checksumRight ? '' : ' BAD CHECKSUM'}`
  return `protocol ${ip.protocol} ${digest(ip.payload)}`
}

const digest = (data: Bytes): string => `${data.length} bytes ${createHash('sha256').update(data).digest('hex').slice(0, 6)}`
