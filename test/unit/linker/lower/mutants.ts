// Programs that are nearly right are refused with complaints, or go through bundle and pin: nothing crashes, and
// nothing that the lowering accepts is a surprise to the next stage.
// Left out of check: a hundred small programs through the TypeScript compiler take seconds.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { bundle } from '../../../../linker/bundle.ts'
import { lowerFiles } from '../../../../linker/lower/lower.ts'
import { pin } from '../../../../linker/pin/index.ts'
import { fixtures, kernelConfig, root } from '../../../lower/fixtures.ts'
import { mutant } from '../../../lower/mutants.ts'
import { randomFrom } from '../../../lower/random-structs.ts'

const SEED = 1
const COUNT = 120

// Three folders down, as the fixtures are: their imports stay right.
const folder = path.join(root, 'build/test', `mutants-${process.pid}`)
mkdirSync(folder, { recursive: true })
t.teardown(() => rmSync(folder, { recursive: true }))

const random = randomFrom(SEED)
const originals = fixtures('lower').map(each => [path.basename(each), readFileSync(each, 'utf8')] as const)
for (const [name, text] of originals) writeFileSync(path.join(folder, name), text)
const files: string[] = []
while (files.length < COUNT) {
  const [name, text] = originals[random(originals.length)]!
  const changed = mutant(random, text)
  if (changed == null) continue
  const file = path.join(folder, `mutant-${files.length}-${name}`)
  writeFileSync(file, `${changed}\nexport {}\n`)
  files.push(file)
}

t.test(`${COUNT} programs that are nearly right`, async t => {
  const { complaints, ...lowered } = lowerFiles(files, kernelConfig)
  const refused = new Set(complaints.map(each => each.file))
  const accepted = files.filter(each => !refused.has(path.relative(root, each)))
  t.ok(accepted.length > 10 && accepted.length < COUNT - 10, `${accepted.length} of them are right after all`)
  for (const entry of accepted) {
    const { code, map } = await bundle({ entry, lowered })
    t.doesNotThrow(() => pin({ code, map, root }), path.basename(entry))
  }
})
