// Ordinary TypeScript to static executables: what they print on Linux, where their memory lies, what does not compile.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { buildProgram } from '../../../linker/program.ts'
import { programHeaders } from '../../program-headers.ts'

const here = (text: string, name = 'program.ts'): string => path.join(t.testdir({ [name]: text }), name)

t.test('apps/hello.ts says what it says', async t => {
  const output = execFileSync(buildProgram('apps/hello.ts'), { encoding: 'utf8' })
  t.same(JSON.parse(output), { hello: 'from ring 3', words: [['the', 3], ['rock', 2], ['is', 2]] })
})

t.test('imports are bundled, and types are gone', async t => {
  const folder = t.testdir({
    'main.ts': `import { twice } from './twice.ts'\nconst n: number = twice<number>(21)\nconsole.log(String(n))\n`,
    'twice.ts': 'export function twice<T extends number>(x: T): number { return x < 0 ? 0 : x * 2 }\n',
  })
  t.equal(execFileSync(buildProgram(path.join(folder, 'main.ts')), { encoding: 'utf8' }).trim(), '42')
})

t.test('static, and below 2 GiB', async t => {
  const segments = programHeaders(fs.readFileSync(buildProgram('apps/hello.ts')))
  t.ok(segments.some(each => each.type === 1), 'something is loaded')
  t.notOk(segments.some(each => each.type === 3), 'no interpreter is asked for')
  for (const each of segments.filter(each => each.type === 1)) t.ok(each.address + each.memory <= 0x8000_0000n)
})

t.test('a program that is none is refused with what the compiler said', async t => {
  t.throws(() => buildProgram(here('let = = 1')), /Unexpected "="/)
  t.throws(() => buildProgram(here('import { x } from "./nowhere.ts"\nconsole.log(x)')), /nowhere/)
})
