// Somebody else's stack at the end of a wire that is the test's: a program gets what the guest sends on its standard input, and what
// it writes goes to the guest, all of it through the peer, and so through whatever harm that does. A frame is behind its length in
// four bytes, most significant first. `linuxAt` is Linux, by a tap in a namespace (relay.py).

import { type ChildProcess, spawn } from 'node:child_process'
import type { Test } from 'tap'
import type { Namespace } from '../namespace.ts'
import type { Bytes } from './bytes.ts'
import type { WirePeer } from './peer.ts'

/** Start a program at the other end of a peer's wire; it ends with the test. What it writes on standard error is told by line. */
export function neighbour(t: Test, peer: WirePeer, [command, ...args]: [string, ...string[]], told: (line: string) => void = line => t.comment(line)): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  t.teardown(() => { child.kill() })
  child.stdin.on('error', () => {}) // it has ended
  peer.react(({ frame }) => {
    child.stdin.write(framed(frame))
    return undefined
  })
  child.stdout.on('data', unframed(frame => { void peer.send(frame) }))
  let partial = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (partial + text).split('\n')
    partial = lines.pop()!
    for (const line of lines) told(line)
  })
  return child
}

/** Linux: the namespace's tap0 hangs on the peer's wire. */
export function linuxAt(t: Test, peer: WirePeer, namespace: Namespace): void {
  neighbour(t, peer, ['ip', 'netns', 'exec', namespace.name, 'python3', 'test/wire/relay.py', 'tap0'])
}

function framed(frame: Bytes): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(frame.length)
  return Buffer.concat([length, frame])
}

/** Takes bytes as they come, and hands on each frame that is whole. */
function unframed(each: (frame: Bytes) => void): (data: Buffer) => void {
  let unread = Buffer.alloc(0)
  return data => {
    unread = Buffer.concat([unread, data])
    while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE()) {
      const end = 4 + unread.readUInt32BE()
      each(Buffer.from(unread.subarray(4, end)))
      unread = unread.subarray(end)
    }
  }
}
