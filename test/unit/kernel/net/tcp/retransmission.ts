// What is lost is sent again: RFC 6298, RFC 5681 §3.2, RFC 6582, RFC 6675, RFC 8985; and what is never answered ends:
// RFC 9293 §3.8.3, RFC 1122 §4.2.3.6.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    scripted(t, e, 'RFC 6298 §5.5: the timeout doubles; RFC 9293 §3.8.3: for 100 seconds at least; then the user is told', `
      ${OPEN}
      send 1000 = 1000
      > P. 1:1001(1000) ack 1
    `, { more: (run, _, t) => {
      const times = [run.now]
      for (let i = 0; i < 7; i++) {
        const [at, text] = run.awaitAny(130_000)
        t.match(text, /^> P?\. 1:\d+\(\d+\) ack 1/) // all of it, or less of it: RFC 4821 §7.7
        times.push(at)
      }
      const gaps = times.slice(1).map((at, i) => at - times[i]!)
      t.ok(gaps[0]! >= 200 && gaps[0]! <= 1000, `the first after ${gaps[0]} ms`)
      t.same(gaps.slice(1).map((gap, i) => gap / gaps[i]!), Array.from({ length: 6 }, () => 2), `${gaps.join(' ')}`)
      run.tidy('+60 > *')
      run.run('error = None')
      run.tidy('+2000 > *')
      run.run('error = TimedOut\nstate = CLOSED\nkept = 0')
    } })

    script('RFC 6298 §5.3, §5.7: an acknowledgment of new data ends the doubling', `
      ${OPEN}
      send 1000 = 1000
      > P. 1:1001(1000) ack 1
      +0.2~1 > P. 1:1001(1000) ack 1
      +0.4~2 > P. 1:1001(1000) ack 1
      +0.05 < . 1:1(0) ack 1001
      send 1000 = 1000
      > P. 1001:2001(1000) ack 1
      +0.05 < . 1:1(0) ack 2001
      send 1000 = 1000
      > P. 2001:3001(1000) ack 1
      +0.2~1 > P. 2001:3001(1000) ack 1
    `)

    script('RFC 5681 §3.2: the third duplicate acknowledgment, not the second', `
      ${OPEN}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.05 < . 1:1(0) ack 1
      < . 1:1(0) ack 1
      < . 1:1(0) ack 1
      > . 1:1461(1460) ack 1
      +0.05 < . 1:1(0) ack 14601
      +3
    `)

    script('RFC 3042 §2: the first two let go a new segment each', `
      ${OPEN}
      send 20440 = 20440
      ${burst(1, 10)}
      +0.05 < . 1:1(0) ack 1
      > . 14601:16061(1460) ack 1
      < . 1:1(0) ack 1
      > . 16061:17521(1460) ack 1
      < . 1:1(0) ack 1
      > . 1:1461(1460) ack 1
    `)

    script('RFC 5681 §2: an acknowledgment with another window, or with data, is no duplicate', `
      ${OPEN}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.05 < . 1:1(0) ack 1 win 65000
      < . 1:1(0) ack 1 win 64000
      < . 1:1(0) ack 1 win 63000
      < . 1:1(0) ack 1 win 62000
      < P. 1:11(10) ack 1 win 62000
      +0~0.06 > *
    `)

    script('RFC 8985 §6.2: what is sent in one millisecond has an order: a retransmission is not overtaken by what went before it', `
      ${OPEN_SACK}
      send 20440 = 20440
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:2921>
      > . 14601:16061(1460) ack 1
      < . 1:1(0) ack 1 <sack 1461:4381>
      > . 16061:17521(1460) ack 1
      < . 1:1(0) ack 1 <sack 1461:5841>
      > . 1:1461(1460) ack 1
      < . 1:1(0) ack 1 <sack 1461:14601>
      > *
      +0.1 < . 1:1(0) ack 1 <sack 1461:16061>
      < . 1:1(0) ack 1 <sack 1461:17521>
      < . 1:1(0) ack 20441
      +3
    `)

    script('RFC 8985 §6.2, step 4: a duplicate that a timer has sent says nothing of the order of segments', `
      ${OPEN_SACK}
      send 2920 = 2920
      > . 1:1461(1460) ack 1
      > P. 1461:2921(1460) ack 1
      +0.2~0.21 > P. 1461:2921(1460) ack 1
      +0.05 < . 1:1(0) ack 2921 <sack 1461:2921>
      send 14600 = 14600
      > *
      +0.1 < . 1:1(0) ack 2921 <sack 4381:5841>
      < . 1:1(0) ack 2921 <sack 4381:7301>
      < . 1:1(0) ack 2921 <sack 4381:8761>
      > . 2921:4381(1460) ack 1
    `)

    const TIMES = `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, sackOK, TS 100 ecr 0>
      > S. 0:0(0) ack 1 <mss 1460, sackOK, TS 100>
      +0.1 < . 1:1(0) ack 1 <TS 200>
      accept
      send 4344 = 4344
      > . 1:1449(1448) ack 1 <...>
      > . 1449:2897(1448) ack 1 <...>
      > P. 2897:4345(1448) ack 1 <...>
    `
    const TIMEOUT = `
      +0.2~0.21 > P. 2897:4345(1448) ack 1 <...>
      +0.2~1 > . 1:1449(1448) ack 1 <...>
    `
    const PROBE = `
      send 4344 = 4344
      > *
      +0.19~0.21 > P. 7241:8689(1448) ack 1 <...>
    `

    script('RFC 6298 §3, Karn: what is acknowledged together with a retransmission measures nothing; the echoed timestamp does', `
      ${TIMES}
      ${TIMEOUT}
      +0.1 < . 1:1(0) ack 4345 <TS 900>
      ${PROBE}
    `)
    scripted(t, e, 'RFC 7323 §4.3: the echo in an answer to a duplicate is of what filled the window before, and measures nothing', TIMES, {
      more: run => {
        const first = run.connection.timestamp
        run.run(`${TIMEOUT}
          +0.1 < . 1:1(0) ack 4345 <TS 900 ecr ${first}, sack 1:1449>
          ${PROBE}`)
      },
    })

    script('RFC 6582 §3.2: a partial acknowledgment: the next one is lost, too', `
      ${OPEN}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.05 < . 1:1(0) ack 1
      < . 1:1(0) ack 1
      < . 1:1(0) ack 1
      > . 1:1461(1460) ack 1
      +0.05 < . 1:1(0) ack 2921
      > . 2921:4381(1460) ack 1
      +0.05 < . 1:1(0) ack 14601
      +3
    `)

    script('RFC 6675 §5, RFC 8985 §6.2: with SACK what is missing is sent, and nothing else', `
      ${OPEN_SACK}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:2921>
      < . 1:1(0) ack 1 <sack 1461:2921 4381:5841>
      < . 1:1(0) ack 1 <sack 1461:2921 4381:14601>
      +0~0.05 > . 1:1461(1460) ack 1
      +0~0.05 > . 2921:4381(1460) ack 1
      +0.1 < . 1:1(0) ack 14601
      +3
    `)

    script('a retransmission that is lost is noticed by RACK, long before the timeout: RFC 8985 §6.2', `
      ${OPEN_SACK}
      send 29200 = 29200
      ${burst(1, 10)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:14601>
      > . 1:1461(1460) ack 1
      > *
      +0.1 < . 1:1(0) ack 1 <sack 1461:16061>
      +0~0.06 > . 1:1461(1460) ack 1
      > *
    `)

    script('RFC 8985 §7: a lost tail is probed after two round trips', `
      ${OPEN_SACK}
      send 4380 = 4380
      ${burst(1, 3)}
      +0.2~0.25 > P. 2921:4381(1460) ack 1
      +0.1 < . 1:1(0) ack 1 <sack 2921:4381>
      +0~0.05 > . 1:1461(1460) ack 1
      +0.1 < . 1:1(0) ack 1461 <sack 2921:4381>
      > . 1461:2921(1460) ack 1
      +0.1 < . 1:1(0) ack 4381
      +3
    `)

    script('RFC 8985 §6.2: a little reordering is no loss', `
      ${OPEN_SACK}
      send 4380 = 4380
      ${burst(1, 3)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:2921>
      +0.01 < . 1:1(0) ack 2921
      +0.01 < . 1:1(0) ack 4381
      +3
    `)

    script('RFC 2018 §8: after a timeout what SACK said may be forgotten: all that is not acknowledged comes again', `
      ${OPEN_SACK}
      send 4380 = 4380
      ${burst(1, 3)}
      +0.1 < . 1:1(0) ack 1 <sack 1461:4381>
      +0~0.1 > . 1:1461(1460) ack 1
      +3 > *
      < . 1:1(0) ack 1461
      +3 > *
      < . 1:1(0) ack 4381
      +10
    `)

    script('RFC 5681 §3.1: after a timeout the window is one segment, then it doubles', `
      ${OPEN}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.2~1 > . 1:1461(1460) ack 1
      +0.02 < . 1:1(0) ack 1461
      > . 1461:2921(1460) ack 1
      > . 2921:4381(1460) ack 1
    `)

    script('RFC 1122 §4.2.3.6: keep-alive: after two hours, if asked for; an answer is enough', `
      ${OPEN}
      set KeepAlive 1
      +7200~7201 > . 0:0(0) ack 1
      < . 1:1(0) ack 1
      +7200~7201 > . 0:0(0) ack 1
      < . 1:1(0) ack 1
      state = ESTABLISHED
    `)

    script('RFC 1122 §4.2.3.6: nobody asked for it', `
      ${OPEN}
      +20000
      state = ESTABLISHED
    `)

    script('RFC 1122 §4.2.3.6: no answer to one probe is nothing, to all of them is the end', `
      ${OPEN}
      set KeepAlive 1
      +7200~7201 > . 0:0(0) ack 1
      +75~76 > . 0:0(0) ack 1
      state = ESTABLISHED
      +2000 > *
      state = CLOSED
      error = TimedOut
      kept = 0
    `)

    script('RFC 1191 §6.4: a router that says 576: smaller segments, at once or after the timeout', `
      ${OPEN}
      send 2920 = 2920
      ${burst(1, 2)}
      icmp 3 4 1 576
      +0~1 > . 1:537(536) ack 1
      > *
      state = ESTABLISHED
    `)

  })
}
