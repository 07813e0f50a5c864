// kernel/README.md lists every file of the kernel once, in the order to read it, with a line on each. This holds
// the list to the tree. A file is listed as `path` at the start of a table cell or list item, path from kernel/.

import t from 'tap'
import { filesBelow, read } from '../source-tree.ts'

const listed = [...read('kernel/README.md').matchAll(/^(?:\| *|[-*\d.]+ +)\[?`([\w./-]+\.(?:ts|S|ld))`/gm)].map(match => match[1]!)
const present = filesBelow('kernel', '.ts', '.S').map(file => file.replace('kernel/', ''))

t.test('every file is listed', async t => {
  t.same(present.filter(file => !listed.includes(file)), [])
})

t.test('every listed file exists', async t => {
  t.same(listed.filter(file => !present.includes(file)), [])
})

t.test('no file is listed twice', async t => {
  t.same(listed.filter((file, i) => listed.indexOf(file) !== i), [])
})
