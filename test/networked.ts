// A booted machine whose network card is wired to the test: what the ARP, ICMP, UDP and DHCP boot tests share.

import type { Test } from 'tap'
import { type Machine, type MachineOptions, booted } from './qemu.ts'
import { WirePeer } from './wire/peer.ts'
import { type End, Station } from './wire/station.ts'

export const HOST: End = { ip: '10.77.0.1', mac: '02:00:00:77:00:01' }
export const GUEST: End = { ip: '10.77.0.2', mac: '52:54:00:77:00:02' }

export interface Wired { machine: Machine, peer: WirePeer, station: Station }
export interface WiredOptions extends Omit<MachineOptions, 'args'> {
  /** eth0's configuration; by default GUEST's address, HOST as its gateway. */
  eth0?: string
  /** The whole kernel command line, instead of eth0 and `append`; an ISO has its own. */
  commandLine?: string
  /** Properties of the card: `vectors=0`, `disable-legacy=on`. */
  device?: string
  args?: string[]
  /** Prepare the peer before the machine starts: a DHCP server. */
  prepare?: (peer: WirePeer) => void
  /** Wait for this before the body begins; null does not wait. */
  ready?: RegExp | null
}

/** A test with a machine on a wire of its own. HOST answers ARP there. */
export async function wired(
  t: Test, name: string, options: WiredOptions, body: (t: Test, wire: Wired) => Promise<void>,
): Promise<void> {
  const { eth0 = `${GUEST.ip}/24,gw=${HOST.ip}`, device, prepare, commandLine, ready = /net: up .*if=eth0/, args = [], ...rest } = options
  const peer = await WirePeer.listen()
  prepare?.(peer)
  const station = new Station(peer, HOST, GUEST).answerArp()
  const card = ['virtio-net-pci', 'netdev=n0', `mac=${GUEST.mac}`, ...device ? [device] : []].join(',')
  try {
    await booted(t, name, {
      ...rest, append: commandLine ?? `eth0=${eth0} swap=none ${options.append ?? ''}`.trim(),
      args: ['-netdev', peer.netdev('n0'), '-device', card, ...args],
    }, async (t, machine) => {
      if (ready) await machine.until(ready, 30)
      await body(t, { machine, peer, station })
    })
  } finally {
    peer.close()
  }
}
