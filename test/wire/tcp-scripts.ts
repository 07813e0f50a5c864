// A script as a test, on a stack of its own; and what many scripts begin with.

import type { Test } from 'tap'
import type { Engine } from '../engine-instance.ts'
import { ScriptRun } from './tcp-runner.ts'
import { TcpStack } from './tcp-stack.ts'

export type StackOptions = ConstructorParameters<typeof TcpStack>[1]

/** A passive open without options but the MSS; the connection is accepted. */
export const OPEN = `
  listen 5
  < S 0:0(0) win 65535 <mss 1460>
  > S. 0:0(0) ack 1 <mss 1460>
  < . 1:1(0) ack 1
  accept
`
/** With SACK; the answer to our SYN takes 100 ms, which is the first RTT. */
export const OPEN_SACK = `
  listen 5
  < S 0:0(0) win 65535 <mss 1460, sackOK>
  > S. 0:0(0) ack 1 <mss 1460, sackOK>
  +0.1 < . 1:1(0) ack 1
  accept
`
/** With timestamps, 100 being the peer's first. */
export const OPEN_TIMES = `
  listen 5
  < S 0:0(0) win 65535 <mss 1460, TS 100 ecr 0>
  > S. 0:0(0) ack 1 <mss 1460, TS 100>
  < . 1:1(0) ack 1 <TS 100>
  accept
`

/** `count` full segments from `from` on, as lines of a script. */
export function burst(from: number, count: number, acknowledgment = 1, size = 1460): string {
  return Array.from({ length: count }, (_, i) => from + i * size)
    .map(start => `> . ${start}:${start + size}(${size}) ack ${acknowledgment}`).join('\n')
}

/** Fail with what a script says, else pass. `more` goes on where it ended. */
export function scripted(t: Test, engine: Engine, name: string, script: string, options: StackOptions & {
  more?: (run: ScriptRun, subject: TcpStack, t: Test) => void
} = {}): void {
  t.test(name, async t => {
    const { more, ...rest } = options
    const subject = new TcpStack(engine, rest)
    try {
      const run = new ScriptRun(subject).run(script)
      more?.(run, subject, t)
      t.pass('as the script says')
    } catch (error) {
      t.fail((error as Error).message)
    }
  })
}
