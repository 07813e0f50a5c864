// Running other people's programs from a test.

import { spawn } from 'node:child_process'

export interface Finished { status: number, out: string, errors: string }

/** Run a program to its end, or kill it after `seconds`; `input` goes to its standard input. */
export async function run(command: string, args: string[], { seconds = 60, input = '' } = {}): Promise<Finished> {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  child.stdin.on('error', () => {}) // it need not read everything
  child.stdin.end(input)
  const limit = setTimeout(() => { errors += `\nkilled after ${seconds} s`; child.kill('SIGKILL') }, seconds * 1000)
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? -1))
  })
  clearTimeout(limit)
  return { status, out, errors }
}

/** The same, and an error unless it succeeds; returns what it printed. */
export async function must(command: string, args: string[], options: { seconds?: number, input?: string } = {}): Promise<string> {
  const { status, out, errors } = await run(command, args, options)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${out}${errors}`)
  return out
}
