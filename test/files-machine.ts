// A machine with memory and files, for the unit tests of kernel/fs: calls by the names Node has for them.

import type { Engine, Instance } from './engine-instance.ts'

const PAGE = 4096
const BASE = 0x80000000
/** AT_FDCWD. */
export const CWD = -100

/** Errors of kernel/lib/errno.ts by Linux's names. */
const NAMES: Record<number, string> = {
  1: 'EPERM', 2: 'ENOENT', 3: 'ESRCH', 4: 'EINTR', 5: 'EIO', 6: 'ENXIO', 9: 'EBADF', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES', 14: 'EFAULT',
  16: 'EBUSY', 17: 'EEXIST', 18: 'EXDEV', 19: 'ENODEV', 20: 'ENOTDIR', 21: 'EISDIR', 22: 'EINVAL', 23: 'ENFILE', 24: 'EMFILE', 25: 'ENOTTY',
  26: 'ETXTBSY',
  27: 'EFBIG', 28: 'ENOSPC', 29: 'ESPIPE', 30: 'EROFS', 31: 'EMLINK', 32: 'EPIPE', 34: 'ERANGE', 35: 'EDEADLK', 36: 'ENAMETOOLONG',
  37: 'ENOLCK', 39: 'ENOTEMPTY', 40: 'ELOOP', 75: 'EOVERFLOW', 95: 'EOPNOTSUPP',
}

export const errorName = (result: number): string => NAMES[-result] ?? `error ${result}`

export interface Status {
  device: number, inode: number, links: number, mode: number, uid: number, gid: number, rdev: number, size: number, blocks: number
  accessed: number, modified: number, changed: number
}

export class Files {
  readonly m: Instance
  #buffer: number
  #path: number
  #other: number

  constructor(engine: Engine, pages = 3000) {
    this.m = engine.start()
    const start = this.m.alloc(pages * PAGE, PAGE) - BASE
    this.m.call('framesAddRegion', start, start + pages * PAGE)
    this.m.call('heapInit')
    this.m.call('keepLog')
    this.m.call('randomSeed', this.m.cstring('a seed'), 6)
    this.m.call('processesInit')
    this.m.call('wallClockSet', 1_000_000)
    if (this.m.call('fsInit') !== 0) throw new Error('fsInit')
    this.#buffer = this.m.alloc(1 << 20, 16)
    this.#path = this.m.alloc(8192)
    this.#other = this.m.alloc(8192)
  }

  /** A call's result: a number, or the name of an error. */
  call(name: string, ...args: number[]): number | string {
    const result = this.m.call(name, ...args)
    return result < 0 ? errorName(result) : result
  }

  path(text: string, other = false): number {
    const at = other ? this.#other : this.#path
    this.m.write(at, Buffer.from(`${text}\0`, 'latin1'))
    return at
  }

