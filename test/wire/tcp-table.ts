// What TCP does with a segment: every state, every kind of segment, every place in the window. Written down from
// RFC 9293 §3.10.7 and RFC 5961, not from our code; each cell is a rule, and each rule names its clause.
//
// The segment's ACK field, where it has one, is SND.NXT: it acknowledges all there is. Its place is that of SEG.SEQ:
// ten octets left of RCV.NXT (wholly before it), at it, a hundred behind it, at RCV.NXT + RCV.WND. In SYN-SENT there is no
// window: there the place is that of SEG.ACK: ISS, SND.NXT, SND.NXT with another SEG.SEQ, SND.NXT + 1 (§3.10.7.3, first).
// In CLOSED and LISTEN any sequence number is like any other. An octet of data is five here.

import type { TcpStateName } from './tcp-stack.ts'

export const KINDS = ['SYN', 'SYN+ACK', 'ACK', 'RST', 'RST+ACK', 'FIN', 'FIN+ACK', 'data'] as const
export const PLACES = ['left of', 'at', 'in', 'right of'] as const
export type Kind = typeof KINDS[number]
export type Place = typeof PLACES[number]

/**
 * What is sent. `ack`: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. `taken`: the same with the segment's octets acknowledged, if not at once
 * then within half a second (RFC 9293 §3.8.6.3). `maybe`: that or nothing. `rst`: <SEQ=SEG.ACK><CTL=RST>.
 * `rst+ack`: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
 */
export type Answer = 'nothing' | 'ack' | 'maybe' | 'taken' | 'rst' | 'rst+ack' | 'syn+ack'

export interface Rule { answer: Answer, next: TcpStateName | 'same', clause: string }

const rule = (answer: Answer, next: Rule['next'], clause: string): Rule => ({ answer, next, clause })

