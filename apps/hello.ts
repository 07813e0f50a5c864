// A program in ordinary TypeScript: closures, classes, collections, JSON; as `porphyry run apps/hello.ts` boots it.

class Counter {
  #counts = new Map<string, number>()

  add(word: string): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
  }

  get sorted(): [string, number][] {
    return [...this.#counts].sort((a, b) => b[1] - a[1])
  }
}

const counter = new Counter()
for (const word of 'the rock is purple and the kernel is the rock'.split(' ')) counter.add(word)
console.log(JSON.stringify({ hello: 'from ring 3', words: counter.sorted.slice(0, 3) }))
