// `make packetdrill`: build/libporphyry-net.so, and packetdrill's scripts against it where there is a packetdrill.
//
//   PACKETDRILL=/path/to/packetdrill node --import=tsx test/packetdrill/main.ts [--verbose] [SCRIPT | FOLDER …]
//
// Without paths: the TCP scripts beside packetdrill's source, gtests/net/tcp, less those of docs/packetdrill.md's list of
// what the stack does not have. Each script runs in a network namespace of its own, which is thrown away: scripts set
// sysctls, and a device named tun0 is there for those that set its queue. Root is needed. Ends with 1 when a script failed.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { must, run } from '../command.ts'
import { installLibrary } from './build.ts'

/** What the stack does not have: docs/packetdrill.md. */
const NOT_THERE = /fastopen|zerocopy|md5|psp|splice|sendfile|timestamping|eor|ecn/
const ADDRESS = '192.168.0.2'
const SECONDS = 60

interface Result { script: string, passed: boolean, why: string }

function scriptsBelow(place: string): string[] {
  if (!statSync(place).isDirectory()) return [place]
  return readdirSync(place, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.pkt')).map(name => join(place, name)).sort()
}

function scriptsOf(packetdrill: string, given: string[]): string[] {
  if (given.length > 0) return given.flatMap(each => scriptsBelow(resolve(each)))
  const folder = resolve(dirname(packetdrill), '../tcp')
  if (!existsSync(folder)) throw new Error(`no scripts at ${folder}: name some`)
  return scriptsBelow(folder).filter(script => !NOT_THERE.test(relative(folder, script)))
}

async function runScript(packetdrill: string, library: string, script: string): Promise<Result> {
  const namespace = `porphyry-packetdrill-${process.pid}`
  await must('ip', ['netns', 'add', namespace])
  try {
    await must('ip', ['-n', namespace, 'tuntap', 'add', 'dev', 'tun0', 'mode', 'tun'])
    const { status, out, errors } = await run('ip', ['netns', 'exec', namespace, 'env', '-C', dirname(script), `LD_PRELOAD=${library}`,
      packetdrill, `--so_filename=${library}`, `--so_flags=${ADDRESS}/16,gw=192.168.0.1`, `--local_ip=${ADDRESS}`, basename(script)], { seconds: SECONDS })
    return { script, passed: status === 0, why: (errors + out).trim() }
  } finally {
    await run('ip', ['netns', 'del', namespace])
  }
}

async function main(): Promise<number> {
  const command = new Command('make packetdrill ARGS=')
    .argument('[scripts...]', 'paths; without any all that apply').option('--verbose', 'more of what each that fails says').parse()
  const positionals = command.args
  const { verbose = false } = command.opts<{ verbose?: boolean }>()
  const library = await installLibrary()
  const packetdrill = process.env.PACKETDRILL
  console.log(`packetdrill: ${relative('.', library)}${packetdrill ? '' : '; PACKETDRILL=path runs scripts against it'}`)
  if (!packetdrill) return 0
  const scripts = scriptsOf(resolve(packetdrill), positionals)
  let passed = 0
  for (const script of scripts) {
    const result = await runScript(resolve(packetdrill), library, script)
    if (result.passed) passed++
    console.log(`${result.passed ? 'ok    ' : 'not ok'} ${script.split('/').slice(-2).join('/')}`)
    if (!result.passed) console.log(result.why.split('\n').slice(0, verbose ? 60 : 3).map(line => `       ${line}`).join('\n'))
  }
  console.log(`packetdrill: ${passed} of ${scripts.length} scripts pass`)
  return passed === scripts.length ? 0 : 1
}

process.exit(await main())
