// What the fuzzer calls: fuzzStart once, then fuzzRun with a target and an input, each time from the state after
// fuzzStart. test/fuzz/harness.cc does so in AFL++, test/unit/kernel/net/corpus.ts on both engines.
//
// The targets, by number: 0 the whole input path, 1 IPv4 header and options, 2 DHCP options, 3 DNS message,
// 4 an interface's specification, 5 the kernel's command line, 6 an archive, 7 calls on names of files. Parsers get their input where memory ends, so that
// reading a byte too far is a fault.

import { load16, store8 } from '../../kernel/lib/intrinsics.ts'
import { commandLineParse } from '../../kernel/lib/command-line.ts'
import { copyBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import {
  address, at, plus, sizeof, staticMemory, staticStruct, type cstring, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { Options } from '../../kernel/lib/options.ts'
import { packetsFree } from '../../kernel/drivers/net/packet.ts'
import { InterfaceSpec, interfaceSpecParse } from '../../kernel/net/config.ts'
import { DhcpMessage } from '../../kernel/net/dhcp/header.ts'
import { DhcpValues, dhcpOptionsRead } from '../../kernel/net/dhcp/options.ts'
import {
  DnsFault, DnsRecord, dnsNegativeTimeToLive, dnsRecordFirst, dnsRecordName, dnsRecordNext, dnsRecordOwner, dnsResponseFault,
} from '../../kernel/net/dns/message.ts'
import { dnsNameFromText } from '../../kernel/net/dns/name.ts'
import { EtherType, EthernetHeader } from '../../kernel/net/ethernet/header.ts'
import { Ipv4Header, ipv4Fault } from '../../kernel/net/ipv4/header.ts'
import { ipv4ForwardSet } from '../../kernel/net/ipv4/forward.ts'
import { optionsCheck } from '../../kernel/net/ipv4/options.ts'
import { Drop } from '../../kernel/net/stats.ts'
import { chargenServiceStart } from '../../kernel/services/chargen.ts'
import { discardServiceStart } from '../../kernel/services/discard.ts'
import { echoServiceStart } from '../../kernel/services/echo.ts'
import { fuzzCpio, fuzzFilesStart, fuzzNames } from './fuzz-files.ts'
import { fakeForget, fakeReceiveChained } from './net-nic.ts'
import { configure, joinGroup, listen, pingOpen, ping, stackStartTwo } from './net-stack.ts'
import { advance } from './net-time.ts'

const FRAME_LIMIT: u32 = 2048
const PIECE: u32 = 64
/** Longer than anything waits: fragments, questions, a group's report. Milliseconds. */
const LONG_ENOUGH: u32 = 300_000
const PEER: u32 = 0x0a000009 // 10.0.0.9
const GROUP: u32 = 0xef010203 // 239.1.2.3

/** A frame of the input path begins with two bytes, little-endian. */
const enum Control {
  Length = 0x07ff, // of the frame; or milliseconds
  Repair = 0x0800, // set the checksum of the IPv4 header, whatever it is
  Claim = 0x3000, // what the card says of the checksum: enum Checksum, 3 as 0
  Way = 0xc000, // enum Way
}

const enum Way {
  First = 0, // by eth0, in one buffer
  Second = 0x4000, // by eth1
  Pieces = 0x8000, // by eth0, in buffers of 64 bytes
  Time = 0xc000, // no frame: time passes
}

const frame = staticMemory(FRAME_LIMIT, 16)
const options = staticStruct<Options>()
const spec = staticStruct<InterfaceSpec>()
const values = staticStruct<DhcpValues>()
const record = staticStruct<DnsRecord>()
const question = staticMemory(256)
const name = staticMemory(256)
let free: u32 = 0

/** An empty file system; two cards that forward, addresses static and asked for, every service, a group, a listener, a ping under way. */
export function fuzzStart(): void {
  stackStartTwo()
  fuzzFilesStart()
  free = packetsFree()
  configure(0, '10.0.0.2/24,gw=10.0.0.1')
  configure(1, 'dhcp')
  ipv4ForwardSet(true)
  echoServiceStart()
  discardServiceStart()
  chargenServiceStart()
  joinGroup(0, GROUP)
  listen(4000)
  pingOpen()
  ping(PEER, 1, 56)
  dnsNameFromText(question, ('www.example.com' as cstring) as ptr, 15)
}

/** Give `length` bytes at `p` to a target. 0, or how many packets, or files, did not come back. */
export function fuzzRun(target: u32, p: ptr, length: u32): u32 {
  switch (target) {
    case 0: return inputPath(p, length)
    case 1: fuzzIpv4(p, length); break
    case 2: fuzzDhcp(p, length); break
    case 3: fuzzDns(p, length); break
    case 4: fuzzSpec(p, length); break
    case 6: return fuzzCpio(p, length)
    case 7: return fuzzNames(p, length)
    default: commandLineParse(options, p, length)
  }
  return 0
}

function inputPath(p: ptr, length: u32): u32 {
  let i: u32 = 0
  while (i + 2 <= length) {
    const control: u32 = load16(p, i)
    i += 2
    let size: u32 = control & Control.Length
    if ((control & Control.Way) == Way.Time) {
      advance(size)
      fakeForget()
      continue
    }
    if (size > length - i) size = length - i
    if (size > 0) receive(control, plus(p, i), size)
    i += size
  }
  advance(LONG_ENOUGH)
  configure(0, 'off')
  configure(1, 'off')
  return free - packetsFree()
}

function receive(control: u32, p: ptr, size: u32): void {
  copyBytes(frame, p, size)
  if ((control & Control.Repair) != 0) repair(size)
  let claim: u32 = (control & Control.Claim) >>> 12
  if (claim == 3) claim = 0
  const way: u32 = control & Control.Way
  fakeReceiveChained(way == Way.Second ? 1 : 0, frame, size, way == Way.Pieces ? PIECE : size, claim)
}

/** A right header checksum, so that what is behind it is looked at. */
function repair(size: u32): void {
  const start: u32 = sizeof<EthernetHeader>()
  if (size < start + sizeof<Ipv4Header>() || at<EthernetHeader>(frame).type != EtherType.Ipv4) return
  const ip = at<Ipv4Header>(plus(frame, start))
  if (ip.headerLength >= sizeof<Ipv4Header>() && start + ip.headerLength <= size) ip.seal()
}

function fuzzIpv4(p: ptr, length: u32): void {
  const ip = at<Ipv4Header>(p)
  if (length >= sizeof<Ipv4Header>() && ip.headerLength >= sizeof<Ipv4Header>() && ip.headerLength <= length) ip.seal()
  if (ipv4Fault(ip, length, length) == Drop.None) optionsCheck(ip)
}

function fuzzDhcp(p: ptr, length: u32): void {
  const fixed: u32 = sizeof<DhcpMessage>()
  if (length < fixed) return
  zeroBytes(address(values), sizeof<DhcpValues>())
  dhcpOptionsRead(values, at<DhcpMessage>(p), plus(p, fixed), length - fixed)
}

function fuzzDns(p: ptr, length: u32): void {
  if (dnsResponseFault(p, length, 0x1234, question, 1) != DnsFault.None) return
  if (!dnsRecordFirst(record, p, length)) return
  do {
    dnsRecordOwner(name, record)
    dnsRecordName(name, record)
    dnsNegativeTimeToLive(record)
  } while (dnsRecordNext(record))
}

function fuzzSpec(p: ptr, length: u32): void {
  const room: u32 = length < FRAME_LIMIT ? length : FRAME_LIMIT - 1
  copyBytes(frame, p, room)
  store8(frame, room, 0)
  interfaceSpecParse(spec, frame as cstring)
}
