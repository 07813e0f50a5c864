// The seeds of the corpora: good inputs of every kind, written to test/fuzz/corpus. Run it when the kernel learns to
// read something new (`node --import=tsx test/fuzz/seeds.ts`); what the fuzzer found beside them stays.

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpio } from '../cpio.ts'
import { type Bytes, address, be16, be32, bytes, hex, mac } from '../wire/bytes.ts'
import { EtherType, Protocol, ethernet, icmp, ipv4, udp, vlan } from '../wire/frames.ts'
import { goodFrames } from '../wire/garbage.ts'
import { GATEWAY, GUEST, PEER, counting } from '../wire/stack.ts'
import { Station } from '../wire/station.ts'
import type { WirePeer } from '../wire/peer.ts'
import { TARGETS, corpusOf } from './targets.ts'

const Way = { First: 0, Second: 0x4000, Pieces: 0x8000, Time: 0xc000 } as const
const REPAIR = 0x0800

const station = new Station(undefined as unknown as WirePeer, PEER, GUEST)
const little = (value: number): number[] => [value & 0xff, value >>> 8]

/** A frame as the input path's target reads it: test/kernel/fuzz.ts. */
const step = (frame: Bytes, way: number = Way.First, claim = 0): Bytes => bytes(little(frame.length | REPAIR | claim << 12 | way), frame)
const time = (milliseconds: number): Bytes => bytes(little(Way.Time | milliseconds))
const known = step(station.arpFrame()) // the peer is in the ARP table

const ip = (protocol: number, payload: Bytes, more: object = {}, to = GUEST.mac) => station.ipFrame({ protocol, ...more }, payload, to)
const ends = { source: PEER.ip, destination: GUEST.ip }
const group = { destination: '239.1.2.3' }
const groupMac = '01:00:5e:01:02:03'
const igmp = (type: number, code: number, to: string, more: Bytes = new Uint8Array(0)) => bytes(type, code, be16(0), address(to), more)
const quoted = ipv4({ source: GUEST.ip, destination: PEER.ip, protocol: Protocol.Udp },
  udp({ source: GUEST.ip, destination: PEER.ip, sourcePort: 4000, destinationPort: 7 }, counting(8)))
const datagram = icmp({ type: 8, id: 1, sequence: 1 }, counting(2000))
const pieces = [0, 800, 1600].map(from => ip(Protocol.Icmp, datagram.subarray(from, from + 800),
  { id: 9, flags: from / 8 | (from < 1600 ? 0x2000 : 0) }))

