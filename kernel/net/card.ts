// What the interfaces on a card want of it, put together: a card may carry several, one for each VLAN. Whoever changes
// an interface's `up`, `promiscuous` or groups, or makes or removes one, says so here. Main-loop context only.
//
// Next: nic.apply (drivers/net/nic.ts).

import { nth, type ptr, type u32 } from '../lib/layout.ts'
import { NIC_GROUP_LIMIT, NIC_VLAN_LIMIT, type Nic, type NicSettings } from '../drivers/net/nic.ts'
import { macCopy, macEqual } from './ethernet/header.ts'
import { interfaceFirst, type NetInterface } from './interface.ts'

/** Have the card follow its interfaces. */
export function cardChanged(nic: Nic): void {
  const settings = nic.settings
  settings.running = false
  settings.promiscuous = false
  settings.allGroups = false
  settings.groupCount = 0
  settings.vlanCount = 0
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.nic == nic && each.up) addInterface(settings, each)
    each = each.next
  }
  if (nic.apply != null) nic.apply(nic)
}

function addInterface(settings: NicSettings, netif: NetInterface): void {
  settings.running = true
  if (netif.promiscuous) settings.promiscuous = true
  if (netif.vlanId != 0 && settings.vlanCount < NIC_VLAN_LIMIT) {
    nth(settings.vlans, settings.vlanCount).id = netif.vlanId
    settings.vlanCount += 1
  }
  let left: u32 = netif.groupCount
  let place: u32 = 0
  while (left > 0) {
    const group = nth(netif.groups, place)
    if (group.users != 0) {
      addGroup(settings, group.mac)
      left -= 1
    }
    place += 1
  }
}

/** Once, whoever else has joined it. */
function addGroup(settings: NicSettings, mac: ptr): void {
  for (let i: u32 = 0; i < settings.groupCount; i++) {
    if (macEqual(nth(settings.groups, i).mac, mac)) return
  }
  if (settings.groupCount == NIC_GROUP_LIMIT) {
    settings.allGroups = true
    return
  }
  macCopy(nth(settings.groups, settings.groupCount).mac, mac)
  settings.groupCount += 1
}
