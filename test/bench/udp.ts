// UDP datagrams of 64 bytes over taps, a Linux guest and Porphyry in turns: received under a flood, received at the highest
// rate that loses at most one in a thousand, sent, and forwarded from one card to another.
//
// The flood is finished frames (test/bench/c/blast.c), the same to both guests. On Linux a static program receives and
// sends by recvmmsg and sendmmsg (udp-guest.c); on Porphyry, which has no programs yet, its kernel does through the
// socket API (test/kernel/boot-test.ts), which flatters it by the system calls. Forwarding has no program on either.

import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Namespace } from '../namespace.ts'
import type { Machine } from '../qemu.ts'
import { linuxGuest, type LinuxGuest } from './linux-guest.ts'
import { GUEST_MAC, linux, porphyry, withMachine, withWire, type Guest, type Wire } from './machine.ts'
import { benchDirectory, figure, projectDirectory, rowAtLeast, type Row } from './results.ts'

const RUNS = 5
const MEMORY = '512M'
const BYTES = 64
const PORT = 9 // discard
const FLOOD_SECONDS = 2
const TRY_SECONDS = 1
const TRIES = 7
const MOST_LOST = 0.001
const UDP_BAR = 5
const FORWARD_BAR = 3
export const HOST = '10.77.0.1'
export const FAR = '10.78.0.1'
/** A neighbour that is not there: frames from it are not the host's own when they come back from the guest. */
export const STRANGER = '10.77.0.77'
const KERNEL = join(benchDirectory(), 'boot-bench.elf')

/** Frames offered to the tap, those it had room for, and how long it took. */
interface Blast { offered: number, sent: number, seconds: number }

/** Received in two ways, and sent. */
export async function benchUdp(): Promise<Row[]> {
  const [built, blast] = [linuxGuest(), buildBlast()]
  execFileSync(process.execPath, ['bin/porphyry.js', 'kernel', '--entry', 'test/kernel/boot-test.ts', '--out', KERNEL],
    { cwd: projectDirectory, stdio: ['ignore', 2, 2] })
  return await withWire(async wire => [...await received(wire, blast, built), await sent(wire, built)])
}

/** Forwarded between two cards. */
export async function benchForward(): Promise<Row[]> {
  const [built, blast] = [linuxGuest(), buildBlast()]
  return await withWire(async wire => [await forwarded(wire, blast, built)])
}

/** The program that sends finished frames; its path. */
export function buildBlast(): string {
  const blast = join(benchDirectory(), 'blast')
  execFileSync('gcc', ['-O2', '-Wall', '-o', blast, join(projectDirectory, 'test/bench/c/blast.c')])
  return blast
}

/** The guest's address on the wire. */
export const addressOf = (wire: Wire): string => wire.guest.replace(/\/.*/, '')

/** Frames of one datagram each into tap0; `rate` 0 is as many as it takes. */
async function flood({ namespace }: Wire, blast: string, from: string, to: string, seconds: number, rate: number): Promise<Blast> {
  const out = await namespace.must(blast, ['tap0', GUEST_MAC, from, to, String(PORT), String(BYTES), String(seconds), String(rate)])
  const [offered, sent, microseconds] = out.split(' ').map(Number)
  return { offered: offered!, sent: sent!, seconds: microseconds! / 1e6 }
}

// --- Received. --------------------------------------------------------------------------------------------------

async function received(wire: Wire, blast: string, built: LinuxGuest): Promise<Row[]> {
  const ours = porphyry(wire.guest, 'services=none bench=count', KERNEL)
  const guests: Guest[] = [linux(built, wire.guest, `bench.udp=sink,${PORT}`), ours]
  const flooded: number[][] = [[], []]
  const lossless: number[][] = [[], []]
  for (let run = 0; run < RUNS; run++) {
    for (const [i, guest] of guests.entries()) {
      await withMachine(guest, MEMORY, wire, async (_, machine) => {
        const sink = new Sink(machine)
        await sink.of(await flood(wire, blast, HOST, addressOf(wire), TRY_SECONDS, 1000)) // warm
        const most = await flood(wire, blast, HOST, addressOf(wire), FLOOD_SECONDS, 0)
        const rate = await sink.of(most) / most.seconds
        flooded[i]!.push(rate)
        lossless[i]!.push(await highest(wire, blast, sink, rate * 2))
      })
    }
  }
  return [row('UDP received under flood, 64 bytes', flooded, UDP_BAR), row('UDP received, at most 0.1 % lost', lossless, UDP_BAR)]
}

function row(work: string, [theirs, ours]: number[][], bar: number): Row {
  return rowAtLeast(work, figure('packets/s', theirs!), figure('packets/s', ours!), bar)
}

/** The guest's count of datagrams, which it prints whenever none has come for a while. */
class Sink {
  private total = 0

  constructor(private readonly machine: Machine) {}

