// Random programs as a test: prints the seeds, and for a difference everything that is needed to see it again.

import type { Test } from 'tap'
import { runPrograms, type Difference } from './run.ts'

/** Programs compiled together: more make one compilation long, fewer make many. */
const BATCH = 30

/**
 * `PORPHYRY_PROPERTY_RUNS` is how many programs run instead of `usual`, `PORPHYRY_PROPERTY_SEED` the first seed instead
 * of `first`. One seed again: `PORPHYRY_PROPERTY_SEED=… PORPHYRY_PROPERTY_RUNS=1`.
 */
export async function testPrograms(t: Test, usual: number, first: number): Promise<void> {
  const runs = numberFrom('PORPHYRY_PROPERTY_RUNS', usual)
  const seed = numberFrom('PORPHYRY_PROPERTY_SEED', first)
  t.comment(`${runs} programs from seed ${seed}`)
  for (let done = 0; done < runs; done += BATCH) {
    const count = Math.min(BATCH, runs - done)
    const start = seed + done * 2 // some seeds are passed over, see runPrograms
    const differences = await runPrograms(start, count)
    t.equal(differences.length, 0, `${count} programs from seed ${start} do what they mean${differences.map(tell).join('')}`)
  }
}

function numberFrom(name: string, otherwise: number): number {
  const text = process.env[name]
  if (text === undefined || text === '') return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}=${text} is no positive integer`)
  return value
}

function tell({ seed, engine, source, expected, found }: Difference): string {
  return `\nseed ${seed} on ${engine}: ${source}\n  means ${JSON.stringify(expected)}\n  found ${JSON.stringify(found)}`
}
