// How long segments are: less when long ones seem to vanish, and longer again when a probe says that they do not. RFC 4821 §7.
// Time limit: 120 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'

/** Nothing that is sent arrives, three timeouts long: then segments of 524 octets do. */
const BLACK_HOLE = `
  ${OPEN_SACK}
  send 1460 = 1460
  > P. 1:1461(1460) ack 1
  +0.2~1 > P. 1:1461(1460) ack 1
  +0.2~1 > P. 1:1461(1460) ack 1
  +0.4~2 > P. 1:1461(1460) ack 1
  +0.8~4 > . 1:525(524) ack 1
  +0.1 < . 1:1(0) ack 1461
`

/** After a pause so much is sent that a probe comes first, which is lost alone, and is sent again in short segments. */
const lostProbe = (from: number): string => `
  +1.1
  send 3060 = 3060
  > . ${from}:${from + 1460}(1460) ack 1
  > *
  +0.1 < . 1:1(0) ack ${from} <sack ${from + 1460}:${from + 1572}>
  > *
  +0~0.05 > . ${from}:${from + 524}(524) ack 1
  > *
  +0.1 < . 1:1(0) ack ${from + 2096}
  > *
  +0.1 < . 1:1(0) ack ${from + 3060}
`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)

    script('RFC 4821 §7.6.1: a probe that arrives makes the others as long', `
      ${BLACK_HOLE}
      send 5840 = 5840
      > . 1461:2921(1460) ack 1
      > . 2921:3033(112) ack 1
      +0.1 < . 1:1(0) ack 3033
      > *
      +0.1 < . 1:1(0) ack 6177
      > *
      +0.1 < . 1:1(0) ack 7301
      send 14600 = 14600
      ${burst(7301, 4)}
    `)

    script('RFC 4821 §7.6.2: if only the probe is lost it is sent again in short segments, and cwnd stays as it is', `
      ${BLACK_HOLE}
      send 29200 = 29200
      > . 1461:2921(1460) ack 1
      > . 2921:3033(112) ack 1
      +0.1 < . 1:1(0) ack 1461 <sack 2921:3033>
      > . 3033:3557(524) ack 1
      +0.01~0.05 > . 1461:1985(524) ack 1
      > . 1985:2509(524) ack 1
      > . 2509:2921(412) ack 1
      +0.1 < . 1:1(0) ack 3557
      ${burst(3557, 7, 1, 524)}
    `)

    script('RFC 8899 §5.1.2: one length is tried three times; then the middle of what arrives and what does not', `
      ${BLACK_HOLE}
      ${lostProbe(1461)}
      send 3668 = 3668
      ${burst(4521, 7, 1, 524)}
      +0.1 < . 1:1(0) ack 8189
      ${lostProbe(8189)}
      ${lostProbe(11249)}
      +1.1
      send 5240 = 5240
      > . 14309:15301(992) ack 1
      > *
    `)
  })
}
