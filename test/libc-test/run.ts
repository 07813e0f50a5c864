// One case on this machine's Linux, in namespaces of its own; all cases on Porphyry, in as few boots as it takes.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RamDiskEntry, ramDisk } from '../../linker/ram-disk.ts'
import { run } from '../command.ts'
import { busybox } from '../programs.ts'
import { Machine } from '../qemu.ts'
import type { Case } from './cases.ts'

/** What a case's exit status was; what it printed last. */
export interface Result { readonly status: number, readonly said: string[] }

/** The status of what was ended because it took too long, and of what took the machine along. */
export const LATE = 137
export const STOPPED = 1000

const SECONDS_ON_LINUX = 15
const SECONDS_BOOTED = 30
const LINES = 12

/** LTP's library asks for these; no case needs what it would find. */
const SETTINGS = { KCONFIG_SKIP_CHECK: '1', LTP_COLORIZE_OUTPUT: 'n', TMPDIR: '/tmp' }

export async function onLinux(each: Case): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'porphyry-libc-test-'))
  try {
    const settings = Object.entries({ ...SETTINGS, TMPDIR: folder }).map(([name, value]) => `${name}=${value}`)
    const { status, out, errors } = await run('unshare', [
      '-m', '-p', '-f', '-n', '-i', '--mount-proc', '--kill-child', 'env', '-C', folder, ...settings,
      'sh', '-c', `ip link set lo up; exec timeout -s KILL ${SECONDS_ON_LINUX} ${each.file}`,
    ], { seconds: SECONDS_ON_LINUX + 5 })
    return { status, said: lastOf(out + errors) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function lastOf(text: string): string[] {
  const lines = text.trim().split('\n')
  const verdicts = lines.filter(line => /T(FAIL|BROK|CONF|WARN)/.test(line))
  return (verdicts.length > 0 ? verdicts : lines).slice(-LINES)
}

const APPLETS = ['sh', 'timeout', 'tail', 'sed', 'grep', 'rm', 'mkdir', 'mount', 'cat', 'ls', 'true', 'false', 'echo']

/** busybox, users, and a script that runs each case and says how it ended. */
function root(cases: readonly Case[]): string {
  const script = [
    ...Object.entries(SETTINGS).map(([name, value]) => `export ${name}=${value}`), 'export PATH=/bin:/t',
    ...cases.map((each, i) => `one ${i} ${each.name}`), 'echo "== all"', '',
  ]
  const one = `one() {
    echo "== begin $1"
    mkdir /tmp/w; cd /tmp/w
    timeout -s KILL ${SECONDS_BOOTED} /t/$2 > /tmp/said 2>&1 < /dev/null
    s=$?
    cd /
    if [ $s != 0 ]; then
      (grep -a -E 'T(FAIL|BROK|CONF|WARN)' /tmp/said || cat /tmp/said) | tail -n ${LINES} | sed 's/^/| /'
    fi
    echo; echo "== end $1 $s"
    rm -rf /tmp/* /dev/shm/*
  }\n`
  const programs = cases.map((each): [string, RamDiskEntry] => [`t/${each.name}`, { from: each.file }])
  return ramDisk({
    ...busybox(...APPLETS), 't.sh': one + script.join('\n'), ...Object.fromEntries(programs),
    'etc/passwd': 'root:x:0:0:root:/:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nbin:x:2:2::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
    'etc/group': 'root:x:0:\ndaemon:x:1:\nbin:x:2:\nnogroup:x:65534:\nnobody:x:65533:\n',
  })
}

/** All of them; a case that stops the machine is told of, and the rest go on in another boot. */
export async function onPorphyry(cases: readonly Case[], told: (each: Case, result: Result) => void): Promise<void> {
  let rest = cases
  while (rest.length > 0) {
    const done = await oneBoot(rest, told)
    if (done < rest.length) told(rest[done]!, { status: STOPPED, said: [] })
    rest = rest.slice(done + 1)
  }
}

/** How many ended. */
async function oneBoot(cases: readonly Case[], told: (each: Case, result: Result) => void): Promise<number> {
  const machine = new Machine({ memory: '1G', args: ['-initrd', root(cases)], append: 'eth0=off swap=none init=/bin/sh /t.sh' })
  let done = 0
  try {
    for (; done < cases.length; done++) {
      const line = await machine.until(new RegExp(`^== end ${done} `), SECONDS_BOOTED + 30)
      const begun = machine.lines.lastIndexOf(`== begin ${done}`)
      const printed = machine.lines.slice(begun + 1, machine.lines.lastIndexOf(line))
      const said = printed.filter(each => each.startsWith('| ')).map(each => each.slice(2))
      told(cases[done]!, { status: Number(line.split(' ')[3]), said })
    }
    return done
  } catch (error) {
    const why = (error as Error).message.split('\n')[0]
    console.log(`the machine stopped in ${cases[done]!.name}: ${machine.lines.slice(-40).join('\n')}\n${why}`)
    return done
  } finally {
    await machine.end()
  }
}

