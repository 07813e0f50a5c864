// Who is not on the path can not end, slow or fill a connection: RFC 5961 §3 to §7, RFC 5927 §4 to §7, RFC 9293 §3.10.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, burst, scripted } from '../../../../wire/tcp-scripts.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('RFC 5961 §3.2: only a reset at RCV.NXT resets; the answer to a challenge does', `
      ${OPEN}
      < R 1000:1000(0)
      > . 1:1(0) ack 1
      < R -1:-1(0)
      < R 2000000:2000000(0)
      state = ESTABLISHED
      < R 1:1(0)
      state = CLOSED
      error = ConnectionReset
    `)

    script('RFC 5961 §4.2: a SYN is challenged; a peer that has started anew resets then', `
      ${OPEN}
      irs 777777777
      < S 0:0(0) win 65535 <mss 1460>
      > . 1:1(0)
      irs 268435456
      < R 1:1(0)
      state = CLOSED
    `)

    script('RFC 5961 §5.2: data that acknowledges what is long past is not taken', `
      ${OPEN}
      < P. 1:6(5) ack -70000
      > . 1:1(0) ack 1
      receive 10 = WouldBlock
      < P. 1:6(5) ack 1
      +0~0.5 > . 1:1(0) ack 6
      receive 10 = 5
    `)

    script('RFC 5961 §5.2: nor what acknowledges what was never sent', `
      ${OPEN}
      < P. 1:6(5) ack 2
      > . 1:1(0) ack 1
      receive 10 = WouldBlock
    `)

    scripted(t, e, 'RFC 5961 §7: challenges are limited', OPEN, { more: (run, _, t) => {
      const answers = run.countAnswers('< S 500:500(0) win 65535', 5000)
      t.ok(answers >= 1 && answers < 2500, `${answers} answers to 5000 SYNs in one moment`)
      const resets = run.countAnswers('< R 500:500(0)', 5000)
      t.ok(resets < 2500, `${resets} to 5000 resets`)
      run.tidy('+5')
      run.run('< R 500:500(0)\n> . 1:1(0) ack 1')
    } })

    scripted(t, e, 'two peers that answer each other do not do it without end: RFC 5961 §7, acknowledgments of what is out of the window', OPEN, {
      more: (run, _, t) => {
        const answers = run.countAnswers('< . -100:-100(0) ack 1', 5000)
        t.ok(answers < 2500, `${answers} answers to 5000 acknowledgments from outside the window`)
      },
    })

    for (const [type, code, what] of [[3, 2, 'no such protocol'], [3, 3, 'no such port'], [3, 1, 'no such host'], [3, 0, 'no such network'],
      [11, 0, 'time exceeded'], [12, 0, 'parameter problem'], [4, 0, 'source quench'], [3, 13, 'prohibited']] as const) {
      script(`RFC 5927 §5.2, RFC 9293 §3.9.2.2: ICMP ${type}/${code}, ${what}, does not end a connection`, `
        ${OPEN}
        send 1000 = 1000
        > P. 1:1001(1000) ack 1
        icmp ${type} ${code} 1
        state = ESTABLISHED
        < . 1:1(0) ack 1001
        state = ESTABLISHED
        < P. 1:11(10) ack 1001
        +0~0.5 > . 1001:1001(0) ack 11
      `)
    }

    script('RFC 5461 §2, RFC 1122 §4.2.3.9: before there is a connection, no such port ends it', `
      connect = InProgress
      > S 0:0(0)
      icmp 3 3 0
      state = CLOSED
      error = ConnectionRefused
    `)

    script('RFC 1122 §4.2.3.9: no such host does not, at once', `
      connect = InProgress
      > S 0:0(0)
      icmp 3 1 0
      state = SYN-SENT
      +1 > S 0:0(0)
    `)

    script('RFC 5927 §4.1: an error about what was not sent is not believed', `
      connect = InProgress
      > S 0:0(0)
      icmp 3 3 5000
      icmp 3 3 -1
      state = SYN-SENT
      error = None
    `)

    script('RFC 5927 §7.2: nor is a path MTU', `
      ${OPEN}
      send 2920 = 2920
      ${burst(1, 2)}
      icmp 3 4 70000 576
      icmp 3 4 -5 576
      < . 1:1(0) ack 2921
      send 2920 = 2920
      ${burst(2921, 2)}
    `)

    scripted(t, e, 'RFC 5927 §7.3: a path MTU of next to nothing does not make next to nothing of segments', `
      ${OPEN}
      send 2920 = 2920
      ${burst(1, 2)}
    `, { more: (run, _, t) => {
      run.icmp(3, 4, 1, 68)
      const [, text] = run.awaitAny(2000)
      const length = Number(/\((\d+)\)/.exec(text)?.[1])
      t.ok(length >= 500, `${length} octets`)
    } })

    script('a checksum that is wrong is nothing at all: RFC 9293 §3.1 MUST-3', `
      ${OPEN}
      < R 1:1(0) {badsum}
      < P. 1:11(10) ack 1 {badsum}
      +1
      state = ESTABLISHED
      peer 5001
      < S 0:0(0) {badsum}
      +1
    `)

    script('RFC 9293 §3.10.7.1: nobody listens; a reset is never answered', `
      < S 0:0(0)
      > R. 0:0(0) ack 1
      < R 5:5(0)
      < R. 5:5(0) ack 9
      +1
    `)

    scripted(t, e, 'small acknowledgments of parts of octets make the window no larger than the octets do: RFC 5681 §3.1, RFC 3465 §2', OPEN, {
      more: (run, _, t) => {
        run.run(`send 100000 = 100000\n${burst(1, 10)}`)
        let answers = 0
        for (let i = 1; i <= 146; i++) answers += run.countAnswers(`< . 1:1(0) ack ${1 + i * 10}`, 1)
        t.ok(answers >= 1 && answers <= 3, `${answers} segments after one segment was acknowledged in 146 pieces`)
      },
    })
  })
}
