// TypeScript, really: assembly and C of kernel/ and linker/ together stay under 3 % of the kernel's TypeScript, once
// that is past 10,000 lines, and under 600 lines before. Lines that are blank or only comment do not count, in any.

import t from 'tap'
import { filesBelow, read } from '../source-tree.ts'

/** Lines that hold code. Comments are // … , /* … * / over lines, and # … in assembly (where #include is code too). */
function codeLines(file: string): number {
  const text = read(file).replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ''))
  const comment = file.endsWith('.S') ? /^\s*(\/\/|#(?!(include|define|if|else|endif|undef))|$)/ : /^\s*(\/\/|$)/
  return text.split('\n').filter(line => !comment.test(line)).length
}

const sum = (files: string[]) => files.reduce((lines, file) => lines + codeLines(file), 0)

t.test('assembly and C are within their budget', async t => {
  const typescript = sum(filesBelow('kernel', '.ts'))
  const foreign = [...filesBelow('kernel', '.S', '.c', '.h'), ...filesBelow('linker', '.S', '.c', '.h')]
  const lines = sum(foreign)
  const budget = typescript > 10_000 ? Math.floor(typescript * 0.03) : 600
  t.comment(`${typescript} lines of TypeScript in kernel/; ${lines} of assembly and C, at most ${budget}`)
  for (const file of foreign) t.comment(`${String(codeLines(file)).padStart(6)} ${file}`)
  t.ok(foreign.length > 0 && typescript > 0, 'both were found')
  t.ok(lines <= budget, `${lines} lines of assembly and C, at most ${budget}: ${foreign.map(f => `${f} ${codeLines(f)}`).join(', ')}`)
})
