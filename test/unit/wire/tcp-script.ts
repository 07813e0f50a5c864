// The script runner by itself: scripts are read as they are meant, and against a peer that is a list of answers what is
// wrong with an answer is found, each kind of wrong by itself.

import t from 'tap'
import { type Bytes } from '../../wire/bytes.ts'
import { type Decoded, EtherType, Protocol, decode, ethernet, icmp, ipv4 } from '../../wire/frames.ts'
import { GUEST, PEER } from '../../wire/stack.ts'
import { type TcpFields, decodeTcp, flagsOf, tcp } from '../../wire/tcp.ts'
import { ScriptFailure, ScriptRun, type Subject } from '../../wire/tcp-runner.ts'
import { ownData, parseScript, peerData, segmentText } from '../../wire/tcp-script.ts'

t.test('a script is read', async t => {
  const steps = parseScript(`
    # a comment
    listen 5
    +0.25 < S 0:0(0) win 1000 <mss 1460, sackOK, TS 7, wscale 2> {badsum, port 99}   # another
    +0.9~1.1 > S. 0:0(0) ack 1 <mss 1460, ...>
    +2
    send c 1000 = WouldBlock
    > *
    > icmp 3/3
  `)
  t.same(steps.map(({ kind }) => kind), ['call', 'inject', 'expect', 'wait', 'call', 'skip', 'expectIcmp'])
  t.match(steps[0], { line: 3, name: 'listen', words: ['5'], result: undefined })
  t.match(steps[1], { time: { from: 250, to: 250 }, segment: { flags: 2, sequence: 0, length: 0, window: 1000, but: { badsum: 1, port: 99 },
    options: [{ kind: 'mss', value: 1460 }, { kind: 'sackOK' }, { kind: 'TS', value: 7, echo: -1 }, { kind: 'wscale', shift: 2 }] } })
  t.match(steps[2], { time: { from: 900, to: 1100 }, segment: { flags: 0x12, acknowledgment: 1, window: undefined, moreOptions: true } })
  t.match(steps[4], { words: ['c', '1000'], result: ['WouldBlock'] })
})

t.test('what is not a script is refused, with its line', async t => {
  for (const [script, why] of [
    ['< S 0:1(0)', /line 1: .* not of length 0/], ['\n> S 0:0', /line 2: .*not a segment/], ['< X 0:0(0)', /not a segment/],
    ['< . *(0)', /has a sequence number/], ['> . 0:0(0) {badsum}', /for what is injected/], ['< S 0:0(0) <mess 1>', /no option is called mess/],
    ['+1~2 < S 0:0(0)', /one time/],
  ] as const) t.throws(() => parseScript(script), { message: why }, script)
})

t.test('a segment is written as it is read', async t => {
  for (const line of ['S 0:0(0)', 'FP. 1:11(10) ack 5 win 7 urg 3 <mss 9, TS 1 ecr 2, sack 1:5 9:12, raw 0201>', '- -5:-5(0)']) {
    const step = parseScript(`> ${line}`)[0]!
    t.equal(step.kind === 'expect' && segmentText(step.segment), line)
  }
})

t.test('data follows from its place', async t => {
  t.same(peerData(100, 50), peerData(0, 200).subarray(100, 150))
  t.not(Buffer.compare(ownData(0, 256), ownData(256, 256)), 0, 'what is 256 octets out of place is seen')
  t.not(Buffer.compare(ownData(0, 100), peerData(0, 100)), 0)
})

const ISS = 0xfffffffe

/** A segment of a connection to the peer's port 5000. */
function segment(fields: Partial<TcpFields>, payload: Bytes = new Uint8Array(0), from = GUEST.ip): Bytes {
  return ethernet({ destination: PEER.mac, source: GUEST.mac, type: EtherType.Ipv4 }, ipv4({ source: from, destination: PEER.ip, protocol: Protocol.Tcp },
    tcp({ source: from, destination: PEER.ip, sourcePort: 8080, destinationPort: 5000, ...fields }, payload)))
}

/** Answers the nth frame with the nth answer; after `late` milliseconds comes what is said then. */
class Answering implements Subject {
  readonly heard: Decoded[] = []
  private out: Bytes[] = []
  private now = 0