/** Frames of one kind each, behind the ARP request that makes us known. */
function inputs(): Record<string, Bytes> {
  const named = Object.fromEntries(goodFrames(station).map((frame, i) => [`good-${i}`, bytes(known, step(frame))]))
  const error = (type: number, code: number) => step(ip(Protocol.Icmp, icmp({ type, code, sequence: 576 }, quoted)))
  return {
    ...named,
    'fragments': bytes(known, ...pieces.map(each => step(each))),
    'fragments-backwards-in-pieces': bytes(known, ...[...pieces].reverse().map(each => step(each, Way.Pieces))),
    'fragments-that-expire': bytes(known, step(pieces[0]!), time(2000), time(2047), step(pieces[1]!)),
    'icmp-errors': bytes(known, error(3, 3), error(3, 4), error(11, 0), error(12, 0), error(5, 1)),
    'options': bytes(known, step(ip(Protocol.Icmp, icmp({ type: 8 }, counting(8)),
      { options: hex('0101070b04000000000000000000000094040000') }))),
    'source-route': bytes(known, step(ip(Protocol.Icmp, icmp({ type: 8 }, counting(8)), { options: hex('8307040a00000100') }))),
    'forward': bytes(known, step(ip(Protocol.Udp, counting(40), { destination: '10.1.0.9' })),
      step(ip(Protocol.Udp, counting(40), { destination: '192.0.2.1', ttl: 1 }))),
    'igmp': bytes(known, step(ip(2, igmp(0x11, 100, '0.0.0.0'), { destination: '224.0.0.1', ttl: 1 }, '01:00:5e:00:00:01')), time(2000),
      step(ip(2, igmp(0x11, 100, group.destination, bytes(2, 125, be16(1), address('10.0.0.7'))),
        { ...group, ttl: 1 }, groupMac)), time(2000),
      step(ip(2, igmp(0x16, 0, group.destination), { ...group, ttl: 1 }, groupMac))),
    'group': bytes(known, step(ip(Protocol.Udp,
      udp({ ...ends, ...group, sourcePort: 5, destinationPort: 4000 }, counting(30)), group, groupMac))),
    'services': bytes(known, ...[7, 9, 19, 4000, 9999].map(port => step(station.udpFrame(5000, port, counting(32))))),
    'vlan': bytes(known, step(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Vlan },
      vlan(0x2005, EtherType.Ipv4, ipv4({ ...ends, protocol: 1 }, icmp({ type: 8 }, counting(8))))))),
    'arp-conflict': bytes(step(station.arpFrame({ senderIp: GUEST.ip, targetIp: GUEST.ip })), time(1000),
      step(station.arpFrame({ senderIp: GUEST.ip, targetIp: GUEST.ip }))),
    'offloaded': bytes(known, step(station.udpFrame(5000, 7, counting(32)), Way.First, 1),
      step(station.udpFrame(5000, 7, counting(32)), Way.Pieces, 2)),
    'echo-reply': bytes(known, step(ip(Protocol.Icmp, icmp({ type: 0, id: 1, sequence: 1 }, counting(56)))), time(1500)),
    'dhcp': bytes(step(offer(), Way.Second), time(2047)),
  }
}

const dhcpFixed = (operation: number): Bytes => bytes(operation, 1, 6, 0, be32(0x12345678), be32(0),
  address('0.0.0.0'), address('10.1.0.50'), address('10.1.0.1'),
  address('0.0.0.0'), mac('02:00:00:00:00:02'), Buffer.alloc(10 + 64 + 128), hex('63825363'))
const dhcpOptions: Record<string, Bytes> = {
  'offer': hex('350102 3604 0a010001 3304 00000e10 0104 ffffff00 0304 0a010001 0608 0a010001 08080808 0f03 6c616e ff'),
  'times': hex('350105 3604 0a010001 3304 00000e10 3a04 00000708 3b04 00000c4e 1a02 05dc 1c04 0a0100ff ff'),
  'routes': hex('350105 790e 18c00002 0a010001 00 0a010002 00 ff'),
  'overload': hex('340103 ff'),
  'pads': hex('000000350106ff00'),
}

function offer(): Bytes {
  const message = bytes(dhcpFixed(2), dhcpOptions['offer']!)
  const between = { source: '10.1.0.1', destination: '255.255.255.255' }
  return ethernet({ destination: 'ff:ff:ff:ff:ff:ff', source: GATEWAY.mac, type: EtherType.Ipv4 },
    ipv4({ ...between, protocol: Protocol.Udp }, udp({ ...between, sourcePort: 67, destinationPort: 68 }, message)))
}

const question = '0377777707 6578616d706c65 03636f6d 00 0001 0001'
const dnsHead = (answers: number, more = 0, flags = '8180') => `1234 ${flags} 0001 000${answers} 000${more} 0000 ${question}`
const DNS: Record<string, Bytes> = {
  'address': hex(`${dnsHead(1)} c00c 0001 0001 0000003c 0004 c0000201`),
  'alias': hex(`${dnsHead(2)} c00c 0005 0001 0000003c 0006 03667470 c010 c02d 0001 0001 0000003c 0004 c0000202`),
  'address6': hex(`${dnsHead(1)} c00c 001c 0001 0000003c 0010 20010db8000000000000000000000001`),
  'no-name': hex(
    `${dnsHead(0, 1, '8183')} c010 0006 0001 0000003c 0020` +
    ` 026e73 c010 0474657374 c010 00000001 00000e10 00000384 00093a80 00000e10`),
  'loop': hex(`${dnsHead(1)} c021 0001 0001 0000003c 0004 c0000201`),
  'cut': hex(`${dnsHead(0, 0, '8380')}`),
}

