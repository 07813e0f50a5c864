// A virtual machine under measurement. Both guests get the same processor, board, memory and devices from here,
// so that nothing but the guest differs between two runs.

import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Namespace } from '../namespace.ts'
import { Machine } from '../qemu.ts'
import { linuxCommandLine, LINUX_READY, type LinuxGuest } from './linux-guest.ts'
import { PORPHYRY_ELF, PORPHYRY_READY } from './porphyry.ts'
import { benchDirectory } from './results.ts'

/** What to boot, and how one sees that it is there. */
export interface Guest {
  image: string
  /** Kernel command line. */
  append: string
  /** QEMU's options that belong to the image. */
  args: string[]
  ready: RegExp
}

/** The Linux guest with eth0 at `address`, `10.77.0.2/24`; null leaves the card down. */
export function linux(guest: LinuxGuest, address: string | null, more = ''): Guest {
  const args = ['-initrd', guest.initramfs]
  return { image: guest.kernel, append: linuxCommandLine(address, more), args, ready: LINUX_READY }
}

/** Porphyry by -kernel, eth0 likewise. */
export function porphyry(address: string | null, more = '', image = PORPHYRY_ELF): Guest {
  const ready = address === null ? PORPHYRY_READY : /net: up .*ip=/
  return { image, append: `eth0=${address ?? 'off'} swap=none ${more}`.trim(), args: [], ready }
}

/** Where a machine hangs on the wire; none has no card. */
export interface Wire {
  namespace: Namespace
  /** Of the guest, with its prefix length. */
  guest: string
  /** Properties of the card, `csum=off`; none if it is left out. */
  device?: string
}

/** A card that leaves checksums and segmentation to the guest, both ways: for Wire.device. */
export const NO_OFFLOADS = 'csum=off,guest_csum=off,gso=off,' +
  ['host', 'guest'].flatMap(side => ['tso4', 'tso6', 'ecn', 'ufo'].map(each => `${side}_${each}=off`)).join()

export const GUEST_MAC = '52:54:00:77:00:02'
/** Bytes of the disk every guest gets: sparse, all zero. */
const DISK_SIZE = 64 << 20
/** Seconds after which a guest is taken to hang. */
const BOOT_LIMIT = 60

/**
 * Boot a guest, wait until it is ready, let `use` have it, end it. The machine has one virtio-blk disk of zeros,
 * and one virtio-net card if there is a wire. `seconds` of `use` are those from QEMU's start to ready.
 */
export async function withMachine<T>(
  guest: Guest, memory: string, wire: Wire | null, use: (seconds: number, machine: Machine) => T | Promise<T>,
): Promise<T> {
  const disk = emptyDisk()
  const drive = `file=${disk},if=none,id=disk,format=raw,cache=writeback`
  const card = wire === null ? [] : wire.namespace.card(GUEST_MAC, { device: wire.device ?? '' })
  const machine = new Machine({
    image: guest.image, append: guest.append, memory, machine: 'pc', cpu: 'max',
    args: [...guest.args, '-drive', drive, '-device', 'virtio-blk-pci,drive=disk', ...card],
    ...(wire === null ? {} : { namespace: wire.namespace.name }),
  })
  const end = async (): Promise<void> => {
    const ended = machine.end() // kills QEMU before it returns
    rmSync(disk, { force: true })
    await ended
  }
  process.once('exit', end)
  try {
    await machine.until(guest.ready, BOOT_LIMIT)
    return await use((performance.now() - machine.started) / 1000, machine)
  } finally {
    process.removeListener('exit', end)
    await end()
  }
}

/**
 * Make a namespace with a tap, let `use` have it, take it away, also if the process is ended meanwhile. Needs root and
 * /dev/net/tun.
 */
export async function withWire<T>(use: (wire: Wire) => Promise<T>): Promise<T> {
  const endings: Array<() => Promise<void>> = []
  const namespace = await Namespace.create({ teardown: (remove) => endings.push(remove) }, '10.77.0.1/24')
  const interrupted = (): void => { execFileSync('ip', ['netns', 'del', namespace.name]) }
  process.once('exit', interrupted)
  try {
    return await use({ namespace, guest: '10.77.0.2/24' })
  } finally {
    process.removeListener('exit', interrupted)
    for (const end of endings) await end()
  }
}

/** A disk made anew for each machine, so that no guest finds what another wrote. */
function emptyDisk(): string {
  mkdirSync(benchDirectory(), { recursive: true })
  const path = join(benchDirectory(), `disk-${process.pid}.img`)
  const file = openSync(path, 'w')
  ftruncateSync(file, DISK_SIZE)
  closeSync(file)
  return path
}