  constructor(private readonly answers: Bytes[][], private readonly late: { at: number, frame: Bytes }[] = []) {}

  receive(frame: Bytes): void {
    this.heard.push(decode(frame))
    this.out.push(...this.answers.shift() ?? [])
  }

  takeSent(): Bytes[] { return this.out.splice(0) }
  untilTimer(): number { return Math.min(0xffffffff, ...this.late.map(({ at }) => at - this.now).filter(left => left > 0)) }

  advance(milliseconds: number): void {
    this.now += milliseconds
    this.out.push(...this.late.filter(({ at }) => at === this.now).map(({ frame }) => frame))
  }

  socketCall(name: string, words: string[]): string[] {
    if (name === 'break') throw new Error('broken')
    return words
  }
}

const SYN_ACK = segment({ sequence: ISS, acknowledgment: 0x10000001, flags: flagsOf('S.'), window: 1234,
  options: [{ kind: 'mss', value: 1460 }, { kind: 'nop' }, { kind: 'wscale', shift: 5 }, { kind: 'TS', value: 500, echo: 7 }] })
const OPENING = '< S 0:0(0) <mss 1460>\n'
const HELLO = segment({ sequence: 1, acknowledgment: 0x10000001, flags: flagsOf('P.') }, ownData(3, 5))

/** What running a script against answers says is wrong. */
function complaint(script: string, answers: Bytes[][] = [[SYN_ACK]], late: { at: number, frame: Bytes }[] = []): string {
  try {
    new ScriptRun(new Answering(answers, late)).run(script)
    return ''
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error
    return error.message
  }
}

t.test('what is as expected passes', async t => {
  t.equal(complaint(`${OPENING}> S. 0:0(0) ack 1 win 1234 <mss 1460, wscale 5, TS 7>`), '')
  t.equal(complaint(`${OPENING}> S. 0:0(0) ack 1 <wscale 5, ...>`), '')
  t.equal(complaint(`${OPENING}> S. *(0)`), '')
  t.equal(complaint(`${OPENING}> S? 0:0(0)`), '', 'with an ACK or without')
  t.equal(complaint(`${OPENING}> *`), '')
  t.equal(complaint(`${OPENING}> *\n< . 1:1(0) ack 1\n> . 3:8(5) ack 1`, [[SYN_ACK], [HELLO]]), '', 'past the wrap of sequence numbers')
  t.equal(complaint(`${OPENING}> *\n+2\n+1 > . 3:8(5) ack 1`, [[SYN_ACK]], [{ at: 3000, frame: HELLO }]), '')
  t.equal(complaint(`${OPENING}> *\n+2.9~3.1 > . 3:8(5)`, [[SYN_ACK]], [{ at: 3000, frame: HELLO }]), '')
  t.equal(complaint('send 5 = 5\nsend WouldBlock = WouldBlock'), '')
})

t.test('what is not is found', async t => {
  const wrong = (line: string) => complaint(`${OPENING}> ${line}`)
  t.match(wrong('S 0:0(0)'), /other control bits/)
  t.match(wrong('S. 1:1(0)'), /another sequence/)
  t.match(wrong('S. 0:0(0) ack 2'), /another acknowledgment/)
  t.match(wrong('S. 0:0(0) win 1'), /another window/)
  t.match(wrong('S. 0:1(1)'), /another length/)
  t.match(wrong('SP. 0:0(0)'), /other control bits/)
  t.match(wrong('S. 0:0(0) <mss 1460>'), /other options/)
  t.match(wrong('S. 0:0(0) <mss 1461, ...>'), /other options/)
  t.match(wrong('S. 0:0(0) <TS 8, ...>'), /other options/)
  t.match(wrong('icmp 3/3'), /something else/)
  t.match(complaint(OPENING), /not expected: > S\. 0:0\(0\) ack 1 win 1234/)
  t.match(complaint(`${OPENING}+1`), /not expected/)
  t.match(complaint(`${OPENING}> *\n> .  0:0(0)`), /nothing came/)
  t.match(complaint('send 5 = 6'), /it is 5/)
  t.match(complaint('send WouldBlock'), /refused: WouldBlock/)
  t.match(complaint('break'), /broken/)
})

