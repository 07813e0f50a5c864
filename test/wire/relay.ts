// Linux at the end of a wire that is the test's: what the guest sends goes to a tap in a namespace, what Linux sends there goes to
// the guest, all of it through the peer, and so through whatever harm that does.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Test } from 'tap'
import type { Namespace } from '../namespace.ts'
import type { Bytes } from './bytes.ts'
import type { WirePeer } from './peer.ts'

/** Join a peer and the tap of a namespace until the test ends. */
export function relay(t: Test, peer: WirePeer, namespace: Namespace): void {
  const child = spawn('ip', ['netns', 'exec', namespace.name, 'python3', 'test/wire/relay.py', 'tap0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill() })
  child.stdin.on('error', () => {}) // the relay has ended
  peer.react(({ frame }) => {
    child.stdin.write(framed(frame))
    return undefined
  })
  fromTap(child, frame => { void peer.send(frame) })
}

function framed(frame: Bytes): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(frame.length)
  return Buffer.concat([length, frame])
}

function fromTap(child: ChildProcess, each: (frame: Bytes) => void): void {
  let unread = Buffer.alloc(0)
  child.stdout!.on('data', (data: Buffer) => {
    unread = Buffer.concat([unread, data])
    while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE()) {
      const end = 4 + unread.readUInt32BE()
      each(Buffer.from(unread.subarray(4, end)))
      unread = unread.subarray(end)
    }
  })
}
