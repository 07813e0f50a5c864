// Data in both directions while nothing is lost: acknowledgments, windows, small segments. RFC 9293 §3.7.4, §3.8.6;
// RFC 5681 §4.2; RFC 2018 §4; RFC 2883 §4.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN, OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('RFC 9293 §3.8.6.3 MUST-59: an acknowledgment waits less than half a second', `
      ${OPEN}
      < P. 1:101(100) ack 1
      +0~0.499 > . 1:1(0) ack 101
      receive 1000 = 100
      +1
      < P. 101:201(100) ack 1
      +0~0.499 > . 1:1(0) ack 201
    `)

    scripted(t, e, 'RFC 5681 §4.2: every second full-sized segment is acknowledged, at least', OPEN, { more: (run, _, t) => {
      const acknowledged = (): number => run.countAnswers(`< . ${sequence}:${sequence + 1460}(1460) ack 1`, 1)
      let sequence = 1
      let silent = 0
      for (; sequence < 30_000; sequence += 1460) {
        silent = acknowledged() > 0 ? 0 : silent + 1
        if (silent > 1) t.fail(`up to ${sequence} ${silent} wait for an acknowledgment`)
      }
    } })

    script('RFC 9293 §3.7.4: Nagle: a small segment waits while another is on its way', `
      ${OPEN}
      send 100 = 100
      > P. 1:101(100) ack 1
      send 100 = 100
      send 100 = 100
      +0.1
      < . 1:1(0) ack 101
      > P. 101:301(200) ack 1
    `)

    script('RFC 9293 §3.7.4: Nagle: what fills a segment does not wait', `
      ${OPEN}
      send 100 = 100
      > P. 1:101(100) ack 1
      send 1000 = 1000
      send 1000 = 1000
      > . 101:1561(1460) ack 1
      < . 1:1(0) ack 1561
      > P. 1561:2101(540) ack 1
    `)

    script('NoDelay: nothing waits', `
      ${OPEN}
      set NoDelay 1
      send 100 = 100
      > P. 1:101(100) ack 1
      send 100 = 100
      > P. 101:201(100) ack 1
      send 1 = 1
      > P. 201:202(1) ack 1
    `)

    script('turning Nagle off lets go what waited', `
      ${OPEN}
      send 100 = 100
      > P. 1:101(100) ack 1
      send 100 = 100
      set NoDelay 1
      > P. 101:201(100) ack 1
    `)

    script('RFC 9293 §3.8.6.2.1: no silly windows: a sliver of window is not used', `
      ${OPEN}
      < . 1:1(0) ack 1 win 3000
      send 20000 = 20000
      ${burst(1, 2)}
      < . 1:1(0) ack 2921 win 100
      +0.03
      < . 1:1(0) ack 2921 win 1459
      +0.03
      < . 1:1(0) ack 2921 win 2920
      ${burst(2921, 2)}
    `)

    script('RFC 9293 §3.8.6.2.1 (4): a small window that stays is used after 0.1 to 1 s', `
      ${OPEN}
      < . 1:1(0) ack 1 win 6000
      send 20000 = 20000
      ${burst(1, 4)}
      < . 1:1(0) ack 5841 win 1000
      +0.1~1 > . 5841:6841(1000) ack 1
      < . 1:1(0) ack 6841 win 0
      +0.1~2 > . 6840:6840(0) ack 1
      < . 1:1(0) ack 6841 win 400
      +0.1~4 > . 6841:7241(400) ack 1
    `)

    scripted(t, e, 'RFC 9293 §3.8.6.2.2: ours moves by half the buffer or a full segment, and never back', OPEN, { more: (run, subject, t) => {
      run.tidy('set RecvBufferSize 20000')
      let right = 1 + run.connection.window
      let sequence = 1
      for (let i = 0; i < 200; i++) {
        const room = right - sequence
        const length = Math.min(1460, room)
        if (length > 0) run.tidy(`< . ${sequence}:${sequence + length}(${length}) ack 1\n+0.5 > *`)
        sequence += Math.max(0, length)
        if (i % 3 === 0) run.tidy(`receive 700\n+0.5 > *`)
        const now = sequence + run.connection.window
        if (now < right) { t.fail(`the right edge moved back from ${right} to ${now}`); return }
        if (now !== right && now - right < 700) t.fail(`the right edge moved by ${now - right} only`)
        right = now
      }
      t.ok(sequence > 30_000, `${sequence} octets were sent in all`)
    } })

    scripted(t, e, 'RFC 9293 §3.8.6.1 MUST-36: a closed window is probed for as long as there are answers', `
      ${OPEN}
      < . 1:1(0) ack 1 win 0
      send 1000 = 1000
    `, { more: (run, _, t) => {
      let last = run.now
      const gaps: number[] = []
      for (let i = 0; i < 14; i++) {
        const [at] = run.awaitAny(130_000)
        gaps.push(at - last)
        last = at
        run.run('< . 1:1(0) ack 1 win 0')
      }
      t.ok(gaps[0]! >= 200 && gaps[0]! <= 1100, `the first after ${gaps[0]} ms: about the RTO, SHLD-29`)
      t.ok(gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]!), `with growing pauses (SHLD-30): ${gaps.join(' ')}`)
      t.ok(run.now > 300_000, `for ${run.now} ms`)
      run.run('< . 1:1(0) ack 1 win 65535\n> P. 1:1001(1000) ack 1')
    } })

    scripted(t, e, 'a closed window of ours: the probe is answered, and reading opens it', `
      ${OPEN}
      set RecvBufferSize 8192
    `, { more: (run, _, t) => {
      let sequence = 1
      for (let i = 0; i < 100 && run.connection.window > 0; i++) {
        const length = Math.min(1000, run.connection.window)
        run.tidy(`< . ${sequence}:${sequence + length}(${length}) ack 1\n+0.5 > *`)
        sequence += length
      }
      t.equal(run.connection.window, 0, 'the window closes')
      run.run(`< . ${sequence}:${sequence + 1}(1) ack 1\n> . 1:1(0) ack ${sequence} win 0`)
      run.tidy('receive 70000\n+0.5 > *')
      t.ok(run.connection.window >= 1460, `it is ${run.connection.window} when all was read`)
      run.tidy(`< . ${sequence}:${sequence + 1}(1) ack 1`)
      run.tidy('+0.5 > *')
      run.run('receive 10 = 1')
    } })

    script('out of order: held, and acknowledged at once: RFC 5681 §4.2', `
      ${OPEN}
      < . 101:201(100) ack 1
      > . 1:1(0) ack 1
      < . 201:301(100) ack 1
      > . 1:1(0) ack 1
      < . 1:101(100) ack 1
      > . 1:1(0) ack 301
      receive 1000 = 300
    `)

    script('overlaps: each octet once', `
      ${OPEN}
      < . 101:201(100) ack 1
      > . 1:1(0) ack 1
      < . 151:251(100) ack 1
      > . 1:1(0) ack 1
      < . 51:301(250) ack 1
      > . 1:1(0) ack 1
      < . 1:61(60) ack 1
      > . 1:1(0) ack 301
      < . 201:401(200) ack 1
      +0~0.5 > . 1:1(0) ack 401
      < . 1:401(400) ack 1
      > . 1:1(0) ack 401
      receive 1000 = 400
      receive 1000 = WouldBlock
    `)

    scripted(t, e, 'what lies beyond the window is not taken, the rest of its segment is', `
      ${OPEN}
      set RecvBufferSize 4096
    `, { more: (run, _, t) => {
      run.tidy('< . 1:1001(1000) ack 1\n+0.5 > *')
      const window = run.connection.window
      const end = 1001 + window + 500
      let sequence = 1001
      for (; end - sequence > 1460; sequence += 1460) run.tidy(`< . ${sequence}:${sequence + 1460}(1460) ack 1\n+0.5 > *`)
      run.tidy(`< . ${sequence}:${end}(${end - sequence}) ack 1\n+0.5 > *`)
      run.tidy('receive 70000')
      t.ok(run.connection.read >= 1000, `${run.connection.read} were read, and each was right`)
      t.ok(run.connection.read <= 1000 + window + 2920, 'hardly more than was offered')
    } })

    script('RFC 2018 §4: SACK: the latest block first; RFC 2883 §4: what came twice before all', `
      ${OPEN_SACK}
      < . 1461:2921(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:2921>
      < . 4381:5841(1460) ack 1
      > . 1:1(0) ack 1 <sack 4381:5841 1461:2921>
      < . 7301:8761(1460) ack 1
      > . 1:1(0) ack 1 <sack 7301:8761 4381:5841 1461:2921>
      < . 2921:4381(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:5841 7301:8761>
      < . 1461:2921(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:2921 1461:5841 7301:8761>
      < . 1:1461(1460) ack 1
      > . 1:1(0) ack 5841 <sack 7301:8761>
      < . 5841:7301(1460) ack 1
      > . 1:1(0) ack 8761 <>
      < . 1:1461(1460) ack 1
      > . 1:1(0) ack 8761 <sack 1:1461>
      receive 10000 = 8760
    `)

    script('no SACK where it was not agreed on', `
      ${OPEN}
      < . 101:201(100) ack 1
      > . 1:1(0) ack 1 <>
    `)

    script('RFC 6093 §3.2, RFC 9293 §3.8.5: urgent data is data', `
      ${OPEN}
      < PU. 1:101(100) ack 1 urg 50
      +0~0.5 > . 1:1(0) ack 101
      receive 1000 = 100
    `)

    script('RFC 9293 §3.8.2: PSH on the last of what was written', `
      ${OPEN}
      send 4000 = 4000
      ${burst(1, 2)}
      > P. 2921:4001(1080) ack 1
    `)

    script('discarded octets are read octets', `
      ${OPEN}
      < P. 1:1001(1000) ack 1
      +0~0.5 > . 1:1(0) ack 1001
      discard 400 = 400
      receive 1000 = 600
    `)

    scripted(t, e, 'the user sends more than there is room for: as many as are taken, then WouldBlock, then Out again', OPEN, { more: (run, subject, t) => {
      let taken = 0
      for (;;) {
        const [result = ''] = subject.socketCall('send', ['60000'], run)
        if (result === 'WouldBlock') break
        taken += Number(result)
        if (taken > 10_000_000) break
      }
      t.ok(taken >= 100_000 && taken < 10_000_000, `${taken} were taken`)
      run.tidy('+0 > *')
      run.run('events =')
      for (let acked = 1; acked < taken - 65_535; acked += 1460) run.tidy(`< . 1:1(0) ack ${Math.min(acked, 1 + taken)}`)
      run.run('events = Out')
    } })

    script('echo: acknowledgments ride on data', `
      ${OPEN}
      < P. 1:101(100) ack 1
      > *
      receive 1000 = 100
      send 100 = 100
      > P. 1:101(100) ack 101
      < P. 101:201(100) ack 101
      > *
      send 50 = 50
      > *
      +1 > *
      < . 201:201(0) ack 151
      receive 1000 = 100
      kept = 0
    `)

    scripted(t, e, 'senders, and who does not read, leave packets for acknowledgments to come in', 'listen 20', { packets: 128, more: (run, subject, t) => {
      const accepted = OPEN.replace('listen 5', '')
      for (let peer = 5000; peer < 5010; peer++) {
        run.run(`peer ${peer}\n${accepted}`)
        while (!subject.socketCall('send', ['60000'], run).includes('WouldBlock')) run.tidy('+0 > *')
        for (let i = 0; i < 40; i++) run.tidy(`< . ${1 + i * 1000}:${1001 + i * 1000}(1000) ack 1`)
        run.run('+0 > *')
      }
      const few = subject.stack.free
      const all = subject.stack.call('packetsTotal')
      t.ok(few >= all / 16 && few < all / 8, `${few} packets of ${all} are free`)
      run.run('peer 5000\n< . 40001:40001(0) ack 14601\n> *')
      t.ok(subject.stack.free > few, 'an acknowledgment gives some back')
    } })
  })
}
