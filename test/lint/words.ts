// Words that may not stand in the tree: notes of unfinished work, and functions whose job a field's type does here.

import { execFileSync } from 'node:child_process'
import t from 'tap'
import { read } from '../source-tree.ts'

/** Spelled in pieces, so that this file passes its own check. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK', 'place' + 'holder', 'not yet ' + 'implemented'].join('|')})\\b`)
/** Byte order belongs to the field (Be<u16>), not to whoever reads it. */
const BYTE_ORDER = new RegExp(`\\b[${'nh'}]to[${'nh'}][sl]\\(`)

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
const files = tracked.split('\n').filter(file => /\.(ts|js|mjs|S|h|c|ld|md|sh|json)$|^Makefile$|^ci\/|^\.ci\//.test(file) && file !== 'package-lock.json')

function found(word: RegExp, among: string[], skipped = /^$/): string[] {
  return among.flatMap(file => {
    try {
      return read(file).split('\n').flatMap((line, i) => word.test(line) && !skipped.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 100)}`] : [])
    } catch {
      return [] // listed, and deleted in the working tree
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
