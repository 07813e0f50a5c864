// The machine's own Linux as a stack under test, at the end of a veth pair between two namespaces that go away with it.
// Frames go in as bytes and come out decoded, as with test/wire/stack.ts; time is real. Needs root.

import { type ChildProcess, spawn } from 'node:child_process'
import { must, run } from '../command.ts'
import type { Bytes } from './bytes.ts'
import { type Decoded, decode } from './frames.ts'
import { type End, Station } from './station.ts'
import type { WirePeer } from './peer.ts'

const TOOL = 'test/wire/linux.py'
/** Another host on the link: its ARP request and echo, answered last, say that everything before was dealt with. */
const LAST: End = { ip: '10.0.0.250', mac: '02:00:00:00:00:fa' }
const LAST_PORT = 65_000
const LIMIT_SECONDS = 5

/** What would otherwise differ by configuration only, or take half a minute. */
const SETTINGS = [
  'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0',
  'net.ipv4.ipfrag_time=1',
]

let made = 0

export class LinuxStack {
  private readonly received: Decoded[] = []
  private unread: Bytes = Buffer.alloc(0)
  private look: () => void = () => {}
  private readonly children: ChildProcess[] = []

  private constructor(private readonly self: End, private readonly spaces: readonly [string, string]) {}

  /** A Linux with one card: `self`, in a network of 24 bits with `gateway`. */
  static async start(self: End, gateway: string): Promise<LinuxStack> {
    const name = `porphyry-linux-${process.pid}-${++made}`
    const stack = new LinuxStack(self, [`${name}-a`, `${name}-b`])
    try {
      await stack.configure(gateway)
      return stack
    } catch (error) {
      await stack.end()
      throw error
    }
  }

  private async configure(gateway: string): Promise<void> {
    const [inside, outside] = this.spaces
    for (const space of this.spaces) {
      await must('ip', ['netns', 'add', space])
      await must('ip', ['-n', space, 'link', 'set', 'lo', 'up'])
      for (const setting of SETTINGS) await run('ip', ['netns', 'exec', space, 'sysctl', '-qw', setting])
    }
    await must('ip', ['-n', inside, 'link', 'add', 'v0', 'address', this.self.mac, 'type', 'veth', 'peer', 'name',
      'v1', 'netns', outside])
    await must('ip', ['-n', inside, 'addr', 'add', `${this.self.ip}/24`, 'broadcast', '+', 'dev', 'v0'])
    await must('ip', ['-n', outside, 'link', 'set', 'v1', 'arp', 'off', 'up'])
    await must('ip', ['-n', inside, 'link', 'set', 'v0', 'up'])
    await must('ip', ['-n', inside, 'route', 'add', 'default', 'via', gateway])
    const served = this.tool(inside, 'serve', 'v0')
    await new Promise<void>((resolve, reject) => {
      served.stdout!.once('data', () => resolve())
      served.once('close', status => reject(new Error(`${TOOL} serve ended with status ${status}`)))
    })
    const wire = this.tool(outside, 'wire', 'v1')
    await new Promise<void>((resolve, reject) => {
      wire.stdout!.on('data', (data: Buffer) => { this.take(data); resolve() })
      wire.once('close', status => reject(new Error(`${TOOL} wire ended with status ${status}`)))
    })
  }

  private tool(space: string, what: string, card: string): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', space, 'python3', TOOL, what, card], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.children.push(child)
    return child
  }

  /** What frames bring about, in order; `wait` milliseconds pass before the end is looked for. */
  async exchange(frames: Bytes[], wait = 0): Promise<Decoded[]> {
    this.received.length = 0
    this.send(...frames)
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
    const last = new Station(undefined as unknown as WirePeer, LAST, this.self)
    this.send(last.arpFrame(), last.udpFrame(LAST_PORT, 7, Buffer.from('last')))
    await this.until(frame => frame.udp?.destinationPort === LAST_PORT)
    return this.received.filter(frame => frame.destination !== LAST.mac)
  }

  private send(...frames: Bytes[]): void {
    for (const frame of frames) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(frame.length)
      this.children[1]!.stdin!.write(Buffer.concat([length, frame]))
    }
  }

  private async until(match: (frame: Decoded) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('Linux does not answer the last frame')), LIMIT_SECONDS * 1000)
      this.look = () => {
        if (!this.received.some(match)) return
        clearTimeout(limit)
        this.look = () => {}
        resolve()
      }
      this.look()
    })
  }

  private take(data: Bytes): void {
    this.unread = Buffer.concat([this.unread, data])
    while (this.unread.length >= 4) {
      const length = Buffer.from(this.unread.subarray(0, 4)).readUInt32BE()
      if (this.unread.length < 4 + length) break
      if (length > 0) this.received.push(decode(Uint8Array.from(this.unread.subarray(4, 4 + length))))
      this.unread = this.unread.subarray(4 + length)
    }
    this.look()
  }

  async end(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null) continue
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
    for (const space of this.spaces) await run('ip', ['netns', 'del', space])
  }
}
