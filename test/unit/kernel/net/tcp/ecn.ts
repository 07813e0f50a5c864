// Explicit congestion notification: asked for, accepted, marked, echoed, answered. RFC 3168 §6.1.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { burst, scripted } from '../../../../wire/tcp-scripts.ts'

/** A passive open with ECN and SACK, RTT 100 ms. */
const ACCEPTED = `
  listen 5
  < SEW 0:0(0) win 65535 <mss 1460, sackOK>
  > [noecn] SE. 0:0(0) ack 1 <mss 1460, sackOK>
  +0.1 < . 1:1(0) ack 1
  accept
`
const marked = (from: number, count: number): string => burst(from, count).replaceAll('> .', '> [ect0] .')

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string) => scripted(t, e, name, text)

    script('RFC 3168 §6.1.1: who connects asks by ECE and CWR, and the answer agrees by ECE', `
      tune Ecn 1
      connect = InProgress
      > [noecn] SEW 0:0(0) <...>
      < SE. 0:0(0) ack 1 win 65535 <mss 1460>
      > [noecn] . 1:1(0) ack 1
      send 1460 = 1460
      > [ect0] P. 1:1461(1460) ack 1
    `)

    for (const [answer, why] of [['S.', 'without ECE'], ['SEW.', 'with CWR, too: reflected by who knows nothing of it']]) {
      script(`RFC 3168 §6.1.1: the answer does not agree: ${why}`, `
        tune Ecn 1
        connect = InProgress
        > SEW 0:0(0) <...>
        < ${answer} 0:0(0) ack 1 win 65535 <mss 1460>
        > . 1:1(0) ack 1
        send 1460 = 1460
        > [noecn] P. 1:1461(1460) ack 1
        < [ce] P. 1:11(10) ack 1461
        +0~0.5 > [noecn] . 1461:1461(0) ack 11
      `)
    }

    script('RFC 3168 §6.1.1.1: a SYN that is sent again asks for nothing, and nothing is agreed on then', `
      tune Ecn 1
      connect = InProgress
      > SEW 0:0(0) <...>
      +0.9~1.1 > S 0:0(0) <...>
      < SE. 0:0(0) ack 1 win 65535 <mss 1460>
      > . 1:1(0) ack 1
      send 1460 = 1460
      > [noecn] P. 1:1461(1460) ack 1
    `)

    script('by default it is not asked for', `
      connect = InProgress
      > S 0:0(0) <...>
    `)

    script('who asks is accepted', `
      ${ACCEPTED}
      send 1460 = 1460
      > [ect0] P. 1:1461(1460) ack 1
    `)

    script('unless that is switched off', `
      tune Ecn 0
      listen 5
      < SEW 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 1460 = 1460
      > [noecn] P. 1:1461(1460) ack 1
    `)

    script('RFC 3168 §6.1.1.1: a SYN+ACK that is sent again agrees to nothing', `
      listen 5
      < SEW 0:0(0) win 65535 <mss 1460>
      > SE. 0:0(0) ack 1 <mss 1460>
      +0.9~1.1 > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 1460 = 1460
      > [noecn] P. 1:1461(1460) ack 1
    `)

    script('RFC 3168 §6.1.1: a SYN with ECE alone, or CWR alone, does not ask', `
      listen 5
      < SE 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 1460>
      peer 5001
      < SW 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 1460>
    `)

    script('RFC 3168 §6.1.3: congestion is echoed at once, and until CWR comes', `
      ${ACCEPTED}
      < [ce] P. 1:11(10) ack 1
      > [noecn] E. 1:1(0) ack 11
      < [ect0] P. 11:21(10) ack 1
      +0~0.5 > E. 1:1(0) ack 21
      send 1460 = 1460
      > [ect0] PE. 1:1461(1460) ack 21
      < [ect0] PW. 21:31(10) ack 1461
      +0~0.5 > . 1461:1461(0) ack 31
      < [ect0] P. 31:41(10) ack 1461
      +0~0.5 > . 1461:1461(0) ack 41
    `)

    script('RFC 3168 §6.1.3: CWR on what is marked itself: it is echoed anew', `
      ${ACCEPTED}
      < [ce] P. 1:11(10) ack 1
      > E. 1:1(0) ack 11
      < [ce] PW. 11:21(10) ack 1
      > E. 1:1(0) ack 21
    `)

    script('RFC 3168 §6.1.4: an acknowledgment with a mark says nothing', `
      ${ACCEPTED}
      < [ce] . 1:1(0) ack 1
      < P. 1:11(10) ack 1
      +0~0.5 > . 1:1(0) ack 11
    `)

    script('RFC 3168 §6.1.2: an echo costs what a loss costs, once in a round trip, and the next new data says CWR', `
      ${ACCEPTED}
      send 40880 = 40880
      ${marked(1, 10)}
      +0.1 < E. 1:1(0) ack 1461
      > [ect0] W. 14601:16061(1460) ack 1
      < E. 1:1(0) ack 2921
      > *
      < E. 1:1(0) ack 14601
      > *
      +0.1 < . 1:1(0) ack 16061
      > *
    `)

    script('RFC 3168 §6.1.5: what is sent again is not marked', `
      ${ACCEPTED}
      send 7300 = 7300
      ${marked(1, 5)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:7301>
      > [noecn] . 1:1461(1460) ack 1
    `)

    script('after the round trip another echo costs again', `
      ${ACCEPTED}
      send 43800 = 43800
      ${marked(1, 10)}
      +0.1 < E. 1:1(0) ack 14601
      > [ect0] W. 14601:16061(1460) ack 1
      > *
      +0.1 < . 1:1(0) ack 24821
      > *
      +0.1 < E. 1:1(0) ack 35041
      > [ect0] W. 35041:36501(1460) ack 1
      > *
    `)
  })
}
