// No wake-up is lost: a frame that arrives just as the processor goes to sleep is answered like any other.
//
// One echo request at a time, after a random pause about as long as the kernel watches before it halts
// (IDLE_POLL_MICROSECONDS), so that many arrive while it arms its interrupts and executes sti; hlt. Nothing else
// would wake the machine in the two seconds a reply may take: a lost wake-up is a lost reply. Seeded.
// Time limit: 120 s

import t from 'tap'
import { wired } from '../networked.ts'

const REQUESTS = 3000
const LONGEST_PAUSE = 300 // microseconds

/** A pause shorter than a timer can be. */
function spin(microseconds: number): void {
  const end = process.hrtime.bigint() + BigInt(Math.round(microseconds * 1000))
  while (process.hrtime.bigint() < end);
}

/** Park and Miller's generator: numbers from 1 to 2^31 - 2. */
function generator(seed: number): () => number {
  let state = seed
  return () => state = state * 48271 % 0x7fffffff
}


for (const [name, device] of [['MSI-X', undefined], ['INTx', 'vectors=0']] as const) {
  await wired(t, `${REQUESTS} frames around the moment of halting, ${name}`, device ? { device } : {}, async (t, { station }) => {
    const seed = 20261123
    const random = generator(seed)
    await station.ping() // ARP is done with
    let answered = 0
    for (; answered < REQUESTS; answered++) {
      spin(random() % LONGEST_PAUSE)
      try {
        await station.ping(Buffer.from('wake up'), 2)
      } catch (error) {
        t.comment(`seed ${seed}, request ${answered}: ${error}`)
        break
      }
    }
    t.equal(answered, REQUESTS)
  })
}
