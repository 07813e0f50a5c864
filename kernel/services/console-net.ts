// What the console can ask of the network and have it do: the words of a line are a command, an interface, a value.
// Main-loop context.
//
//   net                      every interface        up NAME · down NAME · remove NAME
//   ping A.B.C.D             one echo request       promisc NAME on|off · mtu NAME N · mac NAME xx:xx:xx:xx:xx:xx
//   vlan NAME ID             802.1Q on a card       veth NAME NAME       a pair of virtual cards
//   address NAME A.B.C.D/N   one more address        resolve NAME         its addresses, by DNS
//   join NAME A.B.C.D        a multicast group       leave NAME A.B.C.D
//   netstat                  sockets and connections; with two ends one of them, with `totals` their sums: netstat.ts

import { Errno } from '../lib/errno.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import { nth, plus, staticMemory, staticRow, staticStruct, struct, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import {
  Level, logDecimal, logDecimal64, logEnd, logIpv4, logIpv4Prefix, logMac, logSigned, logStart, logText,
} from '../lib/log.ts'
import { copyBytes, equalStrings, stringLength } from '../lib/memory.ts'
import type { Packet } from '../drivers/net/packet.ts'
import { addressIn, InterfaceMode, InterfaceSpec, interfaceSpecParse } from '../net/config.ts'
import { interfaceAddAddress, interfaceUp } from '../net/configure.ts'
import {
  interfaceRemove, interfaceSetMac, interfaceSetMtu, interfaceSetPromiscuous, interfaceSetUp, interfaceStatistics,
  vethPairCreate,
} from '../net/device.ts'
import { echoClose, echoOpen, echoSend, type EchoSession } from '../net/icmp/echo.ts'
import { multicastJoin, multicastLeave } from '../net/igmp/join.ts'
import { InterfaceStatistics, interfaceFirst, interfaceNamed, type NetInterface } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { vlanCreate } from '../net/vlan.ts'
import { netstatAll, netstatOne, netstatTotals } from './netstat.ts'
import { resolveCommand } from './resolve.ts'

const WORDS: u32 = 3
const LINE_LIMIT: u32 = 128
const SPACE: u32 = 0x20
/** Data bytes of a ping: what ping(8) sends. */
const PING_BYTES: u32 = 56

@struct
class Word {
  text: cstring
}

const line = staticMemory(132) // LINE_LIMIT and a zero
const words = staticRow<Word>(WORDS)
const statistics = staticStruct<InterfaceStatistics>()
const spec = staticStruct<InterfaceSpec>()
const mac = staticMemory(8)
let session: EchoSession | null = null
let sequence: u32 = 0

/** Whether a line of `length` bytes is a command of the network: then it was carried out. */
export function consoleNet(text: ptr, length: u32): boolean {
  if (length > LINE_LIMIT) return false
  const count: u32 = split(text, length)
  if (count == 1 && isWord(0, 'net')) {
    interfaces()
    return true
  }
  if (count == 2 && isWord(0, 'ping')) {
    ping()
    return true
  }
  if (count == 2 && isWord(0, 'resolve')) {
    resolveCommand(nth(words, 1).text)
    return true
  }
  if (count != 0 && count <= WORDS && isWord(0, 'netstat')) {
    netstat(count)
    return true
  }
  if (count == 3 && isWord(0, 'veth')) {
    report(vethPairCreate(nth(words, 1).text, nth(words, 2).text))
    return true
  }
  return count >= 2 && interfaceCommand(count)
}

function netstat(count: u32): void {
  if (count == 1) return netstatAll()
  if (count == 2 && isWord(1, 'totals')) return netstatTotals()
  if (count == 2) return report(Errno.InvalidArgument)
  if (!netstatOne(nth(words, 1).text, nth(words, 2).text)) report(Errno.NoSuchEntry)
}

/** Cut a copy of the line into words; how many, WORDS + 1 if there are more. */
function split(text: ptr, length: u32): u32 {
  copyBytes(line, text, length)
  store8(line, length, 0)
  let count: u32 = 0
  let i: u32 = 0
  while (i < length) {
    if (load8(line, i) == SPACE) store8(line, i, 0)
    else if (i == 0 || load8(line, i - 1) == 0) {
      if (count == WORDS) return WORDS + 1
      nth(words, count).text = plus(line, i) as cstring
      count += 1
    }
    i += 1
  }
  return count
}

function isWord(place: u32, word: cstring): boolean {
  return equalStrings(nth(words, place).text, word)
}

/** A command about one interface; false if it is none. */
function interfaceCommand(count: u32): boolean {
  const two: boolean = count == 2 && (isWord(0, 'up') || isWord(0, 'down') || isWord(0, 'remove'))
  const three: boolean = count == 3 && (isWord(0, 'promisc') || isWord(0, 'mtu') || isWord(0, 'mac') ||
    isWord(0, 'vlan') || isWord(0, 'address') || isWord(0, 'join') || isWord(0, 'leave'))
  if (!two && !three) return false
  const netif = interfaceNamed(nth(words, 1).text)
  if (netif == null) report(Errno.NoDevice)
  else report(two ? changeState(netif) : changeValue(netif, nth(words, 2).text))
  return true
}

