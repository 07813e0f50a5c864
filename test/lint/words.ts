// Words that may not stand in the tree: notes of unfinished work, and functions whose job a field's type does here.

import { readdirSync } from 'node:fs'
import t from 'tap'
import { filesBelow, read } from '../source-tree.ts'

/** Spelled in pieces, so that this file passes its own check. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK', 'place' + 'holder', 'not yet ' + 'implemented'].join('|')})\\b`)
/** Byte order belongs to the field (Be<u16>), not to whoever reads it. */
const BYTE_ORDER = new RegExp(`\\b[${'nh'}]to[${'nh'}][sl]\\(`)

const NOT_OURS = /^(node_modules|build|\.git|\.tap)(\/|$)|^package-lock\.json$/
const files = readdirSync('.', { withFileTypes: true }).filter(entry => !NOT_OURS.test(entry.name))
  .flatMap(entry => entry.isDirectory() ? filesBelow(entry.name, '') : [entry.name])
  .filter(file => /\.(ts|js|mjs|S|h|c|cc|ld|md|sh|json)$|^Makefile$|^\.?ci\//.test(file))

function found(word: RegExp, among: string[], skipped = /^$/): string[] {
  return among.flatMap(file => {
    try {
      return read(file).split('\n').flatMap((line, i) => word.test(line) && !skipped.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 100)}`] : [])
    } catch {
      return [] // a folder, or gone meanwhile
    }
  })
}

t.test('no unfinished work is left as a note', async t => {
  t.ok(files.length > 20, 'the tree was found')
  t.same(found(UNFINISHED, files), [])
})

t.test('no header is converted by its reader', async t => {
  t.same(found(BYTE_ORDER, files.filter(file => file.startsWith('kernel/')), /^\s*(\/\/|\/?\*)/), [])
})
