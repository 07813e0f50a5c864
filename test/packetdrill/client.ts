// The packetdrill library from a test: test/native/packetdrill-client.c in a process of its own, asked line by line.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cachedFile, filesIn, hashOf, ROOT } from '../../linker/cache.ts'
import { CLANG, run } from '../../linker/object.ts'
import { hex, type Bytes } from '../wire/bytes.ts'
import { buildLibrary } from './build.ts'

const SOURCE = 'test/native/packetdrill-client.c'
const OPTIONS = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread']

/** What a call gave: its result or, negative, errno's name; and the words behind. */
export interface Answer { result: number, error: string, words: string[] }

/** Linux's numbers, x86-64. */
export const AF_INET = 2
export const SOCK = { stream: 1, datagram: 2, raw: 3 } as const
export const MSG = { peek: 2, truncate: 0x20, dontWait: 0x40, waitAll: 0x100 } as const
export const POLL = { in: 1, out: 4, error: 8, hangUp: 16, invalid: 32 } as const

function buildClient(): string {
  return cachedFile('packetdrill-client', hashOf(filesIn(SOURCE, 'test/packetdrill/interface.h'), OPTIONS.join(' ')), '',
    draft => run(CLANG, [...OPTIONS, join(ROOT, SOURCE), '-o', draft]))
}

export class Client {
  /** Answers of the second thread, each with how many calls of the first had been answered before it. */
  readonly apart: { answer: Answer, after: number }[] = []
  /** Everything asked and answered, in order: the same in every run. */
  readonly transcript: string[] = []
  private answered = 0
  private readonly waiting: { take: (line: string) => void, fail: (error: Error) => void }[] = []

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
    createInterface({ input: child.stdout }).on('line', line => this.heard(line))
    child.on('close', status => {
      for (const each of this.waiting.splice(0)) each.fail(new Error(`the client ended with status ${status}\n${errors}`))
    })
  }

  /** A stack of its own. `flags` as for packetdrill's --so_flags. */
  static async start(owner: { teardown(end: () => void): unknown }, flags = ''): Promise<Client> {
    const client = new Client(spawn(buildClient(), [await buildLibrary(), flags], { stdio: 'pipe' }))
    owner.teardown(() => { client.child.stdin.end() })
    return client
  }

  private heard(line: string): void {
    this.transcript.push(line)
    if (line.startsWith('&')) {
      this.apart.push({ answer: answerOf(line.slice(1)), after: this.answered })
      return
    }
    this.answered++
    this.waiting.shift()?.take(line)
  }

  /** Make a call. */
  async call(name: string, ...words: (string | number)[]): Promise<Answer> {
    const line = [name, ...words].join(' ')
    this.transcript.push(line)
    const heard = new Promise<string>((take, fail) => this.waiting.push({ take, fail }))
    this.child.stdin.write(`${line}\n`)
    return answerOf(await heard)
  }

  /** Make a call that succeeds: its result. */
  async must(name: string, ...words: (string | number)[]): Promise<number> {
    const { result, error } = await this.call(name, ...words)
    if (result < 0) throw new Error(`${name} ${words.join(' ')}: ${error}`)
    return result
  }

  /** Make a call in the second thread; this returns when it waits, or is done. */
  async begin(name: string, ...words: (string | number)[]): Promise<void> {
    await this.call('&', name, ...words)
  }

  /** Give the stack a packet, from its IPv4 header on. */
  async send(packet: Bytes): Promise<void> {
    await this.must('netdev_send', Buffer.from(packet).toString('hex'))
  }

  /** The next packet of the stack's and when it was sent, microseconds; null when nothing comes. Time passes meanwhile. */
  async receive(): Promise<{ packet: Bytes, time: number } | null> {
    const { words } = await this.call('netdev_receive')
    return words[0] === '-' ? null : { packet: hex(words[0]!), time: Number(words[1]) }
  }

  /** Virtual time, microseconds. Asking takes one. */
  async now(): Promise<number> {
    return Number((await this.call('gettimeofday')).words[0])
  }
}

function answerOf(line: string): Answer {
  const [result, error, ...words] = line.trim().split(' ')
  return { result: Number(result), error: error!, words }
}