function changeState(netif: NetInterface): i32 {
  if (isWord(0, 'up')) return interfaceSetUp(netif, true)
  if (isWord(0, 'down')) return interfaceSetUp(netif, false)
  return interfaceRemove(netif)
}

function changeValue(netif: NetInterface, value: cstring): i32 {
  if (isWord(0, 'mtu')) return interfaceSetMtu(netif, decimal(value))
  if (isWord(0, 'mac')) return macIn(value) ? interfaceSetMac(netif, mac) : Errno.InvalidArgument
  if (isWord(0, 'vlan')) return vlanCreate(netif, decimal(value)) == null ? Errno.InvalidArgument : Errno.None
  if (isWord(0, 'address')) return addAddress(netif, value)
  const group: Ipv4Address = addressIn(value as ptr, stringLength(value))
  if (isWord(0, 'join')) return multicastJoin(netif, group, 0)
  if (isWord(0, 'leave')) return multicastLeave(netif, group, 0)
  const on: boolean = isWord(2, 'on')
  if (!on && !isWord(2, 'off')) return Errno.InvalidArgument
  interfaceSetPromiscuous(netif, on)
  return Errno.None
}

/** A.B.C.D/N, and the interface is up from then on. */
function addAddress(netif: NetInterface, value: cstring): i32 {
  if (interfaceSpecParse(spec, value) != null || spec.mode != InterfaceMode.Static) return Errno.InvalidArgument
  if (!netif.up) interfaceUp(netif)
  return interfaceAddAddress(netif, spec.address, spec.prefixLength)
}

function report(result: i32): void {
  if (!logStart(result == Errno.None ? Level.Info : Level.Warn, 'console', result == Errno.None ? 'done' : 'failed')) return
  logText('command', nth(words, 0).text)
  if (result != Errno.None) logSigned('errno', result)
  logEnd()
}

/** A number of one to five digits, or 0, which no command takes. */
function decimal(text: cstring): u32 {
  const length: u32 = stringLength(text)
  if (length > 5) return 0
  let number: u32 = 0
  for (let i: u32 = 0; i < length; i++) {
    const digit: u32 = load8(text as ptr, i) - 0x30
    if (digit > 9) return 0
    number = number * 10 + digit
  }
  return number
}

/** Read xx:xx:xx:xx:xx:xx into `mac`. */
function macIn(text: cstring): boolean {
  if (stringLength(text) != 17) return false
  for (let i: u32 = 0; i < 6; i++) {
    const high: u32 = hexDigit(load8(text as ptr, i * 3))
    const low: u32 = hexDigit(load8(text as ptr, i * 3 + 1))
    if (high > 15 || low > 15 || (i < 5 && load8(text as ptr, i * 3 + 2) != 0x3a)) return false
    store8(mac, i, high * 16 + low)
  }
  return true
}

function hexDigit(char: u32): u32 {
  if (char >= 0x30 && char <= 0x39) return char - 0x30
  const letter: u32 = char | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 16
}

function interfaces(): void {
  let netif: NetInterface | null = interfaceFirst()
  while (netif != null) {
    interfaceLine(netif)
    netif = netif.next
  }
}

function interfaceLine(netif: NetInterface): void {
  interfaceStatistics(netif, statistics)
  if (!logStart(Level.Info, 'console', 'interface')) return
  logText('if', netif.name as cstring)
  logMac('mac', netif.mac)
  if (netif.addressCount != 0) logIpv4Prefix('ip', netif.first.address, netif.first.prefixLength)
  logDecimal('mtu', netif.mtu)
  logText('state', netif.up ? 'up' : 'down')
  logText('link', netif.nic.linkUp ? 'up' : 'down')
  logDecimal64('received', statistics.receivedPackets)
  logDecimal64('transmitted', statistics.transmittedPackets)
  logDecimal64('receive_errors', statistics.receiveErrors)
  logDecimal64('transmit_errors', statistics.transmitErrors)
  logDecimal64('dropped', statistics.dropped)
  logEnd()
}

/** One echo request; the reply is a line of its own. A second ping may be asked for before the first is answered. */
function ping(): void {
  const target: Ipv4Address = addressIn(nth(words, 1).text as ptr, stringLength(nth(words, 1).text))
  if (target == 0) return report(Errno.InvalidArgument)
  if (session == null) session = echoOpen(answered, 0 as ptr)
  if (session == null) return report(Errno.NoSpace)
  sequence = (sequence + 1) & 0xffff
  const result: i32 = echoSend(session, target, sequence, PING_BYTES)
  if (result == Errno.None) return
  echoClose(session)
  session = null
  report(result)
}

function answered(from: EchoSession, packet: Packet, address: Ipv4Address, number: u32): void {
  if (!logStart(Level.Info, 'console', 'reply')) return
  logIpv4('from', address)
  logDecimal('sequence', number)
  logEnd()
}
