// `make fuzz`: hostile frames against the network stack's input on the native engine, for as long as it is told.
//
//   node --import=tsx test/fuzz.ts [--seconds 30] [--seed N] [--rounds N]
//
// A round is one seed: a fresh stack in one of a few configurations, a few thousand frames with time passing between
// them, then three questions: did anything trap, is every packet buffer back, does it still answer? The next round's
// seed is one more. A round that fails leaves its frames in build/fuzz/SEED.pcap, the culprit last, and is repeated
// by --seed SEED --rounds 1.

import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Engine, engines } from './engine.ts'
import { hostileFrame, randomFrom, repaired } from './wire/garbage.ts'
import { PcapWriter } from './wire/pcap.ts'
import { Station } from './wire/station.ts'
import { GUEST, PEER, Stack, counting } from './wire/stack.ts'
import type { WirePeer } from './wire/peer.ts'

const FRAMES = 4000
/** Pieces a frame may come in; the pool of the test's machine is small. */
const MOST_PIECES = 40
const CONFIGURATIONS = [`${GUEST.ip}/24,gw=10.0.0.1`, `${GUEST.ip}/24,promisc`, `${GUEST.ip}/30,mtu=576`, 'dhcp']

/** Only for building frames: no wire is behind it. */
const station = new Station(undefined as unknown as WirePeer, PEER, GUEST)

/** One round. Returns how many frames the stack was handed; throws when something is wrong, frames in `sent`. */
function round(engine: Engine, seed: number, sent: Uint8Array[]): number {
  const random = randomFrom(seed)
  const stack = new Stack(engine, { features: random(4) })
  stack.configure(CONFIGURATIONS[seed % CONFIGURATIONS.length]!)
  stack.call('echoServiceStart')
  const free = stack.free
  for (let i = 0; i < FRAMES; i++) {
    const made = Uint8Array.from(hostileFrame(station, random))
    const frame = random(2) ? repaired(made) : made
    const piece = random(3) === 0 ? 1 + random(2000) : 2000
    const checksum = random(5) === 0 ? random(3) : 0
    if (Math.ceil(frame.length / piece) > MOST_PIECES) continue
    sent.push(frame)
    stack.receive(frame, { piece, checksum })
    if (i % 64 !== 63) continue
    stack.advance(random(2000))
    stack.forget()
  }
  stack.configure('off')
  if (stack.free !== free) throw new Error(`${free - stack.free} packet buffers did not come back`)
  stack.configure(`${GUEST.ip}/24`)
  stack.receive(stack.arp())
  const [reply] = stack.exchange(stack.echo(counting(56)))
  if (!reply?.icmp?.checksumRight) throw new Error('it no longer answers a ping')
  return sent.length
}

function keep(seed: number, frames: Uint8Array[]): string {
  mkdirSync('build/fuzz', { recursive: true })
  const capture = new PcapWriter(`build/fuzz/${seed}.pcap`)
  frames.forEach((frame, i) => capture.write(frame, i))
  capture.close()
  return capture.path
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' }, rounds: { type: 'string' } } })
  const first = Number(values.seed ?? Date.now() % 1_000_000_000)
  const rounds = Number(values.rounds ?? Infinity)
  const end = performance.now() + Number(values.seconds ?? (values.rounds ? Infinity : 30)) * 1000
  if ([first, rounds, end].some(Number.isNaN)) throw new Error('--seconds, --seed and --rounds are numbers')
  const [engine] = await engines('test/kernel/net.ts', ['native'])
  console.log(`fuzz: seeds from ${first}, ${FRAMES} frames a round`)
  let frames = 0
  let done = 0
  for (; done < rounds && performance.now() < end; done++) {
    const sent: Uint8Array[] = []
    try {
      frames += round(engine!, first + done, sent)
    } catch (error) {
      console.log(`fuzz: seed ${first + done}, frame ${sent.length}: ${(error as Error).message}; frames in ${keep(first + done, sent)}`)
      return 1
    }
  }
  console.log(`fuzz: ${done} rounds, ${frames} frames, nothing found`)
  return done > 0 ? 0 : 1
}

process.exit(await main())