export const RULES: Record<string, Rule> = {
  // CLOSED and LISTEN.
  c0: rule('nothing', 'same', 'RFC 9293 §3.10.7.1: a segment with a RST is discarded'),
  c1: rule('rst+ack', 'same', 'RFC 9293 §3.10.7.1: the ACK bit is off, sequence number zero is used'),
  c2: rule('rst', 'same', 'RFC 9293 §3.10.7.1: the ACK bit is on'),
  l0: rule('nothing', 'same', 'RFC 9293 §3.10.7.2, first: a RST is ignored'),
  l1: rule('rst', 'same', 'RFC 9293 §3.10.7.2, second: any acknowledgment is bad'),
  l2: rule('syn+ack', 'SYN-RECEIVED', 'RFC 9293 §3.10.7.2, third: a SYN'),
  l3: rule('nothing', 'same', 'RFC 9293 §3.10.7.2, fourth: neither SYN, ACK nor RST'),
  // SYN-SENT.
  s0: rule('rst', 'same', 'RFC 9293 §3.10.7.3, first: SEG.ACK =< ISS or SEG.ACK > SND.NXT'),
  s1: rule('nothing', 'same', 'RFC 9293 §3.10.7.3, first: as s0, but a RST is dropped'),
  s2: rule('nothing', 'CLOSED', 'RFC 9293 §3.10.7.3, second: a RST whose ACK is acceptable'),
  s3: rule('nothing', 'same', 'RFC 9293 §3.10.7.3, second: a RST without ACK'),
  s4: rule('ack', 'ESTABLISHED', 'RFC 9293 §3.10.7.3, fourth: our SYN has been acknowledged'),
  s5: rule('syn+ack', 'SYN-RECEIVED', 'RFC 9293 §3.10.7.3, fourth: otherwise, simultaneous open'),
  s6: rule('nothing', 'same', 'RFC 9293 §3.10.7.3, fifth: neither SYN nor RST'),
  // The other states: is the segment acceptable?
  u0: rule('ack', 'same', 'RFC 9293 §3.10.7.4, first: not acceptable'),
  u1: rule('nothing', 'same', 'RFC 9293 §3.10.7.4, first: not acceptable, and a RST: RFC 5961 §3.2 case 1'),
  // Resets.
  r0: rule('nothing', 'CLOSED', 'RFC 9293 §3.10.7.4, second: a RST at RCV.NXT: RFC 5961 §3.2 case 2'),
  r1: rule('ack', 'same', 'RFC 9293 §3.10.7.4, second: a RST elsewhere in the window: RFC 5961 §3.2 case 3'),
  r2: rule('nothing', 'LISTEN', 'RFC 9293 §3.10.7.4, second: SYN-RECEIVED after a passive open'),
  r3: rule('nothing', 'same', 'RFC 1337 §3: a RST does not end TIME-WAIT'),
  r4: rule('maybe', 'same', 'RFC 1337 §3, RFC 5961 §3.2 case 3: ignored, or challenged'),
  // SYNs.
  y0: rule('ack', 'same', 'RFC 9293 §3.10.7.4, fourth: a challenge, wherever it is: RFC 5961 §4.2'),
  y1: rule('nothing', 'LISTEN', 'RFC 9293 §3.10.7.4, fourth: SYN-RECEIVED after a passive open'),
  // Acknowledgments.
  n0: rule('nothing', 'same', 'RFC 9293 §3.10.7.4, fifth: the ACK bit is off'),
  a0: rule('nothing', 'same', 'RFC 9293 §3.10.7.4, fifth: acknowledged, nothing to say'),
  a1: rule('nothing', 'ESTABLISHED', 'RFC 9293 §3.10.7.4, fifth: SYN-RECEIVED, our SYN is acknowledged'),
  a2: rule('nothing', 'FIN-WAIT-2', 'RFC 9293 §3.10.7.4, fifth: FIN-WAIT-1, our FIN is acknowledged'),
  a3: rule('nothing', 'TIME-WAIT', 'RFC 9293 §3.10.7.4, fifth: CLOSING, our FIN is acknowledged'),
  a4: rule('nothing', 'CLOSED', 'RFC 9293 §3.10.7.4, fifth: LAST-ACK, our FIN is acknowledged'),
  a5: rule('maybe', 'same', 'RFC 9293 §3.10.7.4, fifth: TIME-WAIT expects nothing but the FIN again'),
  // Data.
  d0: rule('taken', 'same', 'RFC 9293 §3.10.7.4, seventh: in order'),
  d1: rule('ack', 'same', 'RFC 5681 §4.2: out of order, acknowledged at once'),
  d2: rule('taken', 'ESTABLISHED', 'RFC 9293 §3.10.7.4, fifth and seventh: SYN-RECEIVED'),
  d3: rule('ack', 'ESTABLISHED', 'RFC 9293 §3.10.7.4, fifth, RFC 5681 §4.2: SYN-RECEIVED, out of order'),
  d4: rule('taken', 'FIN-WAIT-2', 'RFC 9293 §3.10.7.4, fifth and seventh: FIN-WAIT-1'),
  d5: rule('ack', 'FIN-WAIT-2', 'RFC 9293 §3.10.7.4, fifth, RFC 5681 §4.2: FIN-WAIT-1, out of order'),
  d6: rule('maybe', 'same', 'RFC 9293 §3.10.7.4, seventh: should not occur, the text is ignored'),
  d7: rule('maybe', 'TIME-WAIT', 'RFC 9293 §3.10.7.4, fifth and seventh: CLOSING, the text is ignored'),
  // FINs.
  f0: rule('taken', 'CLOSE-WAIT', 'RFC 9293 §3.10.7.4, eighth: ESTABLISHED'),
  f1: rule('taken', 'CLOSE-WAIT', 'RFC 9293 §3.10.7.4, fifth and eighth: SYN-RECEIVED'),
  f2: rule('taken', 'TIME-WAIT', 'RFC 9293 §3.10.7.4, eighth: FIN-WAIT-1, our FIN is acknowledged; FIN-WAIT-2'),
  f3: rule('maybe', 'same', 'RFC 9293 §3.10.7.4, eighth: remain in the state'),
  f4: rule('maybe', 'TIME-WAIT', 'RFC 9293 §3.10.7.4, fifth and eighth: CLOSING'),
}

