// A virtual machine under measurement: started, watched on its serial console, ended. Both guests get the same
// processor, board, memory and devices from here, so that nothing but the guest differs between two runs.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { benchDirectory } from './results.ts'

/** What may differ between two machines. */
export interface MachineOptions {
  /** `-kernel` and what belongs to it, or `-cdrom`. */
  boot: string[]
  /** MiB; QEMU's own default (128) if absent. */
  memory?: number
  /** Join this network; without it the machine has no card. */
  network?: Network
}

/** A running machine. */
export interface Machine {
  /** Resolves with the seconds from QEMU's start to the first console line that matches; rejects after `seconds`. */
  until(pattern: RegExp, seconds: number): Promise<number>
  /** End QEMU and wait for it. */
  stop(): Promise<void>
}

const PROCESSOR = ['-accel', 'tcg', '-M', 'pc', '-cpu', 'max']
const GUEST_MAC = '52:54:00:77:00:02'
/** Bytes of the disk both guests get: sparse, all zero. */
const DISK_SIZE = 64 << 20

/** Start QEMU. One virtio-blk always, one virtio-net if there is a network. */
export function startMachine(options: MachineOptions): Machine {
  const disk = emptyDisk()
  const args = [
    ...PROCESSOR, ...options.boot,
    ...(options.memory === undefined ? [] : ['-m', String(options.memory)]),
    '-drive', `file=${disk},if=none,id=disk,format=raw,cache=writeback`,
    '-device', 'virtio-blk-pci,drive=disk',
    ...(options.network === undefined ? ['-nic', 'none'] : options.network.card),
    '-device', 'isa-debug-exit,iobase=0xf4,iosize=4',
    '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot',
  ]
  const command = ['qemu-system-x86_64', ...args]
  if (options.network !== undefined) command.unshift(...options.network.inside)
  const started = performance.now()
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  return watch(child, started, disk)
}

/** Follow a machine's console; `disk` is removed with it. */
function watch(child: ChildProcess, started: number, disk: string): Machine {
  let text = ''
  let ended = false
  const waiting = new Set<() => void>()
  const wakeAll = (): void => { for (const each of [...waiting]) each() }
  const take = (data: Buffer): void => { text += data.toString('latin1'); wakeAll() }
  child.stdout!.on('data', take)
  child.stderr!.on('data', take)
  const exit = new Promise<void>((resolve) => child.once('close', () => { ended = true; wakeAll(); resolve() }))
  const kill = (): void => { child.kill('SIGKILL'); rmSync(disk, { force: true }) }
  process.once('exit', kill)

  const until = (pattern: RegExp, seconds: number): Promise<number> => new Promise((resolve, reject) => {
    const finish = (act: () => void): void => { waiting.delete(look); clearTimeout(limit); act() }
    const fail = (why: string): void => finish(() => reject(new Error(`${why} before ${pattern}; console:\n${text}`)))
    const look = (): void => {
      const now = performance.now()
      if (pattern.test(text)) finish(() => resolve((now - started) / 1000))
      else if (ended) fail('QEMU ended')
    }
    const limit = setTimeout(() => fail(`${seconds} s passed`), seconds * 1000)
    waiting.add(look)
    look()
  })
  const stop = async (): Promise<void> => {
    if (!ended) child.kill('SIGTERM')
    await exit
    rmSync(disk, { force: true })
    process.removeListener('exit', kill)
  }
  return { until, stop }
}

/** A disk of zeros, made anew for each machine so that no guest finds what another wrote. */
function emptyDisk(): string {
  mkdirSync(benchDirectory(), { recursive: true })
  const path = join(benchDirectory(), `disk-${process.pid}.img`)
  const file = openSync(path, 'w')
  ftruncateSync(file, DISK_SIZE)
  closeSync(file)
  return path
}

/** A network of its own: a namespace with one tap, on which the guest's card hangs. */
export interface Network {
  /** The guest's address with prefix length, free of any other use inside the namespace. */
  guest: string
  /** What to put before a command to run it in the namespace. */
  inside: string[]
  /** QEMU's options for the card. */
  card: string[]
  /** Take the namespace away, and the tap with it. */
  remove(): void
}

/** Make a network. Needs root and /dev/net/tun; throws if either is missing. */
export function makeNetwork(): Network {
  const name = `porphyry-bench-${process.pid}`
  const inside = ['ip', 'netns', 'exec', name]
  const ip = (...args: string[]): void => { execFileSync('ip', args, { stdio: 'pipe' }) }
  const remove = (): void => { execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' }) }
  ip('netns', 'add', name)
  try {
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap')
    ip('-n', name, 'addr', 'add', '10.77.0.1/24', 'dev', 'tap0')
    ip('-n', name, 'link', 'set', 'tap0', 'up')
  } catch (error) {
    remove()
    throw error
  }
  return {
    guest: '10.77.0.2/24',
    inside,
    card: [
      '-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no',
      '-device', `virtio-net-pci,netdev=net,mac=${GUEST_MAC}`,
    ],
    remove,
  }
}
