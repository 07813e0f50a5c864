// virtio-net's control queue: the device's filter follows what the interfaces on the card want. virtio 1.2 §5.1.6.5.
//
// Nobody waits for the device. `NicSettings` says what is wanted, `NetControl` what the device was told; each poll
// takes the answer to the last command, if it came, and gives the next one until the two agree. One command is out
// at a time. On the way the device lets in too much rather than too little: VLANs and addresses are added before
// modes are changed, and VLANs are taken away last. Main-loop context only.

import { load8, store16, store32, store8 } from '../../lib/intrinsics.ts'
import {
  at, nth, plus, struct,
  type Bytes, type Embed, type PhysicalAddress, type Row, type Stored, type bool, type ptr, type u16, type u32,
  type u8,
} from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../../lib/log.ts'
import { copyBytes } from '../../lib/memory.ts'
import { virtualOf } from '../../mm/address.ts'
import { frameAllocateZeroed } from '../../mm/frames.ts'
import { Virtqueue, queueAdd, queueArm, queueElement, queueKick, queueReady, queueTake } from '../virtio/queue.ts'
import { virtioQueue } from '../virtio/queue-setup.ts'
import { DescriptorFlag } from '../virtio/ring.ts'
import { virtioHas, type VirtioDevice } from '../virtio/transport.ts'
import { NicVlan, nicName, type Nic, type NicSettings } from './nic.ts'
import {
  CONTROL_OK, ControlClass, ControlHeader, MacCommand, NetFeature, ReceiveCommand, VlanCommand,
} from './virtio-net-header.ts'

/** Without multiqueue the control queue is the third: virtio 1.2 §5.1.2. */
const CONTROL_QUEUE: u32 = 2
const CONTROL_HEADER_SIZE: u32 = 2
const MAC_LENGTH: u32 = 6
/** Where in its frame the answer is: behind any command. */
const ANSWER: u32 = 4095

/** VLANs the device is told of at most: those that are wanted, VLAN 0, and none to spare. */
const VLANS_TOLD: u32 = 33

/** Modes as bits, by ReceiveCommand. */
const MODES_USUAL: u32 = 0x03 // promiscuous, all groups
const MODES_CLOSED: u32 = 0x38 // no groups, no unicast, no broadcast: VIRTIO_NET_F_CTRL_RX_EXTRA

@struct
export class NetControl {
  queue: Embed<Virtqueue>
  memory: ptr // a frame: the command, and at ANSWER what the device says of it; 0: no control queue
  physical: PhysicalAddress
  features: u32 // of the device: NetFeature bits
  busy: Stored<u8, bool> // a command is out
  stale: Stored<u8, bool> // the device may not know all that is wanted
  modesKnown: u8 // modes the device was told of; before that it may be in either
  modes: u8 // as told
  tableStale: Stored<u8, bool>
  addressStale: Stored<u8, bool>
  tableRefused: Stored<u8, bool> // the device has no room for the groups: all are let in
  reserved: u8
  refusals: u16
  vlanCount: u16
  vlans: Row<NicVlan, 33> // as told; VLANS_TOLD
  category: u8 // of the command that is out
  command: u8
  address: Bytes<6> // the one to set
  reserved2: u16
}

/** Features to ask for, if the device offers a control queue at all. virtio 1.2 §5.1.3.1. */
export function controlFeatures(offered: u32): u32 {
  if ((offered & NetFeature.ControlQueue) == 0) return 0
  return NetFeature.ControlQueue | NetFeature.ControlReceive | NetFeature.ControlVlan |
    NetFeature.ControlReceiveExtra | NetFeature.ControlAddress
}

