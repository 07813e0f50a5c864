// Citations lead to the section: `RFC 9293 §3.10.7.4`, `virtio 1.2 §2.7.13`; and every layout that a wire or a chip
// dictates says which document it is from, in the comment above its class.

import t from 'tap'
import ts from 'typescript'
import { filesBelow, parse, read } from '../source-tree.ts'

const files = filesBelow('kernel', '.ts', '.S')

/** RFCs whose text has no section numbers to cite. */
const UNNUMBERED = ['768', '792', '826', '894', '1042', '3442']

t.test('no RFC is cited without its section', async t => {
  const bare = files.flatMap(file => read(file).split('\n').flatMap((line, i) =>
    [...line.matchAll(/RFC[ -]?(\d+)\b(?! (§|p\. \d))/gi)].filter(match => !UNNUMBERED.includes(match[1]!)).map(match => `${file}:${i + 1} ${match[0]}`)))
  t.same(bare, [])
})

const DOCUMENT = /§|mkswap\(8\)|IEEE 802|SDM|multiboot|PVH|ACPI|specification|Rev\. |include\/(uapi|linux)\//i

t.test('every @wire and @mmio class cites what dictates it', async t => {
  const silent: string[] = []
  let seen = 0
  for (const file of files.filter(each => each.endsWith('.ts'))) {
    const source = parse(file)
    for (const statement of source.statements) {
      if (!ts.isClassDeclaration(statement) || !isDictated(statement)) continue
      seen++
      const start = statement.getFullStart()
      const above = source.text.slice(start, statement.getEnd()).split('{')[0] ?? ''
      const head = source.text.slice(0, source.statements[0]?.getStart() ?? 0)
      if (!DOCUMENT.test(above) && !DOCUMENT.test(head)) silent.push(`${file}: ${statement.name?.text}`)
    }
  }
  t.ok(seen > 0, 'there are such classes')
  t.same(silent, [])
})

function isDictated(statement: ts.ClassDeclaration): boolean {
  return (ts.getDecorators(statement) ?? []).some(decorator => /^@(wire|mmio)\b/.test(decorator.getText()))
}
