// Sequence numbers and timestamps wrap: RFC 9293 §3.4, RFC 7323 §5.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN_TIMES, burst, scripted } from '../../../../wire/tcp-scripts.ts'

const OPEN_AT = (irs: number): string => `
  listen 5
  irs ${irs}
  < S 0:0(0) win 65535 <mss 1460, sackOK>
  > S. 0:0(0) ack 1 <mss 1460, sackOK>
  < . 1:1(0) ack 1
  accept
`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    for (const irs of [0xffffffff, 0xfffffffe, 0xfffffc18, 0x7fffffff, 0x7ffffc18, 0]) {
      script(`the peer's numbers from 0x${irs.toString(16)} on: in order, out of order, to the end`, `
        ${OPEN_AT(irs)}
        < . 1:1001(1000) ack 1
        +0~0.5 > . 1:1(0) ack 1001
        < . 2001:3001(1000) ack 1
        > . 1:1(0) ack 1001 <sack 2001:3001>
        < . 501:2001(1500) ack 1
        > . 1:1(0) ack 3001 <>
        < R -5:-5(0)
        < . -500:-500(0) ack 1
        > . 1:1(0) ack 3001
        receive 10000 = 3000
        < F. 3001:3001(0) ack 1
        > . 1:1(0) ack 3002
        receive 10000 = 0
      `)
    }

    for (const before of [0, 1, 1000, 5000]) {
      scripted(t, e, `our own numbers past the wrap, ${before} before it: sent, lost, sent again, acknowledged`, 'listen 5', { more: (run, _, t) => {
        run.run('< S 0:0(0) win 65535\n> S. 0:0(0) ack 1\n< R 1:1(0)')
        const left = 0x100000000 - run.connection.iss! - before
        const quarter = Math.floor((left > 0 ? left : left + 0x100000000) / 250) // RFC 6528 §3: 250 numbers a millisecond
        for (let rest = quarter; rest > 0; rest -= 1_000_000) run.run(`+${Math.min(rest, 1_000_000) / 1000}`)
        run.run('< S 0:0(0) win 65535 <mss 1460, sackOK>\n> S. 0:0(0) ack 1\n+0.1 < . 1:1(0) ack 1\naccept')
        const wrapsAfter = 0x100000000 - run.connection.iss!
        t.ok(wrapsAfter >= before && wrapsAfter <= before + 250, `the wrap is ${wrapsAfter} octets away`)
        run.run(`
          send 14600 = 14600
          ${burst(1, 10)}
          +0.1 < . 1:1(0) ack 1 <sack 1461:14601>
          +0~0.05 > . 1:1461(1460) ack 1
          +0.1 < . 1:1(0) ack 14601
          shutdown send
          > F. 14601:14601(0) ack 1
          < . 1:1(0) ack 14602
          state = FIN-WAIT-2`)
      } })
    }

    script('RFC 7323 §5.3 R1: an old timestamp: not taken, and answered', `
      ${OPEN_TIMES}
      < P. 1:11(10) ack 1 <TS 200>
      +0~0.5 > . 1:1(0) ack 11 <TS 200>
      < P. 11:21(10) ack 1 <TS 199>
      > . 1:1(0) ack 11 <TS 200>
      receive 100 = 10
      receive 100 = WouldBlock
      < P. 11:21(10) ack 1 <TS 200>
      +0~0.5 > . 1:1(0) ack 21 <TS 200>
      receive 100 = 10
    `)

    script('RFC 7323 §5.2: a reset is not looked at for its timestamp', `
      ${OPEN_TIMES}
      < R 1:1(0) <TS 5>
      state = CLOSED
    `)

    script('RFC 7323 §5: timestamps wrap', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, TS 4294967290 ecr 0>
      > S. 0:0(0) ack 1 <mss 1460, TS 4294967290>
      < . 1:1(0) ack 1 <TS 4294967295>
      accept
      < P. 1:11(10) ack 1 <TS 3>
      +0~0.5 > . 1:1(0) ack 11 <TS 3>
      < P. 11:21(10) ack 1 <TS 4294967295>
      > . 1:1(0) ack 11 <TS 3>
      receive 100 = 10
    `)

    script('RFC 7323 §5.5: after 24 days of silence the old timestamp says nothing', `
      ${OPEN_TIMES}
      < P. 1:11(10) ack 1 <TS 2000000000>
      +0~0.5 > . 1:1(0) ack 11 <TS 2000000000>
      +2160000
      < P. 11:21(10) ack 1 <TS 100>
      +0~0.5 > . 1:1(0) ack 21 <TS 100>
    `)

    script('with Strict off a segment without timestamps is taken, as on Linux', `
      tune Strict 0
      ${OPEN_TIMES}
      < P. 1:11(10) ack 1
      +0~0.5 > . 1:1(0) ack 11 <TS 100>
      receive 100 = 10
    `)

    script('RFC 7323 §3.2: without the timestamp that was agreed on a segment is dropped; a reset is not', `
      ${OPEN_TIMES}
      < P. 1:11(10) ack 1
      > *
      +0.6 > *
      receive 100 = WouldBlock
      < R 1:1(0)
      state = CLOSED
    `)

    script('RFC 7323 §4.3: the timestamp that is echoed is that of the segment that moved RCV.NXT', `
      ${OPEN_TIMES}
      < P. 11:21(10) ack 1 <TS 300>
      > . 1:1(0) ack 1 <TS 100, ...>
      < P. 1:11(10) ack 1 <TS 250>
      > . 1:1(0) ack 21 <TS 250, ...>
    `)

    scripted(t, e, 'RFC 7323 §3.2: every segment has them; ours goes on with time', OPEN_TIMES, { more: (run, _, t) => {
      run.run('send 100 = 100\n> P. 1:101(100) ack 1 <TS 100>')
      const first = run.connection.timestamp
      run.run('< . 1:1(0) ack 101 <TS 200>\n+5\nsend 100 = 100\n> P. 101:201(100) ack 1 <TS 200>')
      const passed = run.connection.timestamp - first >>> 0
      t.ok(passed >= 5 && passed <= 5000 * 1000, `${passed} ticks in five seconds: §5.4, one to a thousand a millisecond`)
    } })
  })
}