/** Set up the queue, if the device has one, before DRIVER_OK. False: the device can not be used; that is logged. */
export function controlOpen(control: NetControl, device: VirtioDevice): boolean {
  control.memory = 0 as ptr
  control.features = 0
  if (!virtioHas(device, NetFeature.ControlQueue)) return true
  if (!virtioQueue(device, control.queue, CONTROL_QUEUE, true)) return false
  const frame = frameAllocateZeroed()
  if (frame == 0) return true // as if there were no such queue: the stack filters by itself
  control.features = device.features
  control.physical = frame
  control.memory = virtualOf(frame)
  control.busy = false
  control.modesKnown = 0
  control.modes = 0
  control.vlanCount = 0
  control.refusals = 0
  control.addressStale = false
  control.tableRefused = false
  control.tableStale = true
  control.stale = true
  queueArm(control.queue)
  return true
}

function has(control: NetControl, feature: u32): boolean {
  return (control.features & feature) != 0
}

/** The settings changed. */
export function controlChanged(control: NetControl): void {
  control.tableStale = true
  control.stale = true
}

/** Have the card be `mac`; false if it can not be told. */
export function controlSetAddress(control: NetControl, mac: ptr): boolean {
  if (!has(control, NetFeature.ControlAddress)) return false
  copyBytes(control.address, mac, MAC_LENGTH)
  control.addressStale = true
  control.stale = true
  return true
}

/** Whether controlPoll has something to do. */
export function controlReady(control: NetControl): boolean {
  if ((control.memory as u32) == 0) return false
  return control.busy ? queueReady(control.queue) != 0 : control.stale
}

/** Take an answer, give a command. */
export function controlPoll(control: NetControl, nic: Nic): void {
  if ((control.memory as u32) == 0) return
  if (control.busy) {
    if (queueTake(control.queue) == 0) return
    control.busy = false
    queueArm(control.queue)
    if (load8(control.memory, ANSWER) != CONTROL_OK) refused(control, nic)
  }
  if (control.stale) next(control, nic.settings)
}

/** It stays as it is: asked again, the device would say the same. Groups it can not tell apart are all let in. */
function refused(control: NetControl, nic: Nic): void {
  control.refusals += 1
  if (control.category == ControlClass.Mac && control.command == MacCommand.TableSet) {
    control.tableRefused = true
    control.stale = true
  }
  if (!logStart(Level.Warn, 'virtio-net', 'command-refused')) return
  logText('if', nicName(nic))
  logDecimal('class', control.category)
  logDecimal('command', control.command)
  logEnd()
}

/** The next command that brings the device nearer to what is wanted. */
function next(control: NetControl, settings: NicSettings): void {
  if (control.addressStale) return setAddress(control)
  if (has(control, NetFeature.ControlVlan) && addVlan(control, settings)) return
  if (has(control, NetFeature.ControlReceive)) {
    if (control.tableStale) return setTable(control, settings)
    if (setMode(control, settings)) return
  }
  if (has(control, NetFeature.ControlVlan) && removeVlan(control, settings)) return
  control.stale = false
}

/** Where the data of a command goes. */
function begin(control: NetControl, category: ControlClass, command: u32): ptr {
  const header = at<ControlHeader>(control.memory)
  header.category = category
  header.command = command
  control.category = category
  control.command = command
  return plus(control.memory, CONTROL_HEADER_SIZE)
}

/** Give the command, with `length` bytes of data, to the device. */
function give(control: NetControl, length: u32): void {
  const queue = control.queue
  store8(control.memory, ANSWER, 0xff)
  queueElement(queue, control.physical, CONTROL_HEADER_SIZE + length, DescriptorFlag.None)
  queueElement(queue, (control.physical + ANSWER) as PhysicalAddress, 1, DescriptorFlag.Write)
  queueAdd(queue, control.memory as u32)
  queueKick(queue)
  control.busy = true
}

/** virtio 1.2 §5.1.6.5.2: the address alone. */
function setAddress(control: NetControl): void {
  control.addressStale = false
  copyBytes(begin(control, ControlClass.Mac, MacCommand.AddressSet), control.address, MAC_LENGTH)
  give(control, MAC_LENGTH)
}

