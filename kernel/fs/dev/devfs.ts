// /dev: a file system in RAM with a node for every device there is, and for every disk. Linux calls it devtmpfs. Boot context,
// and a process's.

import { diskFirst, type Disk } from '../../drivers/block/disk.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'
import { deviceFirst, type CharacterDevice } from '../device.ts'
import { FileSystemType, inodeRelease, type FileSystem, type Inode } from '../inode.ts'
import { DISK_MAJOR, DISK_MINORS, Mode, deviceNumber } from '../mode.ts'
import { fileSystemRegister } from '../mount.ts'
import { TMPFS_MAGIC, ramfsMount, ramfsType } from '../ramfs/ramfs.ts'

const type = staticStruct<FileSystemType>()

/** Once, after the devices are registered. */
export function devfsInit(): void {
  ramfsType(type, 'devtmpfs', TMPFS_MAGIC)
  type.mount = mount
  fileSystemRegister(type)
}

function mount(system: FileSystem): i32 {
  const result = ramfsMount(system)
  if (result != Errno.None) return result
  let device: CharacterDevice | null = deviceFirst()
  while (device != null) {
    const made = entry(system.root, device.name, Mode.Character | device.mode, device.number, 0 as ptr)
    if (made != Errno.None) return failed(system, made)
    device = device.next
  }
  const disks = disksMade(system.root)
  if (disks != Errno.None) return failed(system, disks)
  const shared = entry(system.root, 'shm', Mode.Directory | 0o1777, 0, 0 as ptr) // where C libraries put what shm_open and sem_open make
  if (shared != Errno.None) return failed(system, shared)
  const links = link(system.root, 'fd', '/proc/self/fd') == Errno.None && link(system.root, 'stdin', '/proc/self/fd/0') == Errno.None
    && link(system.root, 'stdout', '/proc/self/fd/1') == Errno.None && link(system.root, 'stderr', '/proc/self/fd/2') == Errno.None
  return links ? Errno.None : failed(system, Errno.OutOfMemory)
}

/** A node for each disk: names for swapon. What is on a disk can not be read through it. */
function disksMade(root: Inode): i32 {
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    const number = deviceNumber(DISK_MAJOR, disk.index * DISK_MINORS)
    const made = entry(root, disk.name as cstring, Mode.Block | 0o660, number, 0 as ptr)
    if (made != Errno.None) return made
    disk = disk.next
  }
  return Errno.None
}

function failed(system: FileSystem, error: i32): i32 {
  type.unmount(system)
  return error
}

function link(directory: Inode, name: cstring, target: cstring): i32 {
  return entry(directory, name, Mode.SymbolicLink | 0o777, 0, target as ptr)
}

function entry(directory: Inode, name: cstring, mode: u32, device: u32, target: ptr): i32 {
  const create = directory.operations.create!
  const made = create(directory, name as ptr, stringLength(name), mode, device, target)
  if (isError(made)) return errorOf(made)
  inodeRelease(at<Inode>(made as ptr))
  return Errno.None
}
