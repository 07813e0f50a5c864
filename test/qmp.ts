// QEMU's machine protocol, for what its monitor does not tell: one command, its answer.

import { connect } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from './namespace.ts'

export class Qmp {
  private readonly folder = mkdtempSync(join(tmpdir(), 'porphyry-qmp-'))

  /** A socket for a machine still to be started with `args`; removed when its owner ends. */
  constructor(owner: Owner) {
    owner.teardown(async () => rmSync(this.folder, { recursive: true, force: true }))
  }

  get args(): string[] {
    return ['-qmp', `unix:${join(this.folder, 'qmp')},server=on,wait=off`]
  }

  /** What a command returns; an error if QEMU refuses it. */
  async ask(execute: string, args: object = {}): Promise<unknown> {
    const socket = connect(join(this.folder, 'qmp')).setEncoding('utf8')
    const say = (command: object) => socket.write(JSON.stringify(command) + '\n')
    say({ execute: 'qmp_capabilities' })
    say({ execute, arguments: args, id: 'asked' })
    let text = ''
    try {
      for await (const data of socket) {
        text += String(data)
        const lines = text.split('\n')
        text = lines.pop()!
        for (const line of lines) {
          const answer = JSON.parse(line) as { id?: string, return?: unknown, error?: { desc: string } }
          if (answer.id !== 'asked') continue
          if (answer.error) throw new Error(`${execute}: ${answer.error.desc}`)
          return answer.return
        }
      }
    } finally {
      socket.destroy()
    }
    throw new Error(`${execute}: no answer`)
  }
}
