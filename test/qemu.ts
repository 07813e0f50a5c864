// Booting Porphyry in QEMU from a test: start, wait for a line, type, look inside, end. A library; no test in it.
//
// Always TCG: /dev/kvm may be there and crawl, and figures under it would not compare. The serial line is QEMU's
// standard input and output, so a line is seen the moment it is written.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type LogEvent, parseLine } from './serial-log.ts'

/** What is booted; the environment may name another build. */
export const KERNEL = process.env.PORPHYRY_ELF ?? 'build/porphyry.elf'
export const ISO = process.env.PORPHYRY_ISO ?? 'build/porphyry.iso'

/** QEMU's exit status, by what the guest wrote to isa-debug-exit. docs/contract.md. */
export const Exit = { Success: 33, Failure: 35, Panic: 37 } as const

export interface MachineOptions {
  /** The ELF, by -kernel; or an ISO, when the name ends so. */
  image?: string
  /** Kernel command line; only with an ELF. */
  append?: string
  memory?: string
  machine?: string
  cpu?: string
  /** Devices, drives and netdevs. Without a network device the machine has none. */
  args?: string[]
  /** Network namespace to start QEMU in. */
  namespace?: string
  exitDevice?: boolean
}

type Watch = { matches: (line: string) => boolean, found: (line: string) => void }

export class Machine {
  /** The serial log so far, line by line. */
  readonly lines: string[] = []
  /** When QEMU was started: performance.now(). */
  readonly started = performance.now()
  private readonly folder = mkdtempSync(join(tmpdir(), 'porphyry-qemu-'))
  private readonly child: ChildProcess
  private readonly ended: Promise<number>
  private readonly watches = new Set<Watch>()
  private readonly kill = (): void => { this.child.kill('SIGKILL') }
  private partial = ''
  private errors = ''
  private status: number | undefined

