// Westwood+: what a loss costs is the queue. Grieco and Mascolo, "Performance Evaluation and Comparison of Westwood+, New Reno, and
// Vegas TCP Congestion Control", 2004.
// Time limit: 120 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN_SACK, burst, scripted } from '../../../../wire/tcp-scripts.ts'

const SEGMENT = 1460
/** The window: ten segments are on their way at any time. */
const WINDOW = 10 * SEGMENT

/** Whole windows acknowledged `seconds` after they were sent, from the one behind `from` on, and the next one sent. */
function rounds(from: number, count: number, seconds: number): string {
  return Array.from({ length: count }, (_, i) => from + (i + 1) * WINDOW).map(ack => `
    send ${WINDOW} = ${WINDOW}
    +${seconds} < . 1:1(0) ack ${ack} win ${WINDOW}
    > *`).join('')
}

/**
 * Of the window behind `from` the first segment is lost. It goes again with what is new, `repair` segments in all, no more than have
 * arrived (RFC 9937 §6); when they are acknowledged `then` go, the growth of that round trip included.
 */
function loss(from: number, seconds: number, repair: number, then: number): string {
  const next = from + WINDOW + (repair - 1) * SEGMENT
  return `
    send ${2 * WINDOW} = ${2 * WINDOW}
    +${seconds} < . 1:1(0) ack ${from} win ${3 * WINDOW} <sack ${from + SEGMENT}:${from + WINDOW}>
    > . ${from}:${from + SEGMENT}(${SEGMENT}) ack 1
    ${burst(from + WINDOW, repair - 1)}
    +${seconds} < . 1:1(0) ack ${next} win ${3 * WINDOW}
    ${burst(next, then)}
  `
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const script = (name: string, text: string, options = {}) => scripted(t, e, name, text, options)
    const OPENED = `
      ${OPEN_SACK}
      set CongestionControl 2
      < . 1:1(0) ack 1 win ${WINDOW}
      set SendBufferSize 1000000
      send ${WINDOW} = ${WINDOW}
      > *
    `

    script('a loss where there is no queue: the window stays what it was', `
      ${OPENED}
      ${rounds(1, 5, 0.1)}
      ${loss(1 + 5 * WINDOW, 0.1, 9, 10)}
    `)

    script('a loss when the queue is as long as the path: half of it', `
      ${OPENED}
      ${rounds(1, 5, 0.1)}
      ${rounds(1 + 5 * WINDOW, 40, 0.2)}
      ${loss(1 + 45 * WINDOW, 0.2, 5, 6)}
    `)
  })
}
