// The first card's control queue for tests: what the stack would want of the card, by number.

import { fillBytes } from '../../kernel/lib/memory.ts'
import { store8, load8 } from '../../kernel/lib/intrinsics.ts'
import { address, nth, plus, sizeof, type bool, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { NicSettings, nicFirst } from '../../kernel/drivers/net/nic.ts'
import { virtioNetOf } from '../../kernel/drivers/net/virtio-net.ts'

function settings(): NicSettings {
  return nicFirst()!.settings
}

/** The control queue. */
export function controlQueue(): ptr {
  return address(virtioNetOf(nicFirst()!).control.queue)
}

/** Whether there is one. */
export function controlThere(): bool {
  return (virtioNetOf(nicFirst()!).control.memory as u32) != 0
}

/** Refusals counted. */
export function controlRefusals(): u32 {
  return virtioNetOf(nicFirst()!).control.refusals
}

/** Forget what was wanted, then: running, promiscuous, all groups. */
export function want(running: bool, promiscuous: bool, allGroups: bool): void {
  fillBytes(address(settings()), 0, sizeof<NicSettings>())
  settings().running = running
  settings().promiscuous = promiscuous
  settings().allGroups = allGroups
}

/** One more group. */
export function wantGroup(mac: ptr): void {
  const group = nth(settings().groups, settings().groupCount)
  for (let i: u32 = 0; i < 6; i++) store8(plus(group.mac, i), 0, load8(mac, i))
  settings().groupCount += 1
}

/** One more VLAN. */
export function wantVlan(id: u32): void {
  nth(settings().vlans, settings().vlanCount).id = id
  settings().vlanCount += 1
}

/** nic.apply of the first card. */
export function wantApply(): void {
  const nic = nicFirst()!
  nic.apply!(nic)
}

/** nic.setAddress of the first card. */
export function setAddress(mac: ptr): i32 {
  const nic = nicFirst()!
  return nic.setAddress!(nic, mac)
}
