// A network namespace with a tap device for the guest: where ping, arping and the rest meet it as they would a neighbour.
//
// Everything happens inside the namespace, which goes away with the test; the machine's own network is not touched.

import { type Finished, must, run } from './command.ts'

let made = 0

/** Who removes the namespace in the end: a test of tap's, or whatever else runs functions when it is over. */
export interface Owner { teardown(remove: () => Promise<void>): unknown }

export class Namespace {
  private constructor(readonly name: string, readonly hostAddress: string) {}

  /** A new namespace with tap device `tap0` at `hostAddress` ("10.77.0.1/24"), removed when its owner ends. */
  static async create(t: Owner, hostAddress: string): Promise<Namespace> {
    const namespace = new Namespace(`porphyry-${process.pid}-${++made}`, hostAddress)
    await must('ip', ['netns', 'add', namespace.name])
    t.teardown(() => namespace.remove())
    await namespace.must('ip', ['link', 'set', 'lo', 'up'])
    await namespace.must('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']).catch(() => undefined) // no router solicitations of the host's in captures
    await namespace.must('ip', ['tuntap', 'add', 'dev', 'tap0', 'mode', 'tap'])
    await namespace.must('ip', ['addr', 'add', hostAddress, 'dev', 'tap0'])
    await namespace.must('ip', ['link', 'set', 'tap0', 'up'])
    return namespace
  }

  /** QEMU's arguments for a virtio card on the tap. `offloads` off makes captures true Ethernet (vnet_hdr=off). */
  card(mac: string, { offloads = true, device = '' } = {}): string[] {
    const tap = `tap,id=n0,ifname=tap0,script=no,downscript=no,vnet_hdr=${offloads ? 'on' : 'off'}`
    return ['-netdev', tap, '-device', `virtio-net-pci,netdev=n0,mac=${mac}${device && ','}${device}`]
  }

  /** Run a program in the namespace. */
  async run(command: string, args: string[], options: { seconds?: number, input?: string } = {}): Promise<Finished> {
    return await run('ip', ['netns', 'exec', this.name, command, ...args], options)
  }

  async must(command: string, args: string[], options: { seconds?: number, input?: string } = {}): Promise<string> {
    return await must('ip', ['netns', 'exec', this.name, command, ...args], options)
  }

  async remove(): Promise<void> {
    await run('ip', ['netns', 'del', this.name])
  }
}

export interface PingResult { sent: number, received: number, averageMilliseconds: number }

/** The summary of iputils' ping. */
export function pingResult(out: string): PingResult {
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(out)
  if (!counts) throw new Error(`not the output of ping:\n${out}`)
  const times = /= [\d.]+\/([\d.]+)\//.exec(out)
  return { sent: Number(counts[1]), received: Number(counts[2]), averageMilliseconds: times ? Number(times[1]) : NaN }
}