  put(bytes: Uint8Array): number {
    this.m.write(this.#buffer, bytes)
    return this.#buffer
  }

  open(path: string, flags = 0, mode = 0o666, directory = CWD): number | string { return this.call('open', directory, this.path(path), flags, mode) }
  close(descriptor: number): number | string { return this.call('close', descriptor) }
  write(descriptor: number, bytes: Uint8Array | string): number | string {
    const data = Buffer.from(bytes)
    return this.call('write', descriptor, this.put(data), data.length)
  }
  read(descriptor: number, count = 65536): string {
    const result = this.call('read', descriptor, this.#buffer, count)
    return typeof result === 'string' ? result : Buffer.from(this.m.bytes(this.#buffer, result)).toString('latin1')
  }
  pread(descriptor: number, count: number, position: number): string {
    const result = this.call('pread', descriptor, this.#buffer, count, position)
    return typeof result === 'string' ? result : Buffer.from(this.m.bytes(this.#buffer, result)).toString('latin1')
  }
  pwrite(descriptor: number, text: string, position: number): number | string {
    return this.call('pwrite', descriptor, this.put(Buffer.from(text)), text.length, position)
  }
  lseek(descriptor: number, offset: number, whence = 0): number | string { return this.call('lseek', descriptor, offset, whence) }
  mkdir(path: string, mode = 0o777): number | string { return this.call('mkdir', CWD, this.path(path), mode) }
  mknod(path: string, mode: number, device = 0): number | string { return this.call('mknod', CWD, this.path(path), mode, device) }
  symlink(target: string, path: string): number | string { return this.call('symlink', this.path(target, true), CWD, this.path(path)) }
  link(from: string, to: string, flags = 0): number | string { return this.call('link', this.path(from, true), this.path(to), flags) }
  unlink(path: string): number | string { return this.call('unlink', CWD, this.path(path), 0) }
  rmdir(path: string): number | string { return this.call('unlink', CWD, this.path(path), 0x200) }
  rename(from: string, to: string, flags = 0): number | string { return this.call('rename', this.path(from, true), this.path(to), flags) }
  truncate(path: string, size: number): number | string { return this.call('truncate', this.path(path), size) }
  chmod(path: string, mode: number): number | string { return this.call('chmod', CWD, this.path(path), mode) }
  access(path: string, mode: number): number | string { return this.call('access', CWD, this.path(path), mode, 0) }
  chdir(path: string): number | string { return this.call('chdir', this.path(path)) }
  mount(type: string, target: string, flags = 0): number | string {
    const name = this.m.cstring(type)
    return this.call('mount', name, this.path(target), name, flags)
  }
  umount(target: string): number | string { return this.call('umount', this.path(target)) }
  poll(descriptor: number): number { return this.m.call('poll', descriptor) }

  getcwd(room = 4096): string {
    const result = this.call('getcwd', this.#buffer, room)
    return typeof result === 'string' ? result : this.m.text(this.#buffer)
  }

  readlink(path: string, room = 4096): string {
    const result = this.call('readlink', CWD, this.path(path), this.#buffer, room)
    return typeof result === 'string' ? result : Buffer.from(this.m.bytes(this.#buffer, result)).toString('latin1')
  }

  stat(path: string, follow = true): Status | string {
    const result = this.call('stat', CWD, this.path(path), this.#buffer, follow ? 0 : 0x100)
    return typeof result === 'string' ? result : this.#status()
  }
  fstat(descriptor: number): Status | string {
    const result = this.call('fstat', descriptor, this.#buffer)
    return typeof result === 'string' ? result : this.#status()
  }

  /** struct stat of x86-64. */
  #status(): Status {
    const view = new DataView(Uint8Array.from(this.m.bytes(this.#buffer, 144)).buffer)
    const long = (at: number) => Number(view.getBigInt64(at, true))
    return {
      device: long(0), inode: long(8), links: long(16), mode: view.getUint32(24, true), uid: view.getUint32(28, true), gid: view.getUint32(32, true),
      rdev: long(40), size: long(48), blocks: long(64), accessed: long(72), modified: long(88), changed: long(104),
    }
  }

  /** The names in a directory, "." and ".." included, with their types. */
  list(path: string, room = 32768): [name: string, type: number][] | string {
    const descriptor = this.open(path, 0o200000)
    if (typeof descriptor === 'string') return descriptor
    const found: [string, number][] = []
    for (;;) {
      const result = this.call('getdents', descriptor, this.#buffer, room)
      if (typeof result === 'string') throw new Error(`getdents: ${result}`)
      if (result === 0) break
      const bytes = Buffer.from(this.m.bytes(this.#buffer, result))
      for (let at = 0; at < result; at += bytes.readUInt16LE(at + 16)) {
        found.push([bytes.toString('latin1', at + 19, bytes.indexOf(0, at + 19)), bytes[at + 18]!])
      }
    }
    this.close(descriptor)
    return found
  }
  names(path: string, room?: number): string[] | string {
    const entries = this.list(path, room)
    return typeof entries === 'string' ? entries : entries.map(([name]) => name).filter(name => name !== '.' && name !== '..').sort()
  }

  /** A whole file. */
  file(path: string): string {
    const descriptor = this.open(path)
    if (typeof descriptor === 'string') return descriptor
    let text = ''
    for (;;) {
      const piece = this.read(descriptor)
      if (piece === '') break
      text += piece
    }
    this.close(descriptor)
    return text
  }
  save(path: string, contents: string, flags = 0o1101): number | string {
    const descriptor = this.open(path, flags)
    if (typeof descriptor === 'string') return descriptor
    const result = contents === '' ? 0 : this.write(descriptor, contents)
    this.close(descriptor)
    return result
  }

  /** What nothing may be left of between two calls. */
  left(): Record<string, number> {
    return { walks: this.m.call('walksLeft'), open: this.m.call('openFiles'), pipes: this.m.call('pipesLeft') }
  }

  shown(): string {
    const at = this.m.call('shownAt')
    return Buffer.from(this.m.bytes(at, this.m.call('shownCount'))).toString('latin1')
  }
  type(text: string): number {
    const bytes = Buffer.from(text, 'latin1')
    return this.m.call('type', this.put(bytes), bytes.length)
  }
}
