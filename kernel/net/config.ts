// What a value of `eth0=` means. docs/contract.md, "Kernel command line". Pure: text in, a struct or a reason out.
//
//   dhcp | off | A.B.C.D/N[,gw=A.B.C.D][,dns=A.B.C.D][,mtu=N][,promisc]

import { load8 } from '../lib/intrinsics.ts'
import { spells, stringLength } from '../lib/memory.ts'
import { plus, struct, type Stored, type bool, type cstring, type ptr, type u32, type u8 } from '../lib/layout.ts'
import { isHostOf, isUnicast, type Ipv4Address } from './ipv4/address.ts'

export const enum InterfaceMode { Dhcp, Off, Static }

/** How an interface is to be set up. */
@struct
export class InterfaceSpec {
  address: Ipv4Address
  prefixLength: u32
  gateway: Ipv4Address // 0 none
  dns: Ipv4Address // 0 none
  mtu: u32 // 0: the card's own
  mode: Stored<u8, InterfaceMode>
  promiscuous: Stored<u8, bool>
  reserved: u8
  reserved2: u8
}

/** Smallest MTU an IPv4 link may have: RFC 791 §3.2. */
export const SMALLEST_MTU: u32 = 68
/** What fits IPv4's total length. */
const LARGEST_MTU: u32 = 65535

const NOT_A_NUMBER: u32 = 0xffffffff
const CHAR_COMMA: u32 = 0x2c
const CHAR_DOT: u32 = 0x2e
const CHAR_SLASH: u32 = 0x2f
const CHAR_ZERO: u32 = 0x30

/** What nothing on the command line asks for. */
export function interfaceSpecDefault(spec: InterfaceSpec): void {
  spec.address = 0
  spec.prefixLength = 0
  spec.gateway = 0
  spec.dns = 0
  spec.mtu = 0
  spec.mode = InterfaceMode.Dhcp
  spec.promiscuous = false
}

/** Read a value. Returns null, with `spec` filled in, or what is wrong with it, with `spec` as by default. */
export function interfaceSpecParse(spec: InterfaceSpec, value: cstring): cstring | null {
  interfaceSpecDefault(spec)
  const text = value as ptr
  const length: u32 = stringLength(value)
  if (spells(text, length, 'dhcp')) return null
  if (spells(text, length, 'off')) {
    spec.mode = InterfaceMode.Off
    return null
  }
  const why = parseStatic(spec, text, length)
  if (why != null) interfaceSpecDefault(spec)
  return why
}

function parseStatic(spec: InterfaceSpec, text: ptr, length: u32): cstring | null {
  spec.mode = InterfaceMode.Static
  let end: u32 = fieldEnd(text, 0, length)
  const wrong = parsePrefix(spec, text, end)
  if (wrong != null) return wrong
  while (end < length) {
    const start: u32 = end + 1
    end = fieldEnd(text, start, length)
    const why = parsePart(spec, plus(text, start), end - start)
    if (why != null) return why
  }
  if (spec.gateway == spec.address) return 'the gateway is the address itself'
  return null
}

/** The index of the next comma from `start` on, or `length`. */
function fieldEnd(text: ptr, start: u32, length: u32): u32 {
  let i: u32 = start
  while (i < length && load8(text, i) != CHAR_COMMA) i += 1
  return i
}

/** A.B.C.D/N. */
function parsePrefix(spec: InterfaceSpec, text: ptr, length: u32): cstring | null {
  let slash: u32 = 0
  while (slash < length && load8(text, slash) != CHAR_SLASH) slash += 1
  if (slash == length) return 'expected dhcp, off or A.B.C.D/N'
  if (!parseAddress(spec, text, slash)) return 'not an IPv4 address'
  const prefix: u32 = parseNumber(plus(text, slash + 1), length - slash - 1, 32)
  if (prefix == NOT_A_NUMBER || prefix == 0) return 'prefix length is 1 to 32'
  if (!isHostOf(spec.address, prefix)) return 'not the address of a host'
  spec.prefixLength = prefix
  return null
}

/** gw=, dns=, mtu= or promisc. */
function parsePart(spec: InterfaceSpec, part: ptr, length: u32): cstring | null {
  if (spells(part, length, 'promisc')) {
    spec.promiscuous = true
    return null
  }
  if (length > 3 && spells(part, 3, 'gw=')) {
    spec.gateway = addressIn(plus(part, 3), length - 3)
    return isUnicast(spec.gateway) ? null : 'gw is not the address of a host'
  }
  if (length > 4 && spells(part, 4, 'dns=')) {
    spec.dns = addressIn(plus(part, 4), length - 4)
    return isUnicast(spec.dns) ? null : 'dns is not the address of a host'
  }
  if (length > 4 && spells(part, 4, 'mtu=')) {
    spec.mtu = parseNumber(plus(part, 4), length - 4, LARGEST_MTU)
    return spec.mtu == NOT_A_NUMBER || spec.mtu < SMALLEST_MTU ? 'mtu is 68 to 65535' : null
  }
  return 'expected gw=, dns=, mtu= or promisc'
}

function parseAddress(spec: InterfaceSpec, text: ptr, length: u32): boolean {
  spec.address = addressIn(text, length)
  return spec.address != 0
}

/** The address that `length` bytes spell in four decimal numbers; 0 for anything else. */
export function addressIn(text: ptr, length: u32): Ipv4Address {
  let result: u32 = 0
  let start: u32 = 0
  for (let octet: u32 = 0; octet < 4; octet++) {
    let end: u32 = start
    while (end < length && load8(text, end) != CHAR_DOT) end += 1
    if ((end == length) != (octet == 3)) return 0
    const value: u32 = parseNumber(plus(text, start), end - start, 255)
    if (value == NOT_A_NUMBER) return 0
    result = (result << 8) | value
    start = end + 1
  }
  return result
}

/** One to five decimal digits that make at most `most`, or NOT_A_NUMBER. */
function parseNumber(text: ptr, length: u32, most: u32): u32 {
  if (length == 0 || length > 5) return NOT_A_NUMBER
  let value: u32 = 0
  for (let i: u32 = 0; i < length; i++) {
    const digit: u32 = load8(text, i) - CHAR_ZERO
    if (digit > 9) return NOT_A_NUMBER
    value = value * 10 + digit
  }
  return value > most ? NOT_A_NUMBER : value
}
