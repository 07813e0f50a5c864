// Everything that must end in a panic with registers and a backtrace, and exit status 37; never in a triple fault,
// a hang or silence. The breaking is done by test/kernel/boot-provoke.ts, part of a kernel of its own.

import t from 'tap'
import { Exit, type Machine, booted } from '../qemu.ts'
import { testKernel } from '../test-kernel.ts'

const quiet = 'eth0=off swap=none'

const PROVOKE = await testKernel('panic')

/** What every panic's report has: why, the registers, a backtrace that names functions, files and lines. */
function hasReport(t: import('tap').Test, machine: Machine, why: RegExp, through: RegExp | null): void {
  const report = machine.events.filter(event => event.subsystem === 'panic')
  t.match(report[0]?.line, /error panic: why="/, 'the report begins with the reason')
  t.match(report[0]?.fields.why, why)
  const text = report.map(event => event.line).join('\n')
  for (const register of ['rip', 'rsp', 'rflags', 'rax', 'r15', 'cr0', 'cr2', 'cr3', 'cr4']) t.match(text, new RegExp(`\\b${register}=0x[0-9a-f]+`))
  t.match(text, /#0 0x[0-9a-f]{16} /, 'a backtrace')
  if (through) t.match(text, through, 'that names a function with its file and line')
  t.equal(machine.lines.filter(line => line.includes('panic: why=')).length, 1, 'one panic')
}

const kernelMain = /#\d+ 0x[0-9a-f]{16} kernelMain\+0x[0-9a-f]+ \(test\/kernel\/boot-(provoke|test)\.ts:\d+\)/

const provocations: [string, RegExp, RegExp | null][] = [
  ['divide', /^division by zero$/, kernelMain],
  ['read', /page fault/, kernelMain],
  ['write', /page fault/, kernelMain],
  ['null', /page fault/, kernelMain],
  ['write-text', /page fault/, kernelMain],
  ['write-string', /page fault/, kernelMain],
  ['execute-data', /page fault/, kernelMain],
  ['execute-unmapped', /page fault/, kernelMain],
  ['overflow', /kernel stack overflow/, /deeper\+0x[0-9a-f]+ \(test\/kernel\/boot-provoke\.ts:\d+\)/],
  ['panic', /^provoked by the test$/, kernelMain],
  ['trap', /invalid opcode/, kernelMain],
  ['selector', /general protection/, kernelMain],
]

for (const [name, why, through] of provocations) {
  for (const cpu of ['max', 'qemu64']) {
    await booted(t, `${name}, -cpu ${cpu}`, { image: PROVOKE, cpu, append: `${quiet} provoke=${name}` }, async (t, machine) => {
      t.equal(await machine.exit(20), Exit.Panic)
      hasReport(t, machine, why, through)
    })
  }
}

await t.test('what a page fault says about itself', async t => {
  const said: [string, object][] = [
    ['read', { address: /^0x0*12345678$/, access: 'read', reason: 'not-present', mode: 'kernel' }],
    ['write', { access: 'write', reason: 'not-present' }],
    ['write-text', { access: 'write', reason: 'protection' }],
    ['execute-data', { access: 'execute', reason: 'protection' }],
  ]
  for (const [name, fields] of said) {
    await booted(t, name, { image: PROVOKE, append: `${quiet} provoke=${name}` }, async (t, machine) => {
      await machine.exit(20)
      t.match(machine.eventsOf('panic')[0]?.fields, fields)
    })
  }
})

await booted(t, 'a non-maskable interrupt, while idle', { append: quiet }, async (t, machine) => {
  await machine.until(/boot: ready/)
  await machine.monitor('nmi')
  t.equal(await machine.exit(10), Exit.Panic)
  hasReport(t, machine, /non-maskable/, null)
})

await booted(t, 'panic=halt stays, with the report', { image: PROVOKE, append: `${quiet} provoke=panic panic=halt` }, async (t, machine) => {
  await machine.until(/panic: .*#\d+ |panic: #0/)
  await new Promise(resolve => setTimeout(resolve, 500))
  t.ok(machine.running)
  t.match(await machine.monitor('info registers'), /HLT=1/)
})

await booted(t, 'panic=reboot resets the machine', { image: PROVOKE, append: `${quiet} provoke=panic panic=reboot` }, async (t, machine) => {
  t.equal(await machine.exit(20), 0, 'which -no-reboot turns into the end of QEMU')
  hasReport(t, machine, /provoked/, kernelMain)
})

await booted(t, 'without the exit device a panic halts', { image: PROVOKE, exitDevice: false, append: `${quiet} provoke=trap` }, async (t, machine) => {
  await machine.until(/panic: .*#0 |panic: #0/)
  await new Promise(resolve => setTimeout(resolve, 500))
  t.ok(machine.running)
})

await t.test('the log cannot be filtered so that a panic is silent', async t => {
  await booted(t, 'log=error', { image: PROVOKE, append: `${quiet} provoke=panic log=error` }, async (t, machine) => {
    t.equal(await machine.exit(20), Exit.Panic)
    hasReport(t, machine, /provoked/, kernelMain)
  })
})
