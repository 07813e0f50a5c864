// The words of iperf3's protocol. It has no specification but its program: version 3.12 of https://github.com/esnet/iperf,
// iperf_api.h and iperf_udp.c, and what its client and server tell of each other with -d.
//
//   client                                   server
//     | cookie, 37 bytes                       |   the control connection, TCP
//     |---------------------------------------->|
//     |                        ParamExchange   |   a signal is one byte
//     |  length, JSON: what is to be measured  |   a length is 4 bytes, most significant first
//     |                        CreateStreams   |
//     |== one connection each, the cookie =====>|   UDP: 4 bytes there, 4 back
//     |              TestStart, TestRunning    |
//     |  TestEnd                               |
//     |                     ExchangeResults    |
//     |  length, JSON          length, JSON    |
//     |                      DisplayResults    |
//     |  IperfDone                             |

import { wire, type Be, type u32 } from '../../lib/layout.ts'

/** The port, TCP and UDP. IANA: targus-getdata1, but iperf3's by use. */
export const IPERF3_PORT: u32 = 5201
/** 36 characters of the client's choice and a zero: what its other connections know each other by. */
export const COOKIE_LENGTH: u32 = 37

/** One byte on the control connection. */
export const enum Signal {
  TestStart = 1, TestRunning = 2, TestEnd = 4, ParamExchange = 9, CreateStreams = 10, ClientTerminate = 12,
  ExchangeResults = 13, DisplayResults = 14, IperfDone = 16, ServerError = 0xfe, AccessDenied = 0xff,
}

/** Behind Signal.ServerError, in 4 bytes; then 4 bytes of the server's errno. */
export const enum Refusal {
  None = 0, Duration = 5, Streams = 6, BlockSize = 7, Omit = 12, NoSctp = 18, UdpBlockSize = 20, Listen = 102, Parameters = 114,
}

/** What a UDP client sends to make its address known, and what it gets: the words of 3.12, and those from before. */
export const UDP_HELLO: u32 = 0x36373839
export const UDP_HELLO_BEFORE: u32 = 123_456_789
export const UDP_WELCOME: u32 = 0x39383736
export const UDP_WELCOME_BEFORE: u32 = 987_654_321

/** The beginning of each datagram: when it was sent, and the how-manieth it is, from 1 on. */
@wire(12)
export class DatagramHeader {
  seconds: Be<u32>
  microseconds: Be<u32>
  count: Be<u32>
}

/** The same with a count of 64 bits: the option udp_counters_64bit. */
@wire(16)
export class WideDatagramHeader {
  seconds: Be<u32>
  microseconds: Be<u32>
  countHigh: Be<u32>
  countLow: Be<u32>
}
