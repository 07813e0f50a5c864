// Options and headers that are wrong in every way: what can be read is, nothing breaks, the connection goes on.
// RFC 9293 §3.1, §3.2, MUST-4 to MUST-7; RFC 7323 §2.3; RFC 2018 §2.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { randomFrom } from '../../../../wire/garbage.ts'
import { OPEN, OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'

/** Bytes where options should be, and what is wrong with them. */
const MALFORMED: [raw: string, what: string][] = [
  ['02', 'a kind and no length'], ['0200', 'a length of 0'], ['0201', 'a length of 1'], ['0203b4', 'an MSS of three bytes'],
  ['020505b400', 'an MSS of five'], ['02ff05b4', 'longer than the header'], ['01010303', 'a window scale cut short'],
  ['030207', 'a window scale of two bytes'], ['03040707', 'a window scale of four'], ['040300', 'SACK permitted of three bytes'],
  ['0502', 'a SACK without blocks'], ['0509aaaaaaaaaaaaaa', 'a SACK of less than a block'], ['050b' + '00'.repeat(9), 'a SACK of more than one'],
  ['0822' + '00'.repeat(32), 'timestamps of 34 bytes'], ['0809' + '00'.repeat(7), 'timestamps cut short'], ['080a0000', 'timestamps beyond the header'],
  ['00020405b4', 'an MSS behind the end'], ['01'.repeat(40), 'forty NOPs'], ['fe02', 'an experiment'], ['fd28' + '00'.repeat(38), 'an unknown one of forty bytes'],
  ['13121234' + '00'.repeat(14), 'an MD5 signature'], ['2202', 'Fast Open'], ['1e04' + '0000', 'MPTCP'], ['0000000000000000', 'nothing but ends'],
]

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    for (const [raw, what] of MALFORMED) {
      script(`${what}: in a SYN, and in data`, `
        listen 5
        < S 0:0(0) win 65535 <raw ${raw}>
        > S. 0:0(0) ack 1 <mss 1460>
        < . 1:1(0) ack 1 <raw ${raw}>
        accept
        < P. 1:101(100) ack 1 <raw ${raw}>
        +0~0.5 > . 1:1(0) ack 101 <>
        receive 1000 = 100
        send 536 = 536
        > P. 1:537(536) ack 101
        < . 101:101(0) ack 537 <raw ${raw}>
        kept = 0
      `)
    }

    script('what stands before a malformed one counts', `
      listen 5
      < S 0:0(0) win 65535 <mss 900, raw 0200>
      > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 1800 = 1800
      ${burst(1, 2, 1, 900)}
    `)

    for (const mss of [0, 1, 7, 8, 63]) {
      scripted(t, e, `an MSS of ${mss}: the connection works, and does not send crumbs`, `
        listen 5
        < S 0:0(0) win 65535 <mss ${mss}>
        > S. 0:0(0) ack 1 <mss 1460>
        < . 1:1(0) ack 1
        accept
      `, { more: (run, subject, t) => {
        subject.socketCall('send', ['1000'], run)
        const [, text] = run.awaitAny(100)
        const length = Number(/\((\d+)\)/.exec(text)?.[1])
        t.ok(length >= 1 && length <= 1000, `${length} octets`)
        run.tidy('+10 > *')
        run.tidy('< . 1:1(0) ack 1001')
        run.run('state = ESTABLISHED')
      } })
    }

    script('an MSS larger than the link: 65535', `
      listen 5
      < S 0:0(0) win 65535 <mss 65535>
      > S. 0:0(0) ack 1 <mss 1460>
      < . 1:1(0) ack 1
      accept
      send 2920 = 2920
      ${burst(1, 2)}
    `)

    script('RFC 9293 §3.1: a data offset below five words, or beyond the segment', `
      ${OPEN}
      < P. 1:11(10) ack 1 {words 4}
      < P. 1:11(10) ack 1 {words 0}
      < P. 1:11(10) ack 1 {words 15}
      +1
      receive 100 = WouldBlock
      state = ESTABLISHED
    `)

    script('RFC 9293 §3.1: reserved bits are not looked at', `
      ${OPEN}
      < P. 1:11(10) ack 1 {reserved 15}
      +0~0.5 > . 1:1(0) ack 11
      receive 100 = 10
    `)

    script('options that belong into a SYN say nothing later', `
      ${OPEN}
      < . 1:1(0) ack 1 win 65535 <mss 100, wscale 14, sackOK>
      send 2920 = 2920
      ${burst(1, 2)}
      < P. 1:2(1) ack 2921 <mss 100>
      +0~0.5 > . 2921:2921(0) ack 2 <>
    `)

    script('RFC 2018 §5, RFC 6675 §4: SACK blocks that make no sense change nothing', `
      ${OPEN_SACK}
      send 14600 = 14600
      ${burst(1, 10)}
      +0.05 < . 1:1(0) ack 1 <sack 2921:1461>
      < . 1:1(0) ack 1461 <sack 20001:30001>
      < . 1:1(0) ack 2921 <sack -5000:-4000>
      < . 1:1(0) ack 4381 <sack 4381:4381>
      < . 1:1(0) ack 5841 <sack -2000000000:2000000000>
      < . 1:1(0) ack 14601
      state = ESTABLISHED
      +3
      kept = 0
    `)

    for (const flags of ['-', 'U', 'FS', 'SF.', 'SR', 'FSRPEWU.', 'FSRPEWU', 'P', 'FR', 'SFP']) {
      script(`control bits ${flags} to a listener, and to a connection: nothing breaks`, `
        ${OPEN}
        < ${flags} 1:1(0)${flags.includes('.') ? ' ack 1' : ''}
        > *
        peer 5001
        < ${flags} 0:0(0)${flags.includes('.') ? ' ack 1' : ''}
        > *
        +400 > *
        peer 5002
        < S 0:0(0) win 65535
        > S. 0:0(0) ack 1
        < . 1:1(0) ack 1
        accept other
      `)
    }

    scripted(t, e, 'random segments: nothing breaks, nothing is kept, and an honest peer still gets in', 'listen 20', { more: (run, _, t) => {
      const random = randomFrom(Number(process.env['SEED'] ?? 9293))
      for (let i = 0; i < 3000; i++) {
        run.choose(5000 + random(8))
        const flags = ['S', '.', 'P.', 'F.', 'S.', 'R', 'R.', 'F', '-', 'U.', 'SF'][random(11)]!
        const [sequence, length] = [random(400) - 100, random(3) === 0 ? random(200) : 0]
        const raw = Array.from({ length: random(4) * 4 }, () => random(256).toString(16).padStart(2, '0')).join('')
        run.tidy(`< ${flags} ${sequence}:${sequence + length}(${length}) ack ${random(6) - 2} win ${random(65_536)}${raw ? ` <raw ${raw}>` : ''}`)
        if (random(20) === 0) run.tidy(`+${random(3000) / 1000} > *`)
      }
      run.tidy('+4000 > *')
      run.choose(7000)
      run.tidy('close l')
      run.tidy('+4000 > *')
      run.run('kept = 0')
      run.choose(7001)
      run.run('listen 5\n< S 0:0(0) win 65535\n> S. 0:0(0) ack 1\n< . 1:1(0) ack 1\naccept')
      t.pass()
    } })
  })
}
