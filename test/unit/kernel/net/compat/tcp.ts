// kernel/net/compat/tcp*.ts: RustOS's TCP by its four ends, over the stack's own. RFC 9293; vectors 8 to 11.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes } from '../../../../wire/bytes.ts'
import { Face, GUEST, NetworkError, PEER, ip } from '../../../../wire/compat.ts'
import { Protocol, type Decoded } from '../../../../wire/frames.ts'
import { type TcpFields, decodeTcp, flagsOf, tcp } from '../../../../wire/tcp.ts'

const State = { Closed: 0, Listen: 1, SynSent: 2, SynReceived: 3, Established: 4, FinWait1: 5, FinWait2: 6, CloseWait: 7, Closing: 8, LastAck: 9, TimeWait: 10 } as const
const Field = { state: 0, sendSequence: 1, sendAck: 2, recvSequence: 3, cwnd: 4, mss: 5, rto: 6, userTimeout: 7, ssthresh: 8 } as const
const [US, THEM, PORT] = [ip(GUEST.ip), ip(PEER.ip), 80]

const answer = (frame: Decoded) => decodeTcp(GUEST.ip, PEER.ip, frame.ipv4!.payload)!
const segment = (f: Face, flags: string, fields: Partial<TcpFields>, data = bytes()) =>
  f.ipv4({ protocol: Protocol.Tcp }, tcp({ source: PEER.ip, destination: GUEST.ip, sourcePort: 4000, destinationPort: PORT, flags: flagsOf(flags), ...fields }, data))

