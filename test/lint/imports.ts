// Imports only go down: a folder of kernel/ may import itself and the folders before it in ORDER, and no file is
// part of a cycle. What must travel the other way is a function reference that main.ts stores at boot.

import t from 'tap'
import { type Import, filesBelow, importsOf } from '../source-tree.ts'

/** First what imports nothing, the vocabulary. The longest matching entry places a file; drivers/* without an entry are `drivers`. */
const ORDER = [
  'lib/layout.ts', 'config.ts', 'lib', 'arch', 'mm', 'drivers/pci', 'drivers/virtio', 'drivers', 'net', 'swap', 'vm', 'fs', 'loader', 'process', 'syscall',
  'services', 'selftest',
  'loop.ts', 'boot', 'boot.ts', 'main.ts',
]

const files = filesBelow('kernel', '.ts').filter(file => !file.endsWith('.d.ts'))
const imports = files.flatMap(importsOf)

function place(file: string): number {
  const path = file.replace(/^kernel\//, '')
  const matching = ORDER.filter(entry => path === entry || path.startsWith(entry + '/'))
  const longest = matching.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? -1 : ORDER.indexOf(longest)
}

t.test('every kernel file has a place in the order', async t => {
  t.ok(files.length > 10, 'the kernel was found')
  t.same(files.filter(file => place(file) < 0), [])
})

t.test('no file imports from a folder above its own', async t => {
  const wrong = imports.filter(each => place(each.to) > place(each.from))
  t.same(wrong.map(each => `${each.from}:${each.line} imports ${each.to}`), [])
})

t.test('the kernel imports only the kernel', async t => {
  t.same(imports.filter(each => !each.to.startsWith('kernel/')).map(each => `${each.from}:${each.line} imports ${each.to}`), [])
})

t.test('no cycle of imports, types apart', async t => {
  t.same(cycles(imports.filter(each => !each.typeOnly)).map(cycle => cycle.join(' -> ')), [])
})

/** Each cycle once, as the chain of files that closes it. */
function cycles(edges: Import[]): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const walk = (file: string, chain: string[]): void => {
    const at = chain.indexOf(file)
    if (at >= 0) {
      found.push([...chain.slice(at), file])
      return
    }
    if (done.has(file)) return
    for (const edge of edges) if (edge.from === file) walk(edge.to, [...chain, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  return found
}
