// Checksums over the pseudo headers of both families. RFC 768, RFC 8200 §8.1, RFC 1071 §1. Any context.

import { addEndAround } from '../../lib/intrinsics.ts'
import type { ptr, u32 } from '../../lib/layout.ts'
import { checksumOf, onesSum, onesSum16 } from '../checksum.ts'
import { AddressKind, type NetworkAddress } from './address.ts'

/** The sum of source, destination, protocol and length; both addresses are IPv4 or both IPv6. */
export function pseudoSumOf(source: NetworkAddress, destination: NetworkAddress, protocol: u32, length: u32): u32 {
  const bytes: u32 = source.kind == AddressKind.IPv6 ? 16 : 4
  const sum: u32 = onesSum(destination.octets, bytes, onesSum(source.octets, bytes, 0))
  return onesSum16(length & 0xffff, onesSum16(length >>> 16, onesSum16(protocol, sum)))
}

/** The checksum of `headerBytes` at `header`, an even number, and `count` bytes at `payload` behind them. */
export function transportChecksum(
  source: NetworkAddress, destination: NetworkAddress, protocol: u32, length: u32, header: ptr, headerBytes: u32,
  payload: ptr, count: u32,
): u32 {
  const pseudo: u32 = pseudoSumOf(source, destination, protocol, length)
  const data: u32 = onesSum(payload, count, 0)
  return checksumOf(addEndAround(onesSum(header, headerBytes, pseudo), data))
}