/** virtio 1.2 §5.1.6.5.2: two tables, of other hosts' addresses, which is empty, and of groups; lengths le32. */
function setTable(control: NetControl, settings: NicSettings): void {
  control.tableStale = false
  const data = begin(control, ControlClass.Mac, MacCommand.TableSet)
  const groups: u32 = settings.allGroups ? 0 : settings.groupCount
  store32(data, 0, 0)
  store32(data, 4, groups)
  for (let i: u32 = 0; i < groups; i++) copyBytes(plus(data, 8 + i * MAC_LENGTH), nth(settings.groups, i).mac, MAC_LENGTH)
  give(control, 8 + groups * MAC_LENGTH)
}

/** virtio 1.2 §5.1.6.5.1: the first mode that is not known to be as wanted. False: all are. */
function setMode(control: NetControl, settings: NicSettings): boolean {
  const extra: boolean = has(control, NetFeature.ControlReceiveExtra)
  const modes: u32 = extra ? MODES_USUAL | MODES_CLOSED : MODES_USUAL
  const wanted: u32 = wantedModes(control, settings)
  const wrong: u32 = modes & ((control.modes ^ wanted) | ~(control.modesKnown as u32))
  if (wrong == 0) return false
  let mode: u32 = 0
  while ((wrong & (1 << mode)) == 0) mode += 1
  const bit: u32 = 1 << mode
  control.modesKnown |= bit
  control.modes = (control.modes & ~bit) | (wanted & bit)
  store8(begin(control, ControlClass.Receive, mode), 0, (wanted & bit) != 0 ? 1 : 0)
  give(control, 1)
  return true
}

function wantedModes(control: NetControl, settings: NicSettings): u32 {
  if (!settings.running) return MODES_CLOSED
  let modes: u32 = 0
  if (settings.promiscuous) modes |= 1 << ReceiveCommand.Promiscuous
  if (settings.allGroups || control.tableRefused) modes |= 1 << ReceiveCommand.AllMulticast
  return modes
}

/** virtio 1.2 §5.1.6.5.3: a VLAN that is wanted and not let in. Frames with a priority tag have VLAN 0. */
function addVlan(control: NetControl, settings: NicSettings): boolean {
  if (!isTold(control, 0)) return tellVlan(control, 0)
  for (let i: u32 = 0; i < settings.vlanCount; i++) {
    const id: u32 = nth(settings.vlans, i).id
    if (isTold(control, id)) continue
    return control.vlanCount < VLANS_TOLD ? tellVlan(control, id) : removeVlan(control, settings)
  }
  return false
}

function isTold(control: NetControl, id: u32): boolean {
  for (let i: u32 = 0; i < control.vlanCount; i++) {
    if (nth(control.vlans, i).id == id) return true
  }
  return false
}

function tellVlan(control: NetControl, id: u32): boolean {
  nth(control.vlans, control.vlanCount).id = id
  control.vlanCount += 1
  store16(begin(control, ControlClass.Vlan, VlanCommand.Add), 0, id)
  give(control, 2)
  return true
}

/** A VLAN that is let in and no longer wanted. */
function removeVlan(control: NetControl, settings: NicSettings): boolean {
  for (let i: u32 = 0; i < control.vlanCount; i++) {
    const id: u32 = nth(control.vlans, i).id
    if (id == 0 || isWanted(settings, id)) continue
    control.vlanCount -= 1
    nth(control.vlans, i).id = nth(control.vlans, control.vlanCount).id
    store16(begin(control, ControlClass.Vlan, VlanCommand.Delete), 0, id)
    give(control, 2)
    return true
  }
  return false
}

function isWanted(settings: NicSettings, id: u32): boolean {
  for (let i: u32 = 0; i < settings.vlanCount; i++) {
    if (nth(settings.vlans, i).id == id) return true
  }
  return false
}