/** The peer has connected to a listener, from 4000, its next octet 1001; the sequence number it acknowledges. */
function serving(f: Face): number {
  t.equal(f.call('tListen', US, PORT), 0)
  const isn = answer(f.exchange(segment(f, 'S', { sequence: 1000 }))[0]!).sequence
  f.receive(segment(f, '.', { sequence: 1001, acknowledgment: isn + 1 }))
  return isn + 1
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('headers: parsed, refused, and their checksum', async t => {
      const f = Face.up(e)
      const whole = tcp({ source: GUEST.ip, destination: PEER.ip, sourcePort: 1, destinationPort: 2, flags: 2, options: [{ kind: 'mss', value: 1460 }] }, bytes(1, 2, 3))
      const p = f.bytesIn(whole)
      t.equal(f.call('tParse', p, whole.length) >>> 0, p)
      t.equal(f.call('tPosition'), 24, 'behind the options')
      t.equal(f.call('tChecksum', p, US, THEM, p + 24, 3), whole[16]! << 8 | whole[17]!)
      t.equal(f.call('tParse', p, 19), NetworkError.InvalidPacket)
      t.equal(f.call('tParse', p, 23), NetworkError.InvalidPacket, 'options past the end')
      t.equal(f.call('tPosition'), 0)
      const short = tcp({ source: GUEST.ip, destination: PEER.ip, sourcePort: 1, destinationPort: 2, headerWords: 4 }, bytes())
      t.equal(f.call('tParse', f.bytesIn(short), short.length), NetworkError.InvalidPacket, 'a data offset of 4')
    })

    t.test('states: who may send and receive, what is active, what a close makes of them', async t => {
      const f = Face.up(e)
      const rows = Object.values(State).map(state => f.call('tState', state))
      t.same(rows.map(row => row & 7), [0, 4, 4, 4, 7, 6, 6, 5, 4, 4, 0])
      t.same(rows.map(row => row >> 8), [0, 1, 2, 3, State.FinWait1, 5, 6, State.LastAck, 8, 9, 10])
    })

    t.test('11. connect: a port from 32768 on, and the SYN has the number that is remembered', async t => {
      const f = Face.up(e)
      f.forget()
      const port = f.call('tConnect', US, THEM, 9)
      t.ok(port >= 32768)
      const syn = answer(f.sent()[0]!)
      t.equal(syn.flags, flagsOf('S'))
      const field = (which: number) => f.call('tField', US, port, THEM, 9, which) >>> 0
      t.equal(field(Field.state), State.SynSent)
      t.equal(field(Field.sendAck), syn.sequence)
      t.equal(field(Field.sendSequence), syn.sequence + 1 >>> 0)
      f.receive(segment(f, 'S.', { sourcePort: 9, destinationPort: port, sequence: 5000, acknowledgment: syn.sequence + 1, options: [{ kind: 'mss', value: 1000 }] }))
      t.same([Field.state, Field.recvSequence, Field.mss, Field.cwnd, Field.userTimeout].map(field), [State.Established, 5001, 1000, 10_000, 300_000])
      t.not(f.call('tConnect', US, THEM, 9), port, 'a port in use is skipped')
      t.equal(f.call('tConnect', ip('10.0.0.77'), THEM, 9), NetworkError.InvalidAddress, 'not an address of ours')
      t.equal(f.call('tConnect', US, THEM, 0), NetworkError.InvalidArgument)
    })

    t.test('10. a SYN to a port nobody listens on: RST, ACK', async t => {
      const f = Face.up(e)
      const reset = answer(f.exchange(segment(f, 'S', { sequence: 7 }))[0]!)
      t.same([reset.flags, reset.sequence, reset.acknowledgment], [flagsOf('R.'), 0, 8])
      t.equal(f.exchange(segment(f, 'R', { sequence: 7 })).length, 0, 'none for a RST')
    })

    t.test('8, 9. listen: no wrong checksum, no padding is taken', async t => {
      const f = Face.up(e)
      const ours = serving(f)
      const field = (which: number) => f.call('tField', US, PORT, THEM, 4000, which) >>> 0
      t.equal(field(Field.state), State.Established)
      f.receive(segment(f, '.', { sequence: 1001, acknowledgment: ours, checksum: 0xdead }, bytes(1, 2, 3)))
      t.equal(field(Field.recvSequence), 1001)
      t.equal(f.exchange(bytes(segment(f, '.', { sequence: 1001, acknowledgment: ours }), new Uint8Array(6))).length, 0)
      t.equal(field(Field.recvSequence), 1001)
      t.equal(f.call('tListen', US, PORT), NetworkError.AddressInUse)
    })

    for (const [control, name, share] of [[0, 'CUBIC, RFC 9438 §4.6', 0.7], [1, 'NewReno, RFC 5681 §3.1', 0.5], [2, 'Westwood+, before it has measured', 0.5]] as const) {
      t.test(`what a timeout costs with ${name}`, async t => {
        const f = Face.up(e, { packets: 64 })
        const port = f.call('tConnect', US, THEM, 9)
        const socket = 1
        const CONTROL = 30
        t.equal(f.set(socket, CONTROL, 3), -22)
        t.equal(f.set(socket, CONTROL, control), 0)
        t.equal(f.get(socket, CONTROL), control)
        const syn = answer(f.sent()[0]!)
        f.receive(segment(f, 'S.', { sourcePort: 9, destinationPort: port, sequence: 5000, acknowledgment: syn.sequence + 1, options: [{ kind: 'mss', value: 1000 }] }))
        t.equal(f.send(socket, new Uint8Array(10_000)), 10_000)
        f.advance(600)
        t.equal(f.call('tField', US, port, THEM, 9, Field.ssthresh) >>> 0, 10_000 * share)
        t.equal(f.call('tField', US, port, THEM, 9, Field.cwnd) >>> 0, 1000)
      })
    }

    t.test('close: a FIN, a listener gone, and what there is not', async t => {
      const f = Face.up(e)
      const port = f.call('tConnect', US, THEM, 9)
      t.equal(f.call('tClose', US, port, THEM, 9), 0)
      t.equal(f.call('tThere', US, port, THEM, 9), 0, 'SYN-SENT: gone at once')
      t.equal(f.call('tClose', US, port, THEM, 9), NetworkError.InvalidAddress)
      serving(f)
      t.equal(f.call('tClose', US, PORT, 0, 0), 0)
      t.equal(f.call('tClose', US, PORT, 0, 0), NetworkError.InvalidAddress)
      f.forget()
      const again = f.call('tConnect', US, THEM, 9)
      const syn = answer(f.sent()[0]!)
      f.receive(segment(f, 'S.', { sourcePort: 9, destinationPort: again, sequence: 5000, acknowledgment: syn.sequence + 1 }))
      f.forget()
      t.equal(f.call('tClose', US, again, THEM, 9), 0)
      const fin = answer(f.sent().at(-1)!)
      t.equal(fin.flags & flagsOf('F'), 1)
      t.equal(f.call('tField', US, again, THEM, 9, Field.state), State.FinWait1)
    })
  })
}