/** Rows as KINDS, columns as PLACES. */
const GRIDS: Record<TcpStateName, string> = {
  'CLOSED': `
    SYN      c1 c1 c1 c1
    SYN+ACK  c2 c2 c2 c2
    ACK      c2 c2 c2 c2
    RST      c0 c0 c0 c0
    RST+ACK  c0 c0 c0 c0
    FIN      c1 c1 c1 c1
    FIN+ACK  c2 c2 c2 c2
    data     c2 c2 c2 c2`,
  'LISTEN': `
    SYN      l2 l2 l2 l2
    SYN+ACK  l1 l1 l1 l1
    ACK      l1 l1 l1 l1
    RST      l0 l0 l0 l0
    RST+ACK  l0 l0 l0 l0
    FIN      l3 l3 l3 l3
    FIN+ACK  l1 l1 l1 l1
    data     l1 l1 l1 l1`,
  'SYN-SENT': `
    SYN      s5 s5 s5 s5
    SYN+ACK  s0 s4 s4 s0
    ACK      s0 s6 s6 s0
    RST      s3 s3 s3 s3
    RST+ACK  s1 s2 s2 s1
    FIN      s6 s6 s6 s6
    FIN+ACK  s0 s6 s6 s0
    data     s0 s6 s6 s0`,
  'SYN-RECEIVED': `
    SYN      u0 y1 y1 u0
    SYN+ACK  u0 y1 y1 u0
    ACK      u0 a1 a1 u0
    RST      u1 r2 r1 u1
    RST+ACK  u1 r2 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f1 d3 u0
    data     u0 d2 d3 u0`,
  'ESTABLISHED': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a0 a0 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f0 d1 u0
    data     u0 d0 d1 u0`,
  'FIN-WAIT-1': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a2 a2 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f2 d5 u0
    data     u0 d4 d5 u0`,
  'FIN-WAIT-2': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a0 a0 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f2 d1 u0
    data     u0 d0 d1 u0`,
  'CLOSE-WAIT': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a0 a0 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f3 f3 u0
    data     u0 d6 d6 u0`,
  'CLOSING': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a3 a3 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f4 f4 u0
    data     u0 d7 d7 u0`,
  'LAST-ACK': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a4 a4 u0
    RST      u1 r0 r1 u1
    RST+ACK  u1 r0 r1 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 a4 a4 u0
    data     u0 a4 a4 u0`,
  'TIME-WAIT': `
    SYN      y0 y0 y0 y0
    SYN+ACK  y0 y0 y0 y0
    ACK      u0 a5 a5 u0
    RST      u1 r3 r4 u1
    RST+ACK  u1 r3 r4 u1
    FIN      u0 n0 n0 u0
    FIN+ACK  u0 f3 f3 u0
    data     u0 d6 d6 u0`,
}

export interface Cell extends Rule { state: TcpStateName, kind: Kind, place: Place }

/** All cells of a state, row by row. */
export function cellsOf(state: TcpStateName): Cell[] {
  return GRIDS[state].trim().split('\n').flatMap((row, i) => {
    const [name, ...rules] = row.trim().split(/\s+/)
    const kind = KINDS[i]
    if (kind === undefined || name !== kind || rules.length !== PLACES.length) throw new Error(`${state}, row ${i}: ${row}`)
    return rules.map((each, column) => ({ state, kind, place: PLACES[column]!, ...RULES[each]! }))
  })
}

/** How a connection gets into a state; `shutdown`, not `close`: the user still listens. */
export const WAYS: Record<TcpStateName, string> = (() => {
  const received = '< S 0:0(0) win 65535\n> S. 0:0(0) ack 1\n'
  const established = `${received}< . 1:1(0) ack 1\naccept\n`
  const finWait1 = `${established}shutdown send\n> F. 1:1(0) ack 1\n`
  const closeWait = `${established}< F. 1:1(0) ack 1\n> . 1:1(0) ack 2\n`
  const connected = 'connect = InProgress\n> S 0:0(0)\n< S. 0:0(0) ack 1 win 65535\n> . 1:1(0) ack 1\n'
  return {
    'CLOSED': '',
    'LISTEN': '',
    'SYN-SENT': 'connect = InProgress\n> S 0:0(0)',
    'SYN-RECEIVED': received,
    'ESTABLISHED': established,
    'FIN-WAIT-1': finWait1,
    'FIN-WAIT-2': `${finWait1}< . 1:1(0) ack 2`,
    'CLOSE-WAIT': closeWait,
    'CLOSING': `${finWait1}< F. 1:1(0) ack 1\n> . 2:2(0) ack 2`,
    'LAST-ACK': `${closeWait}shutdown send\n> F. 1:1(0) ack 2`,
    'TIME-WAIT': `${connected}shutdown send\n> F. 1:1(0) ack 1\n< . 1:1(0) ack 2\n< F. 1:1(0) ack 2\n> . 2:2(0) ack 2`,
  }
})()

/** SND.NXT and RCV.NXT then, relative to the SYNs. */
export const NEXT: Record<TcpStateName, { send: number, receive: number }> = {
  'CLOSED': { send: 1, receive: 1 }, 'LISTEN': { send: 1, receive: 1 }, 'SYN-SENT': { send: 1, receive: 0 },
  'SYN-RECEIVED': { send: 1, receive: 1 }, 'ESTABLISHED': { send: 1, receive: 1 }, 'FIN-WAIT-1': { send: 2, receive: 1 },
  'FIN-WAIT-2': { send: 2, receive: 1 }, 'CLOSE-WAIT': { send: 1, receive: 2 }, 'CLOSING': { send: 2, receive: 2 },
  'LAST-ACK': { send: 2, receive: 2 }, 'TIME-WAIT': { send: 2, receive: 2 },
}
