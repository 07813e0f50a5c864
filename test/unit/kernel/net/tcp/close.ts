// How connections end: RFC 9293 §3.6, §3.10.4, §3.10.7.4; RFC 1122 §4.2.2.13; RFC 6191 §2.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, scripted } from '../../../../wire/tcp-scripts.ts'

const TIME_WAIT = `
  ${OPEN}
  shutdown send
  > F. 1:1(0) ack 1
  < . 1:1(0) ack 2
  state = FIN-WAIT-2
  < F. 1:1(0) ack 2
  > . 2:2(0) ack 2
  state = TIME-WAIT
`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('RFC 9293 §3.6, figure 12: we close first', `
      ${TIME_WAIT}
      receive 10 = 0
      close
      +250 > *
      state = CLOSED
      kept = 0
    `)

    script('the peer closes first: its end is 0, and readable; LAST-ACK needs no TIME-WAIT', `
      ${OPEN}
      < F. 1:1(0) ack 1
      > . 1:1(0) ack 2
      state = CLOSE-WAIT
      events = In Out
      receive 10 = 0
      close
      > F. 1:1(0) ack 2
      state = LAST-ACK
      < . 2:2(0) ack 2
      state = CLOSED
      kept = 0
    `)

    script('half-close: what the peer still sends is read', `
      ${OPEN}
      shutdown send
      > F. 1:1(0) ack 1
      < . 1:1(0) ack 2
      < P. 1:1001(1000) ack 2
      +0~0.5 > . 2:2(0) ack 1001
      receive 2000 = 1000
      receive 2000 = WouldBlock
      send 10 = BrokenPipe
      < F. 1001:1001(0) ack 2
      > . 2:2(0) ack 1002
      receive 2000 = 0
      state = TIME-WAIT
    `)

    script('half-close from the peer: what we still send arrives', `
      ${OPEN}
      < F. 1:1(0) ack 1
      > . 1:1(0) ack 2
      send 1000 = 1000
      > P. 1:1001(1000) ack 2
      < . 2:2(0) ack 1001
      shutdown send
      > F. 1001:1001(0) ack 2
      < . 2:2(0) ack 1002
      state = CLOSED
      kept = 0
    `)

    script('RFC 9293 §3.6, figure 13: simultaneous close', `
      ${OPEN}
      shutdown send
      > F. 1:1(0) ack 1
      < F. 1:1(0) ack 1
      > . 2:2(0) ack 2
      state = CLOSING
      < . 2:2(0) ack 2
      state = TIME-WAIT
    `)

    script('RFC 9293 §3.10.7.4, fifth: only the acknowledgment of our FIN moves FIN-WAIT-1, CLOSING and LAST-ACK on', `
      ${OPEN}
      send 100 = 100
      > P. 1:101(100) ack 1
      shutdown send
      > F. 101:101(0) ack 1
      < . 1:1(0) ack 101
      state = FIN-WAIT-1
      < F. 1:1(0) ack 101
      > . 102:102(0) ack 2
      state = CLOSING
      < . 2:2(0) ack 101
      state = CLOSING
      < . 2:2(0) ack 102
      state = TIME-WAIT
      peer 5001
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < F. 1:1(0) ack 1
      > . 1:1(0) ack 2
      accept
      shutdown send
      > F. 1:1(0) ack 2
      < . 2:2(0) ack 1
      state = LAST-ACK
      < . 2:2(0) ack 2
      state = CLOSED
    `)

    script('a FIN goes behind the data, with the last of it', `
      ${OPEN}
      send 1000 = 1000
      > P. 1:1001(1000) ack 1
      send 500 = 500
      close
      +0~0.5 > FP. 1001:1501(500) ack 1
      < . 1:1(0) ack 1502
      state = FIN-WAIT-2
    `)

    script('a FIN with data: both are taken', `
      ${OPEN}
      < FP. 1:101(100) ack 1
      > . 1:1(0) ack 102
      receive 10 = 10
      receive 1000 = 90
      receive 1000 = 0
      state = CLOSE-WAIT
    `)

    script('a FIN before its data waits for it', `
      ${OPEN}
      < F. 101:101(0) ack 1
      > . 1:1(0) ack 1
      state = ESTABLISHED
      receive 10 = WouldBlock
      < P. 1:101(100) ack 1
      > . 1:1(0) ack 102
      state = CLOSE-WAIT
      receive 1000 = 100
      receive 1000 = 0
    `)

    script('AbortOnClose: RFC 9293 §3.10.5: closing resets, whatever is queued', `
      ${OPEN}
      set AbortOnClose 1
      send 100 = 100
      > P. 1:101(100) ack 1
      close
      > R. 101:101(0) ack 1
      state = CLOSED
      kept = 0
    `)

    script('RFC 1122 §4.2.2.13: closed with data unread, the peer is reset', `
      ${OPEN}
      < P. 1:101(100) ack 1
      +0~0.5 > . 1:1(0) ack 101
      close
      > R? 1:1(0)
      state = CLOSED
      kept = 0
    `)

    script('RFC 1122 §4.2.2.13: data after close is answered with a reset', `
      ${OPEN}
      close
      > F. 1:1(0) ack 1
      < . 1:1(0) ack 2
      < P. 1:101(100) ack 2
      > R? 2:2(0)
      state = CLOSED
      kept = 0
    `)

    script('a closed connection does not wait for a FIN that never comes', `
      ${OPEN}
      close
      > F. 1:1(0) ack 1
      < . 1:1(0) ack 2
      state = FIN-WAIT-2
      +300 > *
      state = CLOSED
      kept = 0
    `)

    script('a FIN is sent again; and a peer that is gone ends it', `
      ${OPEN}
      close
      > F. 1:1(0) ack 1
      +0.2~1 > F. 1:1(0) ack 1
      +0.4~2 > F. 1:1(0) ack 1
      +2000 > *
      state = CLOSED
      kept = 0
    `)

    script('RFC 9293 §3.10.7.4, eighth: the FIN again in TIME-WAIT is acknowledged, and two MSL begin anew', `
      ${TIME_WAIT}
      +40 < F. 1:1(0) ack 2
      > . 2:2(0) ack 2
      +40
      state = TIME-WAIT
      +300
      state = CLOSED
    `)

    script('RFC 1337 §3: a reset does not end TIME-WAIT', `
      ${TIME_WAIT}
      < R 2:2(0)
      state = TIME-WAIT
    `)

    script('RFC 9293 §3.6.1 MAY-2: a SYN beyond the window opens TIME-WAIT again, with a larger number of ours', `
      ${TIME_WAIT}
      close
      irs 368435456
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1
      state = ESTABLISHED
    `)

    script('RFC 6191 §2: a SYN with a later timestamp does, too, wherever it is', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, TS 100 ecr 0>
      > S. 0:0(0) ack 1 <mss 1460, TS 100>
      < . 1:1(0) ack 1 <TS 100>
      accept
      close
      > F. 1:1(0) ack 1
      < . 1:1(0) ack 2 <TS 101>
      < F. 1:1(0) ack 2 <TS 102>
      > . 2:2(0) ack 2 <TS 102>
      state = TIME-WAIT
      irs 200
      < S 0:0(0) win 65535 <mss 1460, TS 200 ecr 0>
      > S. 0:0(0) ack 1 <mss 1460, TS 200>
      state = SYN-RECEIVED
    `)

    script('RFC 6191 §2: an old duplicate SYN does not', `
      ${TIME_WAIT}
      < S -5:-5(0) win 65535 <mss 1460>
      > . 2:2(0) ack 2
      state = TIME-WAIT
    `)

    script('RFC 9293 §3.10.4: a connection that has not begun is just gone', `
      connect = InProgress
      > S 0:0(0)
      close
      state = CLOSED
      kept = 0
      < S. 0:0(0) ack 1
      > R 1:1(0)
    `)

    script('closing the listener resets who waits, and refuses who comes', `
      ${OPEN.replace('accept', '')}
      close l
      > R? 1:1(0)
      state = CLOSED
      kept = 0
      peer 5001
      < S 0:0(0) win 65535
      > R. 0:0(0) ack 1
    `)

    script('a reset is told once, then the end', `
      ${OPEN}
      < R 1:1(0)
      events = In Out Error HangUp
      receive 10 = ConnectionReset
      receive 10 = 0
      send 10 = BrokenPipe
      kept = 0
    `)

    script('what came before a reset is lost with it, and nothing is kept', `
      ${OPEN}
      send 1000 = 1000
      > P. 1:1001(1000) ack 1
      < P. 1:101(100) ack 1
      > *
      < P. 201:301(100) ack 1
      > *
      < R 101:101(0)
      error = ConnectionReset
      close
      kept = 0
    `)
  })
}
