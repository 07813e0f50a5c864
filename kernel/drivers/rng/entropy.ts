// Entropy of the processor's own, for lib/random.ts: RDRAND where there is one, and the jitter of the time-stamp
// counter always. The generator is seeded once entropyInit returns, so there are random numbers from the first
// moments of boot on; virtio-rng.ts adds the hypervisor's later.
//
// RDRAND may fail for a moment; ten tries are what Intel SDM vol. 1 §7.3.17.1 advises. Jitter: how long the same
// piece of work takes varies with caches, interrupts and the hypervisor. Alone it is a poor source, least of all
// right after power-on, and the log warns of it.

import { Cpu, cpuHas } from '../../arch/x86/cpu.ts'
import { rdrand, rdtsc, rotateLeft } from '../../lib/intrinsics.ts'
import {
  address, at, nth, staticMemory, staticStruct, struct, wire, type Le, type ptr, type u32,
} from '../../lib/layout.ts'
import { Level, logEnd, logQuoted, logStart, logText } from '../../lib/log.ts'
import { fillBytes } from '../../lib/memory.ts'
import { randomSeed } from '../../lib/random.ts'
import { virtioRngCount } from './virtio-rng.ts'

/** One word of what is gathered, as RFC 8439 §2.3 reads a key. */
@wire(4)
class Word {
  value: Le<u32>
}

@struct
class TimeStamp {
  low: u32
  high: u32
}

const POOL_WORDS: u32 = 16
const pool = staticMemory(64)
const now = staticStruct<TimeStamp>()

/** Samples of the counter: at half a bit each they would fill the generator's 256 bits. */
const JITTER_SAMPLES: u32 = 512
const RDRAND_WORDS: u32 = 8
const RDRAND_TRIES: u32 = 10

function word(index: u32): Word {
  return nth(at<Word>(pool), index)
}

/** The lower half of the time-stamp counter. */
function counter(): u32 {
  rdtsc(address(now))
  return now.low
}

/** Fold samples of the counter into the pool and mix that in. */
function seedJitter(): void {
  let last: u32 = counter()
  for (let i: u32 = 0; i < JITTER_SAMPLES; i++) {
    const sample: u32 = counter()
    const cell = word(i % POOL_WORDS)
    cell.value = rotateLeft(cell.value, 7) ^ (sample - last) ^ rotateLeft(sample, 16)
    last = sample
  }
  seedPool(POOL_WORDS)
}

/** Mix in the first `words` words of the pool and forget them. */
function seedPool(words: u32): void {
  randomSeed(pool, words * 4)
  fillBytes(pool, 0, POOL_WORDS * 4)
}

/** One word of RDRAND at `out`; false if it has none after the tries the manual advises. */
function rdrandTried(out: ptr): boolean {
  for (let i: u32 = 0; i < RDRAND_TRIES; i++) {
    if (rdrand(out)) return true
  }
  return false
}

/** Mix in what RDRAND gives, if there is one. Returns how many words it gave. */
function seedRdrand(): u32 {
  if (!cpuHas(Cpu.Rdrand)) return 0
  let words: u32 = 0
  while (words < RDRAND_WORDS && rdrandTried(address(word(words)))) words += 1
  if (words != 0) seedPool(words)
  return words
}

let rdrandWords: u32 = 0

/** Seed the generator from the processor. Returns at once; afterwards there are random numbers. */
export function entropyInit(): void {
  seedJitter()
  rdrandWords = seedRdrand()
}

/** Log where randomness comes from; after the devices were looked for. Warns when jitter is all there is. */
export function entropyReport(): void {
  const rdrandWorks: boolean = rdrandWords == RDRAND_WORDS
  const hypervisor: boolean = virtioRngCount() != 0
  if (!rdrandWorks && !hypervisor) {
    if (!logStart(Level.Warn, 'random', 'weak')) return
    logQuoted('why', 'timing jitter only: no RDRAND and no virtio-rng device')
    logEnd()
  } else if (logStart(Level.Info, 'random', 'seeded')) {
    logText('from', rdrandWorks ? (hypervisor ? 'rdrand,virtio-rng' : 'rdrand') : 'virtio-rng')
    logEnd()
  }
}
