// kernel/net/compat/socket.ts in front of a stream protocol: RustOS's table for Stream, row by row. The protocol is a
// double (test/kernel/compat-stream.ts); what is tested are the checks before it is asked, and what its answers become.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Face, GUEST, NetworkError, PEER, State } from '../../../../wire/compat.ts'

const Errno = { WouldBlock: -11, NetworkUnreachable: -101, ConnectionRefused: -111 } as const
const Option = { SendBufferSize: 5 } as const
const Field = { state: 0, local: 6, remote: 7 } as const

function stream(e: Parameters<typeof Face.up>[0]): [Face, number] {
  const f = Face.up(e)
  f.call('toldStreamStart')
  return [f, f.call('managerSocket', 0, 0)]
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('listen: InvalidAddress while unbound, then Listening', async t => {
      const [f, id] = stream(e)
      t.equal(f.call('sListen', id, 5), NetworkError.InvalidAddress)
      t.equal(f.call('toldStreamAsked'), 0)
      t.equal(f.call('sBind', id, f.at(GUEST.ip), 80), 0)
      t.equal(f.call('sListen', id, 5), 0)
      t.equal(f.call('sField', id, Field.state), State.Listening)
      t.equal(f.call('toldStreamBacklog'), 5)
    })

    t.test('27. listen twice is Ok and a new backlog; after close the port can be listened on again', async t => {
      const [f, id] = stream(e)
      f.call('sBind', id, f.at(GUEST.ip), 80)
      f.call('sListen', id, 5)
      t.equal(f.call('sListen', id, 9), 0)
      t.equal(f.call('toldStreamBacklog'), 9)
      t.equal(f.call('sClose', id), 0)
      t.equal(f.call('sField', id, Field.state), State.Closed)
      t.equal(f.call('sBind', id, f.at(GUEST.ip), 80), 0)
      t.equal(f.call('sListen', id, 5), 0)
    })

    t.test('accept: NotSupported unless Listening, 0 while nobody waits, then the id', async t => {
      const [f, id] = stream(e)
      t.equal(f.call('sAccept', id), NetworkError.NotSupported)
      f.call('sBind', id, f.at(GUEST.ip), 80)
      f.call('sListen', id, 5)
      t.equal(f.call('sAccept', id), 0)
      f.call('toldStreamWaits', 77)
      t.equal(f.call('sAccept', id), 77)
      t.equal(f.received('sRecv', id), 'Connection timeout', 'a listener has nothing to read')
      t.equal(f.call('sBind', id, f.at(GUEST.ip), 81), NetworkError.InvalidAddress, 'not Closed')
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 80), NetworkError.InvalidAddress)
    })

    t.test('connect: InvalidAddress while unbound; 26. refused it is Closed, and may try again', async t => {
      const [f, id] = stream(e)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 80), NetworkError.InvalidAddress)
      f.call('sBind', id, f.at(GUEST.ip), 0)
      f.call('toldStreamAnswers', Errno.NetworkUnreachable)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 80), NetworkError.NetworkUnreachable)
      t.equal(f.call('sField', id, Field.state), State.Closed)
      f.call('toldStreamAnswers', 0)
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 80), 0)
      t.equal(f.call('sField', id, Field.remote), 1)
      t.equal(f.end(), '10.0.0.9:80')
      t.equal(f.call('sConnect', id, f.at(PEER.ip), 80), NetworkError.InvalidAddress)
    })

    t.test('recv tells the end of the stream, 0, from nothing there, Timeout', async t => {
      const [f, id] = stream(e)
      f.call('sBind', id, f.at(GUEST.ip), 0)
      t.equal(f.received('sRecv', id), 'Connection refused')
      f.call('sConnect', id, f.at(PEER.ip), 80)
      const to = f.m.alloc(16)
      f.call('toldStreamAnswers', Errno.WouldBlock)
      t.equal(f.call('sRecv', id, to, 16), NetworkError.Timeout)
      f.call('toldStreamAnswers', 0)
      t.equal(f.call('sRecv', id, to, 16), 0)
      f.call('toldStreamAnswers', 7)
      t.equal(f.call('sRecv', id, to, 16), 7)
    })

    t.test('send: the bytes taken; over a send buffer size that was set BufferOverflow; send_to is NotSupported', async t => {
      const [f, id] = stream(e)
      t.equal(f.call('sSend', id, ...f.text('abc')), NetworkError.ConnectionRefused)
      f.call('sBind', id, f.at(GUEST.ip), 0)
      f.call('sConnect', id, f.at(PEER.ip), 80)
      f.call('toldStreamAnswers', 3)
      t.equal(f.call('sSend', id, ...f.text('abc')), 3)
      f.call('sSet', id, Option.SendBufferSize, 2)
      t.equal(f.call('sSend', id, ...f.text('abc')), NetworkError.BufferOverflow)
      t.equal(f.call('sSendTo', id, ...f.text('abc'), f.at(PEER.ip), 80), NetworkError.NotSupported)
      t.equal(f.received('sRecvFrom', id), 'Operation not supported')
      f.call('sSet', id, Option.SendBufferSize, 100)
      f.call('toldStreamAnswers', Errno.ConnectionRefused)
      t.equal(f.call('sSend', id, ...f.text('abc')), NetworkError.ConnectionRefused)
    })
  })
}
