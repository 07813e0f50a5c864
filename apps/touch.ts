// Fill 64 MiB of typed arrays, in a machine that has less, and read back every word.

const PAGE_WORDS = 1024
const mebibytes = 64
const word = (page: number, index: number): number => ((page + 1) * 40503 + index * 2531) >>> 0

const chunks: Uint32Array[] = []
for (let i = 0; i < mebibytes; i++) {
  const chunk = new Uint32Array(256 * PAGE_WORDS)
  for (let page = 0; page < 256; page++) {
    for (let index = 0; index < PAGE_WORDS; index++) chunk[page * PAGE_WORDS + index] = word(i * 256 + page, index)
  }
  chunks.push(chunk)
}
let wrong = 0
for (let i = 0; i < mebibytes; i++) {
  const chunk = chunks[i]!
  for (let page = 0; page < 256; page++) {
    for (let index = 0; index < PAGE_WORDS; index++) {
      if (chunk[page * PAGE_WORDS + index] !== word(i * 256 + page, index)) wrong++
    }
  }
}
console.log(wrong === 0 ? 'touch.ts: ok ' + mebibytes + ' MiB' : 'touch.ts: ' + wrong + ' words wrong')
