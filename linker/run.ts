// Booting what was built, for a person: QEMU with a network card, a disk and the log on the terminal.

import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { buildIso } from '../iso/build.ts'
import { KERNEL_ELF, buildKernel } from './build.ts'
import { ROOT } from './cache.ts'
import { buildProgram } from './program.ts'
import { FORWARDS, type Forward, type MachineOptions, exitMeaning, qemuArguments } from './qemu.ts'
import { ramDisk } from './ram-disk.ts'

const QEMU = 'qemu-system-x86_64'
const GDB = 'gdb'
const DISK = 'build/disk.img'
const DISK_BYTES = 64 << 20
const SUCCESS = 33

export interface RunOptions {
  readonly kernel: boolean // boot the ELF, not the ISO
  readonly append: string
  readonly memory: string
  readonly machine: string
  readonly cpu: string
  readonly disk?: string | undefined // a path, or 'none'
  readonly net: string
  readonly pcap?: string | undefined
  readonly debug: boolean
  readonly initrd?: string | undefined // a RAM disk
  readonly publish: readonly string[] // HOST[:GUEST]: TCP ports of the guest that are this machine's, too
  /** A program to run in ring 3, TypeScript or an executable, and its arguments. */
  readonly program?: { readonly file: string, readonly arguments: readonly string[] } | undefined
}

const say = (text: string): void => { process.stderr.write(`porphyry: ${text}\n`) }

/** The disk to use: the one that was named, or build/disk.img, made empty (and sparse) if it is not there. */
function diskOf(named: string | undefined): string | undefined {
  if (named === 'none') return undefined
  if (named !== undefined) {
    if (!fs.existsSync(named)) throw new Error(`there is no disk ${named}`)
    return named
  }
  const file = path.join(ROOT, DISK)
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, '')
    fs.truncateSync(file, DISK_BYTES)
  }
  return DISK
}

/** Whether a port of the loopback interface can be listened on. */
function isFree({ protocol, host }: Forward): Promise<boolean> {
  return new Promise(resolve => {
    const socket = protocol === 'udp' ? dgram.createSocket('udp4') : net.createServer()
    socket.once('error', () => resolve(false))
    const bound = (): void => { socket.close(() => resolve(true)) }
    if (socket instanceof net.Server) socket.listen(host, '127.0.0.1', bound)
    else socket.bind(host, '127.0.0.1', bound)
  })
}

/** Those whose host port is free; QEMU would not start with one that is not. */
async function freeForwards(forwards: readonly Forward[]): Promise<Forward[]> {
  const free: Forward[] = []
  for (const each of forwards) {
    if (await isFree(each)) free.push(each)
    else say(`port ${each.host} of this machine is taken: ${each.protocol} ${each.guest} of the guest is not forwarded`)
  }
  return free
}

/** `HOST[:GUEST]` as a forward. */
function published(text: string): Forward {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text)
  if (match === null) throw new Error(`--publish takes HOST[:GUEST], two ports, not ${text}`)
  return { protocol: 'tcp', host: Number(match[1]), guest: Number(match[2] ?? match[1]) }
}

/** The executable of a program: compiled, if it is TypeScript or JavaScript. */
function executableOf(file: string): string {
  if (!fs.existsSync(file)) throw new Error(`there is no program ${file}`)
  return /\.[cm]?[jt]s$/.test(file) ? buildProgram(file) : file
}

/** The RAM disk with the program on it, and the kernel command line that starts it. */
function withProgram(options: RunOptions): RunOptions {
  const { program } = options
  if (program === undefined) return options
  if (options.initrd !== undefined) throw new Error('a program comes on a RAM disk of its own: either a program or --initrd')
  const name = path.basename(program.file).replace(/\.[cm]?[jt]s$/, '')
  const initrd = ramDisk({ [`bin/${name}`]: { from: executableOf(program.file) } })
  const line = [options.append, `init=/bin/${name}`, ...program.arguments].filter(each => each !== '')
  return { ...options, initrd, append: line.join(' ') }
}

/** The image to boot, built if need be. A RAM disk comes with the ELF only. */
async function imageOf(options: RunOptions): Promise<{ kernel?: string, iso?: string, append?: string, initrd?: string | undefined }> {
  const { elf } = await buildKernel()
  if (options.kernel || options.debug || options.initrd !== undefined) {
    return { kernel: path.relative(ROOT, elf), append: options.append, initrd: options.initrd }
  }
  if (options.append === '') return { iso: path.relative(ROOT, buildIso({ elf }).iso) }
  return { iso: path.relative(ROOT, buildIso({ elf, output: 'build/run.iso', commandLine: options.append }).iso) }
}

/** Run a program on this terminal; its exit status, or -1 when a signal ended it or it could not be started. */
function foreground(command: string, args: readonly string[], ready?: () => void): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: ROOT })
    const ignore = (): void => {} // an interrupt from the keyboard is the child's to act on
    process.on('SIGINT', ignore)
    child.on('spawn', () => ready?.())
    child.on('error', error => { say(`${command} did not start: ${error.message}`) })
    child.on('close', code => { process.off('SIGINT', ignore); resolve(code ?? -1) })
  })
}

/** QEMU, stopped before the first instruction, and gdb connected to it; the guest's log goes to build/serial.log. */
async function debug(machine: MachineOptions): Promise<number> {
  const socket = `build/gdb-${process.pid}.sock`
  const log = 'build/serial.log'
  const args = qemuArguments({ ...machine, gdbSocket: socket, serialLog: log })
  const qemu = spawn(QEMU, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  for (let tries = 0; !fs.existsSync(path.join(ROOT, socket)) && tries < 100; tries++) {
    await new Promise(done => setTimeout(done, 50))
  }
  say(`the log goes to ${log}; gdb stops at kernelMain, continue with c`)
  const commands = [`target remote ${socket}`, 'hbreak f_kernelMain', 'continue'].flatMap(each => ['-ex', each])
  const status = await foreground(GDB, ['-q', KERNEL_ELF, ...commands])
  qemu.kill()
  fs.rmSync(path.join(ROOT, socket), { force: true })
  return status
}

/** Build, boot, wait for the end. QEMU's exit status, but 0 for success: what `make run` returns. */
export async function run(given: RunOptions): Promise<number> {
  const options = withProgram(given)
  const image = await imageOf(options)
  const machine: MachineOptions = {
    ...image, memory: options.memory, machine: options.machine, cpu: options.cpu, net: options.net,
    disk: diskOf(options.disk), pcap: options.pcap,
    forwards: options.net === 'user' ? await freeForwards([...FORWARDS, ...options.publish.map(published)]) : [],
  }
  const args = qemuArguments(machine)
  if (options.debug) return await debug(machine)
  for (const each of machine.forwards ?? []) {
    say(`${each.protocol} port ${each.guest} of the guest is 127.0.0.1:${each.host} here`)
  }
  say(`${QEMU} ${args.map(each => /[ ;]/.test(each) ? `'${each}'` : each).join(' ')}`)
  const status = await foreground(QEMU, args)
  say(`${exitMeaning(status)} (QEMU's status ${status})`)
  if (options.pcap !== undefined) say(`what crossed the wire is in ${options.pcap}`)
  return status === SUCCESS ? 0 : status
}
