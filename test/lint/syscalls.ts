// docs/syscalls.md lists just the system calls that the tables answer, each with its number and its file.

import fs from 'node:fs'
import t from 'tap'
import { filesBelow } from '../source-tree.ts'

const read = (file: string): string => fs.readFileSync(file, 'utf8')
const numbers = new Map([...read('kernel/syscall/numbers.ts').matchAll(/^ {2}(\w+) = (\d+),/gm)].map(match => [match[1]!, Number(match[2])]))
const files = filesBelow('kernel/syscall', '.ts')
const where = new Map(files.flatMap(file => [...read(file).matchAll(/^export function (sys\w+)/gm)].map(match => [match[1]!, file.split('/').at(-1)!] as const)))

const answered = files.filter(file => /\/table[^/]*\.ts$/.test(file)).flatMap(file =>
  [...read(file).matchAll(/case Call\.(\w+): (?:return )?(\w+)/g)].map(match => ({ name: match[1]!, file: where.get(match[2]!) ?? 'table.ts' })))

t.test('every number is the enum\'s, and no two calls have one', async t => {
  t.same(answered.filter(({ name }) => !numbers.has(name)), [])
  t.equal(new Set(answered.map(({ name }) => numbers.get(name))).size, answered.length)
  t.ok(answered.length > 100)
})

t.test('the list is the tables\'', async t => {
  const listed = [...read('docs/syscalls.md').matchAll(/^\| (\d+) \| (\w+) \| (\S+) \|$/gm)].map(([, number, call, file]) => `${number} ${call!.replaceAll('_', '')} ${file}`)
  const wanted = answered.map(({ name, file }) => `${numbers.get(name)} ${name.toLowerCase()} ${file}`)
  t.same(listed, wanted.sort((a, b) => parseInt(a) - parseInt(b)))
})
