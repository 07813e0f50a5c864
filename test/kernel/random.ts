// What the tests of lib/random.ts and lib/chacha20.ts call.

export { chacha20Block, chacha20QuarterRound, xorWords } from '../../kernel/lib/chacha20.ts'
export { random32, randomBelow, randomBytes, randomSeed, randomSeeds } from '../../kernel/lib/random.ts'