  /** How many of a blast arrived. */
  async of(blast: Blast): Promise<number> {
    const before = this.total
    for (let waited = 0; waited < 100; waited++) {
      await new Promise(resolve => setTimeout(resolve, 100))
      const counts = this.machine.lines.map(line => /sink:? (?:datagrams=)?(\d+)/.exec(line)?.[1]).filter(each => each !== undefined)
      this.total = Number(counts.at(-1) ?? 0)
      if (this.total > before && waited >= 5) return this.total - before
    }
    throw new Error(`the guest counted nothing of ${blast.sent} datagrams:\n${this.machine.lines.slice(-10).join('\n')}`)
  }
}

/** The highest rate tried, up to `most`, at which at most MOST_LOST of what was offered was lost, by halving. */
async function highest(wire: Wire, blast: string, sink: Sink, most: number): Promise<number> {
  let [good, bad, best] = [0, most, 0]
  for (let i = 0; i < TRIES; i++) {
    const rate = Math.round((good + bad) / 2)
    const one = await flood(wire, blast, HOST, addressOf(wire), TRY_SECONDS, rate)
    if (await sink.of(one) < one.offered * (1 - MOST_LOST)) bad = rate
    else {
      good = rate
      best = Math.max(best, one.offered / one.seconds) // the sender may be slower than it was asked to be
    }
  }
  return best
}

// --- Sent, and forwarded. ---------------------------------------------------------------------------------------

/** Frames that came out of a tap within `seconds`, a second. */
async function rateOf(namespace: Namespace, tap: string, seconds: number): Promise<number> {
  const packets = async (): Promise<number> => Number(await namespace.must('cat', [`/sys/class/net/${tap}/statistics/rx_packets`]))
  const [from, start] = [await packets(), performance.now()]
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const count = await packets() - from
  return count / ((performance.now() - start) / 1000)
}

/** Sockets on ports of the host, so that it answers with no errors; nobody reads them. */
export async function withListener<T>(namespace: Namespace, ports: number[], use: () => Promise<T>): Promise<T> {
  const script = ['import socket, time',
    `all = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for each in range(${ports.length})]`,
    `for s, port in zip(all, [${ports.join()}]):`, '  s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)',
    "  s.bind(('', port))", 'time.sleep(1000)'].join('\n')
  const child = spawn('ip', ['netns', 'exec', namespace.name, 'python3', '-c', script], { stdio: 'ignore' })
  try {
    await new Promise(resolve => setTimeout(resolve, 300))
    return await use()
  } finally {
    child.kill('SIGKILL')
  }
}

async function sent(wire: Wire, built: LinuxGuest): Promise<Row> {
  const ours = porphyry(wire.guest, 'services=none bench=send', KERNEL)
  const guests: Guest[] = [linux(built, wire.guest, `bench.udp=send,${HOST},${PORT},${BYTES}`), ours]
  const rates: number[][] = [[], []]
  await withListener(wire.namespace, [PORT], async () => {
    for (let run = 0; run < RUNS; run++) {
      for (const [i, guest] of guests.entries()) {
        await withMachine(guest, MEMORY, wire, async () => {
          await rateOf(wire.namespace, 'tap0', 0.5)
          rates[i]!.push(await rateOf(wire.namespace, 'tap0', FLOOD_SECONDS))
        })
      }
    }
  })
  return row('UDP sent, 64 bytes', rates, UDP_BAR)
}

/** A second tap, its host's end at FAR. */
export async function addSecondTap({ namespace }: Wire): Promise<void> {
  for (const command of ['tuntap add dev tap1 mode tap', `addr add ${FAR}/24 dev tap1`, 'link set tap1 up']) {
    await namespace.must('ip', command.split(' '))
  }
}

/** QEMU's arguments for a card on it, behind eth0 on the bus. */
export function secondCard(): string[] {
  const tap = 'tap,id=n1,ifname=tap1,script=no,downscript=no,vnet_hdr=on'
  return ['-netdev', tap, '-device', 'virtio-net-pci,netdev=n1,mac=52:54:00:77:00:03,addr=0x10']
}

async function forwarded(wire: Wire, blast: string, built: LinuxGuest): Promise<Row> {
  const { namespace } = wire
  await addSecondTap(wire)
  const guests = [linux(built, wire.guest, 'bench.second=10.78.0.2/24'), porphyry(wire.guest, 'eth1=10.78.0.2/24 forward=1')]
  const rates: number[][] = [[], []]
  await withListener(namespace, [PORT], async () => {
    for (let run = 0; run < RUNS; run++) {
      for (const [i, guest] of guests.entries()) {
        await withMachine({ ...guest, args: [...guest.args, ...secondCard()] }, MEMORY, wire, async () => {
          await flood(wire, blast, STRANGER, FAR, TRY_SECONDS, 1000) // the guest asks for FAR's MAC address
          const flooding = flood(wire, blast, STRANGER, FAR, FLOOD_SECONDS + 0.5, 0)
          const [rate] = await Promise.all([rateOf(namespace, 'tap1', FLOOD_SECONDS), flooding])
          if (rate < 1000) throw new Error(`only ${rate.toFixed(0)} packets a second came through`)
          rates[i]!.push(rate)
        })
      }
    }
  })
  return row('forwarded between two cards, 64 bytes', rates, FORWARD_BAR)
}
