// What a sender does beside repairing losses: how much it takes from its user, how much it hands down at once, what cwnd is
// let grow by, what holds it up. RFC 9937 §6; RFC 8985 §7.3; RFC 9438 §5.8; tcp(7), socket(7).
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'
import { NicFeature } from '../../../../wire/stack.ts'

const CUTS = { features: NicFeature.TransmitSegmentation }
const SMALL = `
  listen 5
  < S 0:0(0) win 65535 <mss 200, sackOK>
  > S. 0:0(0) ack 1 <mss 1460, sackOK>
`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('a segment that a card cuts is half of cwnd and of the window at most, and pushed', `
      ${SMALL}
      < . 1:1(0) ack 1
      accept
      send 3000 = 3000
      > P. 1:1001(1000) ack 1
      > P. 1001:2001(1000) ack 1
      < . 1:1(0) ack 2001 win 1200
      > P. 2001:3001(1000) ack 1
    `, CUTS)

    script('on a long path two full segments: what its rate brings up in a millisecond', `
      ${SMALL}
      +0.1 < . 1:1(0) ack 1
      accept
      send 1000 = 1000
      > P. 1:401(400) ack 1
      > P. 401:801(400) ack 1
      > P. 801:1001(200) ack 1
    `, CUTS)

    script('what was sent together, and is lost, is sent together again', `
      ${SMALL}
      +0.1 < . 1:1(0) ack 1
      accept
      send 2000 = 2000
      > *
      +0.1 < . 1:1(0) ack 201 <sack 1001:2001>
      > . 201:401(200) ack 1
      > P. 401:801(400) ack 1
      > . 801:1001(200) ack 1
    `, CUTS)

    script('RFC 9937 §6: while losses come to light no more is sent than has arrived', `
      ${OPEN_SACK}
      send 20440 = 20440
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1 <sack 5841:7301>
      > . 14601:16061(1460) ack 1
      < . 1:1(0) ack 1 <sack 5841:8761>
      > . 16061:17521(1460) ack 1
      < . 1:1(0) ack 1 <sack 5841:10221>
      > . 1:1461(1460) ack 1
      < . 1:1(0) ack 1 <sack 5841:11681>
      > . 1461:2921(1460) ack 1
    `)

    script('RFC 9937 §6: when SND.UNA moves and nothing more is lost, one segment more', `
      ${OPEN_SACK}
      send 29200 = 29200
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1 <sack 5841:7301>
      > . 14601:16061(1460) ack 1
      < . 1:1(0) ack 1 <sack 5841:8761>
      > . 16061:17521(1460) ack 1
      < . 1:1(0) ack 1 <sack 5841:14601>
      > *
      +0.1 < . 1:1(0) ack 1 <sack 5841:17521>
      > . 17521:18981(1460) ack 1
      > . 18981:20441(1460) ack 1
      < . 1:1(0) ack 1461 <sack 5841:17521>
      > . 20441:21901(1460) ack 1
      > . 21901:23361(1460) ack 1
    `)

    script('an acknowledgment that was overtaken still tells of later octets: RFC 2018 §5', `
      ${OPEN_SACK}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1461
      < . 1:1(0) ack 1 <sack 2921:7301>
      > . 1461:2921(1460) ack 1
    `)

    script('RFC 8985 §7.3: a loss probe is something new, if there is, whatever cwnd says', `
      ${OPEN_SACK}
      send 20440 = 20440
      ${burst(1, 10)}
      +0.2~0.21 > . 14601:16061(1460) ack 1
      +0.05 < . 1:1(0) ack 16061
      > *
    `)

    script('RFC 8985 §7.2: on a short path a loss probe goes after ten milliseconds, unless an acknowledgment may be delayed', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, sackOK>
      > S. 0:0(0) ack 1 <mss 1460, sackOK>
      +0.002 < . 1:1(0) ack 1
      accept
      send 2920 = 2920
      > . 1:1461(1460) ack 1
      > P. 1461:2921(1460) ack 1
      +0.01 > P. 1461:2921(1460) ack 1
      +0.002 < . 1:1(0) ack 2921 <sack 1461:2921>
      send 1460 = 1460
      > P. 2921:4381(1460) ack 1
      +0.2~0.21 > P. 2921:4381(1460) ack 1
    `)

    script('RFC 8985 §7.3: a FIN that was sent alone is probed for alone', `
      ${OPEN_SACK}
      send 2920 = 2920
      > . 1:1461(1460) ack 1
      > P. 1461:2921(1460) ack 1
      +0.01
      shutdown send
      > F. 2921:2921(0) ack 1
      +0.2~0.21 > F. 2921:2921(0) ack 1
    `)

    script('RFC 9438 §5.8: of cwnd no more than twice what is in use: 9 of 10 segments make it 18', `
      ${OPEN}
      send 13140 = 13140
      > *
      +0.1 < . 1:1(0) ack 2921
      < . 1:1(0) ack 5841
      < . 1:1(0) ack 8761
      < . 1:1(0) ack 11681
      < . 1:1(0) ack 13141
      send 40000 = 40000
      ${burst(13141, 18)}
    `)

    script('likewise 6 of 10 make it 12', `
      ${OPEN}
      send 8760 = 8760
      > *
      +0.1 < . 1:1(0) ack 2921
      < . 1:1(0) ack 5841
      < . 1:1(0) ack 8761
      send 40000 = 40000
      ${burst(8761, 12)}
    `)

    script('NotSentLow: no more than that waits to be sent, but for the chunk that is begun', `
      ${OPEN}
      < . 1:1(0) ack 1 win 20000
      get NotSentLow = 0
      set NotSentLow 4000
      get NotSentLow = 4000
      send 70000 = 46720
      ${burst(1, 10)}
      events =
      send 1 = WouldBlock
      < . 1:1(0) ack 14601 win 20000
      > *
      < . 1:1(0) ack 27741 win 20000
      > *
      < . 1:1(0) ack 40881 win 20000
      > *
      events = Out
    `)

    script('the send buffer: a chunk that is begun is taken whole, and a third has to be free again', `
      ${OPEN}
      < . 1:1(0) ack 1 win 20000
      set SendBufferSize 20000
      send 70000 = 33580
      ${burst(1, 10)}
      events =
      send 1 = WouldBlock
      < . 1:1(0) ack 2921 win 20000
      > *
      events =
      < . 1:1(0) ack 20441 win 20000
      > *
      events =
      < . 1:1(0) ack 21901 win 20000
      > *
      events = Out
    `)

    script('tcp(7), MSG_MORE: a small segment is held back, for a fifth of a second at most', `
      ${OPEN}
      set NoDelay 1
      more 100 = 100
      +0.2~0.21 > P. 1:101(100) ack 1
      < . 1:1(0) ack 101
      more 100 = 100
      more 100 = 100
      send 100 = 100
      > P. 101:401(300) ack 1
    `)

    script('MSG_MORE: an acknowledgment lets go what was held back, without PSH', `
      ${OPEN}
      set NoDelay 1
      more 3000 = 3000
      ${burst(1, 2)}
      +0.02 < . 1:1(0) ack 1461
      > . 2921:3001(80) ack 1
    `)

    script('data after shutdown(SHUT_RD) is kept and can be read, as on Linux', `
      ${OPEN}
      shutdown receive
      receive 1000 = 0
      < P. 1:101(100) ack 1
      > *
      receive 1000 = 100
      receive 1000 = 0
    `)

    script('data for a user who has closed: a reset that the peer must believe, RFC 5961 §3.2', `
      ${OPEN}
      send 100 = 100
      > P. 1:101(100) ack 1
      close
      > F. 101:101(0) ack 1
      < P. 1:11(10) ack 1
      > R 1:1(0)
      state = CLOSED
    `)

    script('what a sender waited for: the window, its user, the path', `
      ${OPEN}
      < . 1:1(0) ack 1 win 0
      waited = 0 0 0
      send 1460 = 1460
      +0.1 < . 1:1(0) ack 1 win 2000
      > P. 1:1461(1460) ack 1
      waited = 100 100 0
      +0.03 < . 1:1(0) ack 1461 win 60000
      waited = 130 100 0
      set SendBufferSize 2920
      send 10000 = 2920
      > *
      +0.03 < . 1:1(0) ack 4381 win 60000
      waited = 160 100 30
    `)

    script('where no card cuts the last of several full segments is pushed, too', `
      ${OPEN}
      set NoDelay 1
      send 3000 = 3000
      > . 1:1461(1460) ack 1
      > P. 1461:2921(1460) ack 1
      > P. 2921:3001(80) ack 1
    `)

    script('a card that takes nothing is tried twice a second, until its user has waited too long', `
      ${OPEN}
      set UserTimeout 4000
      card NoBufferSpace
      send 100 = 100
      +2.5 > *
      card None
      > P. 1:101(100) ack 1
      < . 1:1(0) ack 101
      card NoBufferSpace
      send 100 = 100
      +4.5 > *
      error = TimedOut
    `)

    const acked = (from: number, to: number): string =>
      Array.from({ length: to - from + 1 }, (_, i) => `< . 1:1(0) ack ${1 + (from + i) * 1460} win 65535\n> *`).join('\n')
    const ROUNDS = `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, wscale 3>
      > S. 0:0(0) ack 1 <mss 1460, ...>
      +0.1 < . 1:1(0) ack 1 win 65535
      accept
      set SendBufferSize 1000000
      send 65000 = 65000
      > *
      send 65000 = 65000
      send 65000 = 65000
      +0.1
      ${acked(1, 10)}
      +0.13
      ${acked(11, 18)}
    `

    script('RFC 9406 §4.2: a round trip that takes an eighth longer: cwnd grows a quarter as fast from the eighth sample on', `
      ${ROUNDS}
      ${acked(19, 30)}
      < P. 1:11(10) ack ${1 + 30 * 1460} win 65535
      +0~0.5 > . ${1 + 61 * 1460}:${1 + 61 * 1460}(0) ack 11
    `)

    script('RFC 9406 §4.2: if the next round is as fast as before slow start goes on', `
      ${ROUNDS}
      ${acked(19, 30)}
      +0.1
      ${acked(31, 41)}
      < P. 1:11(10) ack ${1 + 41 * 1460} win 65535
      +0~0.5 > . ${1 + 77 * 1460}:${1 + 77 * 1460}(0) ack 11
    `)

    script('on a long path 64 segments go in a millisecond, the rest in the next ones, whatever one acknowledgment lets go', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, wscale 3>
      > S. 0:0(0) ack 1 <mss 1460, ...>
      +0.1 < . 1:1(0) ack 1 win 65535
      accept
      set SendBufferSize 1000000
      send 65000 = 65000
      > *
      send 65000 = 65000
      send 65000 = 65000
      +0.1 < . 1:1(0) ack 14601 win 65535
      > *
      +0.1 < . 1:1(0) ack 43801 win 65535
      > *
      send 65000 = 65000
      send 65000 = 65000
      +0.1 < . 1:1(0) ack 102201 win 65535
      > *
      +0.01 > *
      send 65000 = 65000
      send 65000 = 65000
      +0.09 < . 1:1(0) ack 219001 win 65535
      ${burst(219001, 64)}
      +0.001 ${burst(312441, 64)}
      +0.001 ${burst(405881, 32)}
    `)
  })
}
