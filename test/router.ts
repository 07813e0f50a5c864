// The guest between two namespaces of Linux: near, where QEMU runs and the first card's tap is, and far, behind the second
// card: a tap beside the first one, bridged to a veth pair. A library; no test in it.

import type { Test } from 'tap'
import { Namespace } from './namespace.ts'

export const NEAR = { host: '10.77.0.1', guest: '10.77.0.2', mac: '52:54:00:77:00:02' }
export const FAR = { host: '10.78.0.1', guest: '10.78.0.2', mac: '52:54:00:77:00:03' }

/** Both namespaces, their routes through the guest. */
export async function sides(t: Test): Promise<{ near: Namespace, far: Namespace }> {
  const near = await Namespace.create(t, `${NEAR.host}/24`)
  const far = await Namespace.create(t, '10.79.0.1/24') // its own tap stays unused
  await near.must('ip', ['tuntap', 'add', 'dev', 'tap1', 'mode', 'tap'])
  await near.must('ip', ['link', 'add', 'br1', 'type', 'bridge'])
  await near.must('ip', ['link', 'set', 'tap1', 'master', 'br1'])
  await near.must('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', far.name])
  await near.must('ip', ['link', 'set', 'v0', 'master', 'br1'])
  for (const device of ['tap1', 'br1', 'v0']) await near.must('ip', ['link', 'set', device, 'up'])
  await far.must('ip', ['addr', 'add', `${FAR.host}/24`, 'dev', 'v1'])
  await far.must('ip', ['link', 'set', 'v1', 'up'])
  await far.must('ip', ['route', 'add', '10.77.0.0/24', 'via', FAR.guest])
  await near.must('ip', ['route', 'add', '10.78.0.0/24', 'via', NEAR.guest])
  await near.must('ip', ['route', 'add', '10.99.0.0/16', 'via', NEAR.guest])
  return { near, far }
}

/** QEMU's arguments for the second card. `offloads` off makes captures true Ethernet (vnet_hdr=off). */
export function farCard({ offloads = true, device = '' } = {}): string[] {
  return ['-netdev', `tap,id=n1,ifname=tap1,script=no,downscript=no,vnet_hdr=${offloads ? 'on' : 'off'}`,
    '-device', `virtio-net-pci,netdev=n1,mac=${FAR.mac}${device && ','}${device}`]
}
