// One instance of a program in an engine, and what a test does with it: call its functions, look into its memory.
// linker/intrinsics/host.ts and test/native/glue.cc describe the memory.

import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import vm from 'node:vm'
import { ROOT } from '../linker/cache.ts'
import type { HostScript } from '../linker/host-program.ts'
import { createHost, HOST_KERNEL_SIZE, HOST_USER_SIZE, HOST_USER_UNMAPPED } from '../linker/intrinsics/host.ts'

const KERNEL_BASE = 0x80000000

export interface Engine {
  readonly kind: 'node' | 'native'
  /** A fresh instance: variables, statics and memory as at the start. */
  start(): Instance
}

/** What the two engines do differently. */
interface Inside {
  readonly arity: ReadonlyMap<string, number>
  readonly kernel: Uint8Array
  readonly user: Uint8Array
  readonly end: number // first address of kernel memory that the program does not use itself
  call(name: string, args: number[]): number
}

export class Instance {
  #inside: Inside
  #free: number
  #userFree = HOST_USER_UNMAPPED

  constructor(readonly kind: Engine['kind'], inside: Inside) {
    this.#inside = inside
    this.#free = inside.end
  }

  /**
   * Call an export. Arguments are taken modulo 2^32; the result is a signed i32 (`>>> 0` makes a u32 or an
   * address of it), 0 and 1 for a boolean, 0 for a function without one. A fault is an Error.
   */
  call(name: string, ...args: number[]): number {
    const arity = this.#inside.arity.get(name)
    if (arity === undefined) throw new Error(`the program exports no function ${name}`)
    if (arity !== args.length) throw new Error(`${name} takes ${arity} arguments, not ${args.length}`)
    return this.#inside.call(name, args.map(each => each | 0))
  }

  /** `bytes` zeroed bytes of kernel memory; nothing frees them. */
  alloc(bytes: number, alignment = 16): number {
    const address = Math.ceil(this.#free / alignment) * alignment
    if (address + bytes > KERNEL_BASE + HOST_KERNEL_SIZE) throw new Error('the kernel arena is full')
    this.#free = address + bytes
    return address
  }

  /** `bytes` zeroed bytes of user memory. */
  userAlloc(bytes: number, alignment = 16): number {
    const address = Math.ceil(this.#userFree / alignment) * alignment
    if (address + bytes > HOST_USER_SIZE) throw new Error('the user arena is full')
    this.#userFree = address + bytes
    return address
  }

  /** The memory at `address`, signed or unsigned: a view, not a copy. */
  bytes(address: number, length: number): Uint8Array {
    const at = address >>> 0
    const [arena, start] = at >= KERNEL_BASE ? [this.#inside.kernel, at - KERNEL_BASE] : [this.#inside.user, at]
    if (start + length > arena.length) throw new Error(`no ${length} bytes at 0x${at.toString(16)}`)
    return arena.subarray(start, start + length)
  }

  write(address: number, bytes: ArrayLike<number>): void {
    this.bytes(address, bytes.length).set(bytes)
  }

  /** A zero-terminated copy of `text` in kernel memory. */
  cstring(text: string): number {
    const bytes = Buffer.from(`${text}\0`, 'utf8')
    const address = this.alloc(bytes.length)
    this.write(address, bytes)
    return address
  }

  /** The text up to the zero byte at or after `address`. */
  text(address: number): string {
    const at = address >>> 0
    const [arena, start] = at >= KERNEL_BASE ? [this.#inside.kernel, at - KERNEL_BASE] : [this.#inside.user, at]
    const end = arena.indexOf(0, start)
    return Buffer.from(arena.subarray(start, end)).toString('utf8')
  }

  /** Four bytes, least significant first, unsigned. */
  read32(address: number): number {
    const [a, b, c, d] = this.bytes(address, 4)
    return (a! | (b! << 8) | (c! << 16) | (d! << 24)) >>> 0
  }

  write32(address: number, value: number): void {
    this.write(address, [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24])
  }
}

type Script = (intrinsics: object) => {
  exports: Record<string, (...args: number[]) => number | undefined>
  references: ((...args: number[]) => number)[]
}

export class NodeEngine implements Engine {
  readonly kind = 'node'
  #script: HostScript
  #instantiate: Script

  /** `file`: what linker/host-program.ts calls `javascript`. */
  constructor(file: string) {
    this.#script = JSON.parse(fs.readFileSync(file, 'utf8')) as HostScript
    const filename = file.replace(/json$/, 'js')
    this.#instantiate = new vm.Script(this.#script.code, { filename }).runInThisContext() as Script
  }

  start(): Instance {
    const { layout, strings, arity } = this.#script
    const host = createHost(layout, Buffer.from(strings, 'base64'))
    const { exports, references } = this.#instantiate(host.intrinsics)
    host.references = references
    return new Instance(this.kind, {
      arity: new Map(Object.entries(arity)),
      kernel: new Uint8Array(host.kernel.buffer),
      user: new Uint8Array(host.user.buffer),
      end: layout.end,
      call: (name, args) => exports[name]!(...args) ?? 0,
    })
  }
}

interface Module {
  call(number: number, ...args: number[]): number
  kernel: ArrayBuffer
  user: ArrayBuffer
  end: number
  exports: Record<string, [number: number, arity: number]>
}

export class NativeEngine implements Engine {
  readonly kind = 'native'

  /** `file`: what linker/host-program.ts calls `module`. */
  constructor(readonly file: string) {}

  /** The loader knows a file by its inode, so each instance is a copy; it stays loaded until Node ends. */
  start(): Instance {
    const directory = path.join(ROOT, 'build', 'test', 'instances')
    fs.mkdirSync(directory, { recursive: true })
    const copy = path.join(directory, `${randomUUID()}.node`)
    const holder = { exports: {} }
    try {
      fs.copyFileSync(this.file, copy)
      process.dlopen(holder, copy)
    } finally {
      fs.rmSync(copy, { force: true })
    }
    const { call, kernel, user, end, exports } = holder.exports as Module
    const numbers = new Map(Object.entries(exports))
    return new Instance(this.kind, {
      arity: new Map([...numbers].map(([name, [, arity]]) => [name, arity])),
      kernel: new Uint8Array(kernel),
      user: new Uint8Array(user),
      end,
      call: (name, args) => call(numbers.get(name)![0], ...args),
    })
  }
}
