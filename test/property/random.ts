// A small seeded generator of random numbers: the same seed gives the same program on every machine.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bf03635) | 0 || 1
    for (let i = 0; i < 8; i += 1) this.#next()
  }

  /** xorshift32: Marsaglia, "Xorshift RNGs", 2003. */
  #next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }

  /** 0 to n - 1. */
  below(n: number): number { return this.#next() % n }

  /** True once in `n` times. */
  once(n: number): boolean { return this.below(n) === 0 }

  pick<T>(list: readonly T[]): T { return list[this.below(list.length)]! }
}