const IPV4: Record<string, Bytes> = {
  'plain': ipv4({ ...ends, protocol: 1 }, counting(8)),
  'options': ipv4({ ...ends, protocol: 1, options: hex('0701040144040500940400008303040000000000') }, counting(8)),
}

const texts = (all: string[]): Record<string, Bytes> => Object.fromEntries(all.map((text, i) => [`text-${i}`, Buffer.from(text)]))

const FILE = 0o100644
const archives: Record<string, Bytes> = {
  'kinds': cpio({ name: 'd', mode: 0o40755 }, { name: 'd/f', mode: FILE, data: 'text' }, { name: 'l', mode: 0o120777, data: 'd/f' },
    { name: 'n', mode: 0o20666, device: [1, 3] }, { name: 'p', mode: 0o10644 }),
  'hard-links': cpio({ name: 'a', mode: FILE, inode: 7, links: 2 }, { name: 'b', mode: FILE, inode: 7, links: 2, data: 'both' }),
  'two-archives': bytes(cpio({ name: 'a', mode: FILE }), new Uint8Array(8), cpio({ name: 'a', mode: FILE, data: 'again' })),
  'dots': cpio({ name: '../x', mode: FILE }, { name: './/y/', mode: FILE }, { name: '.', mode: 0o40700 }),
  'cut': cpio({ name: 'a', mode: FILE, data: 'contents' }).subarray(0, 118),
}
/** Calls by number, as fuzz-files.ts has them, with their paths. */
const calls = (...all: [call: number, ...paths: string[]][]): Bytes =>
  bytes(...all.flatMap(([call, ...paths]) => [Uint8Array.of(call), ...paths.map(each => Buffer.from(`${each}\0`))]))
const names: Record<string, Bytes> = {
  'tree': calls([4, 'a'], [4, 'a/b'], [9, 'a/b/f'], [7, 'a/b'], [8, ''], [11, '../b/./f'], [10, '..'], [5, 'f'], [6, '/a/b/']),
  'links': calls([2, 'b', 'a'], [2, 'a', 'b'], [11, 'a'], [2, 'd/', 'l'], [4, 'l'], [4, 'd'], [9, 'l/f'], [1, 'l/f', 'g'], [0, 'l', 'd/l']),
  'moves': calls([4, 'a'], [4, 'a/b'], [0, 'a', 'a/b/c'], [0, 'a/b', 'c'], [4, 'd'], [0, 'c', 'd'], [3, 'd', 'a'], [0, 'a', 'd'], [0, '.', '..']),
  'system': calls([11, '/dev/fd/0'], [11, '/proc/self/exe'], [10, '/proc/sys/vm'], [6, '/proc'], [5, '/dev/null'], [0, '/dev', '/x']),
  'removed': calls([4, 'a'], [7, 'a'], [6, '../a'], [9, 'f'], [11, '..'], [8, ''], [11, '.']),
}

const CORPORA: Record<string, Record<string, Bytes>> = {
  'input': inputs(),
  'ipv4': IPV4,
  'dhcp': Object.fromEntries(Object.entries(dhcpOptions).map(([name, options]) => [name, bytes(dhcpFixed(2), options)])),
  'dns': DNS,
  'interface': texts(['dhcp', 'off', '10.0.0.2/24,gw=10.0.0.1,dns=10.0.0.1,mtu=1500,promisc', '10.0.0.2/32',
    'dhcp,mtu=9000', '10.0.0.300/24,gw=', ',,,']),
  'cpio': archives,
  'names': names,
  'command-line': texts(['eth0=dhcp eth1=10.0.0.2/24 log=debug services=echo,discard panic=exit',
    'forward=1 acd=strict swap=none', '  x=y  =z loglevel "', 'selftest=all eth9=off']),
}

for (const target of TARGETS) {
  mkdirSync(corpusOf(target), { recursive: true })
  for (const [name, data] of Object.entries(CORPORA[target.name]!)) writeFileSync(`${corpusOf(target)}/${name}`, data)
}
