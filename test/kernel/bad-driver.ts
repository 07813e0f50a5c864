// A driver that once errs: it hands the first card, or the first disk, a buffer of no bytes, which QEMU answers with
// DEVICE_NEEDS_RESET (virtio 1.2 §2.1.2). What follows is the real kernel's: boot-provoke.ts calls these after boot.

import { DiskRequest, diskFirst } from '../../kernel/drivers/block/disk.ts'
import { virtioBlkOf } from '../../kernel/drivers/block/virtio-blk.ts'
import { nicFirst } from '../../kernel/drivers/net/nic.ts'
import { packetAllocate } from '../../kernel/drivers/net/packet.ts'
import { virtioNetOf } from '../../kernel/drivers/net/virtio-net.ts'
import { queueAddOne, queueKick } from '../../kernel/drivers/virtio/queue.ts'
import { DescriptorFlag } from '../../kernel/drivers/virtio/ring.ts'
import { address, staticStruct, type PhysicalAddress } from '../../kernel/lib/layout.ts'
import { Level, logEnd, logSigned, logStart } from '../../kernel/lib/log.ts'

const request = staticStruct<DiskRequest>()

/** Have the first card, if there is one, ask for a reset. */
export function breakCard(): void {
  const nic = nicFirst()
  if (nic == null) return
  const queue = virtioNetOf(nic).transmitQueue
  const packet = packetAllocate(0)
  if (packet == null) return
  queueAddOne(queue, packet.physicalBase, 0, DescriptorFlag.None, address(packet))
  queueKick(queue)
}

/** Have the first disk, if there is one, ask for a reset. */
export function breakDisk(): void {
  const disk = diskFirst()
  if (disk == null) return
  const queue = virtioBlkOf(disk).queue
  request.completed = completed
  disk.inFlight += 1
  queueAddOne(queue, 0x1000 as PhysicalAddress, 0, DescriptorFlag.None, address(request))
  queueKick(queue)
}

function completed(done: DiskRequest): void {
  if (!logStart(Level.Info, 'test', 'completed')) return
  logSigned('result', done.result)
  logEnd()
}
