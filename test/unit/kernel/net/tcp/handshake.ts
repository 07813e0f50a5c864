// How connections begin: RFC 9293 §3.5, §3.8.1, §3.10.1; RFC 6298 §2, §5; RFC 6528 §3; RFC 4987 §3.6.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, burst, scripted } from '../../../../wire/tcp-scripts.ts'

const CONNECTED = `
  connect = InProgress
  > S 0:0(0) <mss 1460, ...>
  < S. 0:0(0) ack 1 win 65535 <mss 1460>
  > . 1:1(0) ack 1 <>
`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('passive: LISTEN, SYN-RECEIVED, ESTABLISHED; the listener is readable when somebody waits', `
      listen 5
      accept = WouldBlock
      events l =
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 1460>
      state = SYN-RECEIVED
      accept = WouldBlock
      < . 1:1(0) ack 1
      state = ESTABLISHED
      events l = In
      accept
      events l =
      events = Out
      error = None
    `)

    script('RFC 9293 §3.5, figure 5: the third segment may carry data', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1
      < P. 1:101(100) ack 1
      +0~0.5 > . 1:1(0) ack 101
      accept
      receive 1000 = 100
      receive 1000 = WouldBlock
    `)

    script('the third segment may be lost when data follows it', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1
      < P. 101:201(100) ack 1
      > . 1:1(0) ack 1
      state = ESTABLISHED
      < P. 1:101(100) ack 1
      +0~0.5 > . 1:1(0) ack 201
      accept
      receive 1000 = 200
    `)

    script('active: SYN-SENT, ESTABLISHED', `
      ${CONNECTED}
      state = ESTABLISHED
      error = None
      events = Out
      connect = IsConnected
    `)

    script('active: nothing is sent and nobody is told before the answer', `
      connect = InProgress
      > S 0:0(0)
      events =
      connect = Already
      receive 10 = WouldBlock
    `)

    script('RFC 9293 §3.10.7.3: a reset that acknowledges our SYN refuses it', `
      connect = InProgress
      > S 0:0(0)
      < R. 0:0(0) ack 1
      error = ConnectionRefused
      state = CLOSED
    `)

    script('RFC 9293 §3.5, figure 7: simultaneous open', `
      connect = InProgress
      > S 0:0(0)
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 1460, ...>
      state = SYN-RECEIVED
      < S. 0:0(0) ack 1 win 65535 <mss 1460>
      > *
      state = ESTABLISHED
      error = None
      < P. 1:11(10) ack 1
      +0~0.5 > . 1:1(0) ack 11
      send 10 = 10
      > P. 1:11(10) ack 11
    `)

    script('RFC 9293 §3.5, figure 8: an old duplicate SYN', `
      listen 5
      irs 90000
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < R 1:1(0)
      state = CLOSED
      irs 100000
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1
      state = ESTABLISHED
    `)

    script('RFC 6298 §2.1, §5.5: a SYN again after 1, 2, 4 … seconds; RFC 9293 §3.8.3: for three minutes at least', `
      connect = InProgress
      > S 0:0(0)
      +1 > S 0:0(0)
      +2 > S 0:0(0)
      +4 > S 0:0(0)
      +8 > S 0:0(0)
      +16 > S 0:0(0)
      +32 > S 0:0(0)
      +60~64 > S 0:0(0)
      state = SYN-SENT
      +50 > *
      error = None
      +200 > *
      error = TimedOut
      state = CLOSED
    `)

    script('RFC 6298 §2.1: a SYN+ACK again after 1, 2, 4 seconds, and at some time no more', `
      listen 5
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      +1 > S. 0:0(0) ack 1
      +2 > S. 0:0(0) ack 1
      +4 > S. 0:0(0) ack 1
      +300 > *
      state = CLOSED
      accept = WouldBlock
      kept = 0
    `)

    script('RFC 9293 §3.10.7.4, fifth: in SYN-RECEIVED an acknowledgment of anything but our SYN is reset, and changes nothing', `
      listen 5
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 0
      > R 0:0(0)
      < . 1:1(0) ack 2
      > R 2:2(0)
      state = SYN-RECEIVED
      < . 1:1(0) ack 1
      state = ESTABLISHED
    `)

    script('a SYN that comes again is answered again', `
      listen 5
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1
      state = ESTABLISHED
    `)

    script('RFC 5681 §3.1: after a lost SYN the first window is one segment', `
      connect = InProgress
      > S 0:0(0)
      +1 > S 0:0(0)
      +2 > S 0:0(0)
      < S. 0:0(0) ack 1 win 65535 <mss 1460>
      > . 1:1(0) ack 1
      send 5840 = 5840
      > . 1:1461(1460) ack 1
    `)

    script('RFC 6928 §2: the first window is ten segments', `
      ${OPEN}
      send 30000 = 30000
      ${burst(1, 10)}
      < . 1:1(0) ack 2921
      ${burst(14601, 4)}
    `)

    script('RFC 9293 §3.7.1 MUST-16: no segment is larger than the peer says', `
      listen 5
      < S 0:0(0) win 65535 <mss 700>
      > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 1400 = 1400
      ${burst(1, 2, 1, 700)}
    `)

    script('RFC 9293 §3.7.1 MUST-15: without the option it is 536', `
      listen 5
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 1072 = 1072
      ${burst(1, 2, 1, 536)}
    `)

    script('RFC 9293 §3.7.1: what we say follows the MTU', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460>
      > S. 0:0(0) ack 1 <mss 960>
      < . 1:1(0) ack 1
      accept
      send 1920 = 1920
      ${burst(1, 2, 1, 960)}
    `, { mtu: 1000 })

    script('RFC 7323 §2.2: the peer scales; its SYN does not', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, wscale 7>
      > S. 0:0(0) ack 1 <mss 1460, ...>
      < . 1:1(0) ack 1 win 23
      accept
      send 14600 = 14600
      > . 1:1461(1460) ack 1
      > . 1461:2921(1460) ack 1
      +0.01 < . 1:1(0) ack 2921 win 12
      > . 2921:4381(1460) ack 1
    `)

    script('RFC 7323 §2.3: a shift above 14 is 14', `
      listen 5
      < S 0:0(0) win 65535 <mss 1460, wscale 200>
      > S. 0:0(0) ack 1 <mss 1460, ...>
      < . 1:1(0) ack 1 win 1
      accept
      send 14600 = 14600
      ${burst(1, 10)}
    `)

    script('RFC 7323 §2.2, §3.2, RFC 2018 §2: nothing is offered in answer that was not asked for', `
      listen 5
      < S 0:0(0) win 65535
      > S. 0:0(0) ack 1 <mss 1460>
      peer 5001
      < S 0:0(0) win 65535 <mss 1460, TS 7 ecr 0>
      > S. 0:0(0) ack 1 <mss 1460, TS 7>
      peer 5002
      < S 0:0(0) win 65535 <mss 1460, sackOK>
      > S. 0:0(0) ack 1 <mss 1460, sackOK>
    `)

    script('RFC 7323 §3.2: a SYN+ACK without timestamps turns them off', `
      ${CONNECTED}
      send 100 = 100
      > P. 1:101(100) ack 1 <>
    `)

    script('data in a SYN is not lost: it is taken later, or sent again', `
      listen 5
      < S 0:10(10) win 65535 <mss 1460>
      > S. 0:0(0)
      state = SYN-RECEIVED
    `)

    scripted(t, e, 'RFC 6528 §3: the initial sequence number follows a clock of 4 µs, by connection', 'listen 5', { more: (run, _, t) => {
      const issAt = (port: number): number => {
        run.choose(port)
        run.run('< S 0:0(0) win 65535\n> S. 0:0(0) ack 1\n< R 1:1(0)')
        return run.connection.iss!
      }
      const [first, other] = [issAt(5000), issAt(5001)]
      run.run('+10')
      const [second, later] = [issAt(5000), issAt(5001)]
      t.equal(second - first >>> 0, 2_500_000)
      t.equal(later - other >>> 0, 2_500_000)
      t.ok(Math.abs(other - first | 0) > 100_000, 'another connection has numbers of its own')
    } })

    scripted(t, e, 'no more wait than the backlog lets, and the next one may come when one was accepted', 'listen 2', { more: (run, subject, t) => {
      for (let port = 5000; port < 5010; port++) {
        run.choose(port)
        run.tidy('< S 0:0(0) win 65535')
        if (run.connection.iss !== undefined) run.tidy('< . 1:1(0) ack 1')
      }
      run.tidy('+200 > *')
      let accepted = 0
      while (subject.socketCall('accept', [`c${accepted}`], run)[0] === '0') accepted++
      t.ok(accepted >= 2 && accepted <= 3, `${accepted} had waited`)
      run.choose(5500)
      run.run('< S 0:0(0) win 65535\n> S. 0:0(0) ack 1\n< . 1:1(0) ack 1\naccept last')
    } })

    scripted(t, e, 'RFC 4987 §3.6: under a flood of SYNs who answers still gets in; who guesses does not', 'listen 100', { more: (run, subject, t) => {
      for (let port = 10_000; port < 13_000; port++) {
        run.choose(port)
        run.tidy('< S 0:0(0) win 65535 <mss 1460>')
      }
      const kept = subject.free - subject.stack.free
      t.ok(kept < 600, `${kept} packet buffers are held`)
      run.choose(20_000)
      run.run(`
        < S 0:0(0) win 65535 <mss 1000>
        > S. 0:0(0) ack 1
        < . 1:1(0) ack 1
        accept
        send 100 = 100
        > P. 1:101(100) ack 1
        < P. 1:11(10) ack 101
        > *
        receive 100 = 10`)
      run.tidy()
      run.choose(20_001)
      run.run(`
        < S 0:0(0) win 65535 <mss 1000>
        > S. 0:0(0) ack 1
        < . 1:1(0) ack 77777
        > R 77777:77777(0)
        accept other = WouldBlock`)
    } })
  })
}
