// `ping -f` over a tap: the average round trip of a Linux guest and of Porphyry, in turns, under one QEMU
// command line. A machine is booted for each run, and only one runs at a time: the two never compete.

import { execFileSync } from 'node:child_process'
import { LINUX_READY, linuxCommandLine, linuxGuest, type LinuxGuest } from './linux-guest.ts'
import { makeNetwork, startMachine, type Machine, type Network } from './machine.ts'
import { PORPHYRY_ELF } from './porphyry.ts'
import { figure, rowAgainst, type Row } from './results.ts'

const RUNS = 5
const PINGS = 10000
const WARM_UP_PINGS = 500
const MEMORY = 512
/** The bar of this step: no worse than Linux. */
const BAR = 1
const NEXT_AIM = '0.5×'

/** Measure both guests, `RUNS` times each in turn. */
export async function benchPing(): Promise<Row[]> {
  const linux = linuxGuest()
  const network = makeNetwork()
  try {
    const theirs: number[] = []
    const ours: number[] = []
    for (let run = 0; run < RUNS; run++) {
      theirs.push(await floodOnce(network, await bootLinux(linux, network)))
      ours.push(await floodOnce(network, await bootPorphyry(network)))
    }
    const work = 'ping -f, average round trip'
    return [rowAgainst(work, 'Linux guest', figure('ms', theirs), figure('ms', ours), BAR, NEXT_AIM)]
  } finally {
    network.remove()
  }
}

async function bootLinux(linux: LinuxGuest, network: Network): Promise<Machine> {
  const boot = ['-kernel', linux.kernel, '-initrd', linux.initramfs, '-append', linuxCommandLine(network.guest)]
  const machine = startMachine({ boot, memory: MEMORY, network })
  await machine.until(LINUX_READY, 60)
  return machine
}

async function bootPorphyry(network: Network): Promise<Machine> {
  const boot = ['-kernel', PORPHYRY_ELF, '-append', `eth0=${network.guest} swap=none`]
  const machine = startMachine({ boot, memory: MEMORY, network })
  await machine.until(/net: up .*\n/, 10)
  return machine
}

/** Flood a booted guest, end it, and return the average round trip in milliseconds. Throws if a ping was lost. */
async function floodOnce(network: Network, machine: Machine): Promise<number> {
  try {
    flood(network, WARM_UP_PINGS)
    return flood(network, PINGS)
  } finally {
    await machine.stop()
  }
}

function flood(network: Network, count: number): number {
  const address = network.guest.replace(/\/.*/, '')
  const command = [...network.inside, 'ping', '-f', '-q', '-c', String(count), address]
  const text = execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (!text.includes(' 0% packet loss')) throw new Error(`pings were lost:\n${text}`)
  const average = /rtt min\/avg\/max\/mdev = [\d.]+\/([\d.]+)\//.exec(text)?.[1]
  if (average === undefined) throw new Error(`ping printed no round trip:\n${text}`)
  return Number(average)
}