  constructor(options: MachineOptions) {
    const [command, args] = this.commandLine(options)
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    process.once('exit', this.kill) // a test that ends early takes its machine along
    this.child.stdin!.on('error', () => {}) // typing to a machine that has just ended
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => this.take(text))
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.errors += text })
    this.ended = new Promise(resolve => {
      this.child.on('error', error => { this.errors += error.message; resolve(-1) })
      this.child.on('close', (code, signal) => {
        this.status = code ?? -1
        process.off('exit', this.kill)
        if (signal) this.errors += `\nended by ${signal}`
        if (this.partial) this.take('\n')
        resolve(this.status)
      })
    })
  }

  private commandLine(options: MachineOptions): [string, string[]] {
    const { image = KERNEL, append = '', memory = '64M', machine = 'pc', cpu = 'max', args = [], exitDevice = true } = options
    if (!existsSync(image)) throw new Error(`${image} is not there: make kernel iso`)
    const boot = image.endsWith('.iso') ? ['-cdrom', image] : ['-kernel', image, '-append', append]
    const networked = args.some(arg => /^(virtio-net|e1000|rtl8139)|^(stream|tap|user|hubport),|^user$/.test(arg))
    const qemu = [
      '-accel', 'tcg', '-M', machine, '-cpu', cpu, '-m', memory, '-display', 'none', '-no-reboot', '-serial', 'stdio',
      '-monitor', `unix:${join(this.folder, 'monitor')},server=on,wait=off`,
      ...exitDevice ? ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'] : [],
      ...networked ? [] : ['-nic', 'none'], ...boot, ...args,
    ]
    return options.namespace
      ? ['ip', ['netns', 'exec', options.namespace, 'qemu-system-x86_64', ...qemu]]
      : ['qemu-system-x86_64', qemu]
  }

  /** The log's events: the lines that are events. */
  get events(): LogEvent[] {
    return this.lines.map(parseLine).filter(event => event !== undefined)
  }

  /** The events of one subsystem, of one name if given. */
  eventsOf(subsystem: string, event?: string): LogEvent[] {
    return this.events.filter(each => each.subsystem === subsystem && (event === undefined || each.event === event))
  }

  get log(): string {
    return this.lines.join('\n')
  }

  /** The first line that matches, already there or to come within `seconds`; an error with the log's end otherwise. */
  async until(pattern: RegExp, seconds = 10): Promise<string> {
    const already = this.lines.find(line => pattern.test(line))
    if (already !== undefined) return already
    return await new Promise((resolve, reject) => {
      const watch: Watch = { matches: line => pattern.test(line), found: line => { settle(); resolve(line) } }
      const settle = () => { clearTimeout(limit); this.watches.delete(watch) }
      const fail = (why: string) => { settle(); reject(new Error(`${why}: no line ${pattern}\n${this.tail()}`)) }
      const limit = setTimeout(() => fail(`${seconds} s passed`), seconds * 1000)
      this.watches.add(watch)
      void this.ended.then(status => { if (this.watches.has(watch)) fail(`QEMU ended with status ${status}`) })
    })
  }

  /** The event of the first line that matches. */
  async event(pattern: RegExp, seconds = 10): Promise<LogEvent> {
    const line = await this.until(pattern, seconds)
    const event = parseLine(line)
    if (!event) throw new Error(`not an event of the log: ${line}`)
    return event
  }

  /** QEMU's exit status once the guest has ended it; an error with the log's end if it runs on after `seconds`. */
  async exit(seconds = 20): Promise<number> {
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<undefined>(resolve => { limit = setTimeout(() => resolve(undefined), seconds * 1000) })
    const status = await Promise.race([this.ended, late])
    clearTimeout(limit)
    if (status === undefined) throw new Error(`still running after ${seconds} s\n${this.tail()}`)
    return status
  }

  get running(): boolean {
    return this.status === undefined
  }

  /** Send bytes to COM1. */
  type(text: string): void {
    this.child.stdin!.write(text, 'latin1')
  }

  /** One command of QEMU's monitor; its output, without echo and prompt. */
  async monitor(command: string): Promise<string> {
    const socket = connect(join(this.folder, 'monitor'))
    let text = ''
    const prompt = () => new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!text.endsWith('(qemu) ')) return
        socket.off('data', look)
        resolve(text)
      }
      socket.on('data', look).once('error', reject).once('close', () => resolve(text))
    })
    socket.setEncoding('latin1').on('data', (data: unknown) => { text += String(data) })
    await prompt()
    text = ''
    socket.write(command + '\n')
    const answer = await prompt()
    socket.destroy()
    return answer.replace(/^[^\n]*\n/, '').replace(/\(qemu\) $/, '').replaceAll('\r', '')
  }

  /** Stop the machine, if it still runs, and remove its files. Killed by its process id, never by name. */
  async end(): Promise<void> {
    if (this.status === undefined) this.kill()
    await this.ended
    rmSync(this.folder, { recursive: true, force: true })
  }

  private take(text: string): void {
    const lines = (this.partial + text).split(/\r?\n/)
    this.partial = lines.pop()!
    for (const line of lines) {
      this.lines.push(line)
      for (const watch of [...this.watches]) if (watch.matches(line)) watch.found(line)
    }
  }

  private tail(): string {
    return [...this.lines.slice(-25), this.errors].join('\n').trim()
  }
}

/**
 * A test with a machine: started before `body`, ended after it. When the test fails, the whole serial log
 * goes into its output as comments.
 */
export async function booted(
  t: Test, name: string, options: MachineOptions, body: (t: Test, machine: Machine) => Promise<void>,
): Promise<void> {
  await t.test(name, async t => {
    const machine = new Machine(options)
    let failed = true
    try {
      await body(t, machine)
      failed = !t.passing()
    } finally {
      await machine.end()
      if (failed) t.comment(`serial log:\n${machine.log}`)
    }
  })
}