t.test('what is wrong with any segment is found', async t => {
  const wrong = (frame: Bytes, line = '. *(5)') => complaint(`${OPENING}> *\n< . 1:1(0) ack 1\n> ${line}`, [[SYN_ACK], [frame]])
  const good = { sequence: 1, acknowledgment: 0x10000001, flags: flagsOf('.') }
  t.equal(wrong(segment(good, ownData(3, 5))), '')
  t.match(wrong(segment(good, ownData(4, 5))), /data that nobody sent/)
  t.match(wrong(segment({ ...good, checksum: 1 }, ownData(3, 5))), /a wrong checksum/)
  t.match(wrong(segment({ ...good, reserved: 1 }, ownData(3, 5))), /reserved bits/)
  t.match(wrong(segment({ ...good, destinationPort: 5001 }, ownData(3, 5))), /another connection/)
  t.match(wrong(segment({ ...good, sourcePort: 1 }, ownData(3, 5))), /from port 1/)
  t.match(wrong(segment(good, ownData(3, 5), '10.0.0.3')), /from 10\.0\.0\.3/)
})

t.test('what is early or late is found', async t => {
  const wrong = (line: string) => complaint(`${OPENING}> *\n${line}`, [[SYN_ACK]], [{ at: 3000, frame: HELLO }])
  t.match(wrong('+3.1~4 > . *(5)'), /too early: .* at 3000 ms/)
  t.match(wrong('+1~2.9 > . *(5)'), /nothing came, at 2900 ms/)
  t.match(wrong('+5'), /not expected: > P\. 3:8\(5\)/)
  t.match(wrong('+5 < . 1:1(0) ack 1'), /not expected/)
})

t.test('what is injected is what the line says', async t => {
  const subject = new Answering([[SYN_ACK]])
  const run = new ScriptRun(subject).run(`${OPENING}> *
    < P. 1:6(5) ack 1 win 9 urg 3 <nop, TS 100, sack 1:3> {reserved 4}
    < . 6:6(0) ack 1 <TS 101 ecr 5> {badsum, to 81, port 90}
    < . 6:6(0) ack 1 {words 4}
    irs 4294967290
    < F 8:9(1)
    icmp 3 4 1 552
    peer 5001
    < S 0:0(0)`)
  const [, data, bad, short, wrapped, message, other] = subject.heard
  t.match(data!.tcp, { sequence: 0x10000001, acknowledgment: 0xffffffff, flags: flagsOf('P.'), window: 9, urgent: 3, reserved: 4, checksumRight: true,
    options: [{ kind: 'nop' }, { kind: 'TS', value: 100, echo: 500 }, { kind: 'sack', blocks: [[0xffffffff, 1]] }, { kind: 'end' }] })
  t.same([...data!.tcp!.payload], [...peerData(1, 5)])
  t.match(bad!.tcp, { checksumRight: false, destinationPort: 81, sourcePort: 90 })
  t.equal(short!.tcp, undefined)
  t.equal(wrapped!.tcp?.sequence, 2)
  t.match(message!.icmp, { type: 3, code: 4, sequence: 552, checksumRight: true })
  const quoted = decodeTcp(GUEST.ip, PEER.ip, message!.icmp!.payload.subarray(20)) // its IPv4 header says 1500: the rest is not quoted
  t.match(quoted, { sourcePort: 8080, destinationPort: 5000, sequence: 0xffffffff })
  t.match(other!.tcp, { sourcePort: 5001, sequence: 0x10000000 })
  t.equal(run.choose(5000).iss, ISS, 'the first connection is remembered')
})

t.test('an ICMP message is expected as such', async t => {
  const refused = ethernet({ destination: PEER.mac, source: GUEST.mac, type: EtherType.Ipv4 },
    ipv4({ source: GUEST.ip, destination: PEER.ip, protocol: Protocol.Icmp }, icmp({ type: 3, code: 2 }, new Uint8Array(28))))
  t.equal(complaint(`${OPENING}> icmp 3/2`, [[refused]]), '')
  t.match(complaint(`${OPENING}> icmp 3/3`, [[refused]]), /something else: > icmp 3\/2/)
})
