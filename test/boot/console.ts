// The two consoles: what is typed on COM1 is taken by interrupt through the I/O APIC, and VGA shows the log.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Exit, ISO, KERNEL, type Machine, booted } from '../qemu.ts'
import { wired } from '../networked.ts'

const quiet = 'eth0=off swap=none'

for (const machineType of ['pc', 'q35']) {
  await booted(t, `COM1 input on ${machineType}`, { machine: machineType, append: quiet }, async (t, machine) => {
    await machine.until(/boot: ready/)
    machine.type('memory\r')
    const memory = await machine.event(/console: memory/)
    t.ok(Number(memory.fields.free) > 0 && Number(memory.fields.free) < Number(memory.fields.frames))
    machine.type('nonsense\r')
    t.equal((await machine.event(/console: unknown/)).fields.command, 'nonsense')
    machine.type('hlp\x7f\x7felp\r')
    t.match((await machine.event(/console: help/)).fields.commands, /memory.*exit/, 'a line can be corrected')
    machine.type('exit\r')
    t.equal(await machine.exit(5), Exit.Success)
  })
}

await booted(t, 'more is typed than fits a line, and bytes that are no characters', { append: quiet }, async (t, machine) => {
  await machine.until(/boot: ready/)
  machine.type('x'.repeat(5000) + '\r')
  await machine.until(/console: unknown/)
  machine.type(Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('') + '\r')
  machine.type('\rexit\r')
  t.equal(await machine.exit(10), Exit.Success)
})

await wired(t, 'the console tells what the wire did', {}, async (t, { machine, station, peer }) => {
  for (let n = 0; n < 10; n++) await station.ping()
  await peer.send(station.echoFrame(Buffer.from('x'), { ip: { checksum: 1 } }))
  await station.ping()
  machine.type('net\r')
  const card = await machine.event(/console: interface .*eth0/)
  t.ok(Number(card.fields.received) >= 12 && Number(card.fields.transmitted) >= 11)
  machine.type('drops\r')
  t.match((await machine.event(/console: drop .*checksum/i)).fields.packets, '1', 'each drop has its reason and its counter')
})

/** The characters in VGA's text memory, row by row. */
async function screen(t: import('tap').Test, machine: Machine): Promise<string> {
  const file = join(t.testdir(), 'screen')
  await machine.monitor(`pmemsave 0xb8000 0x8000 "${file}"`)
  const cells = readFileSync(file)
  let text = ''
  for (let i = 0; i < cells.length; i += 2) text += String.fromCharCode(cells[i]!) + (i % 160 === 158 ? '\n' : '')
  return text
}

for (const image of [KERNEL, ISO]) {
  await booted(t, `VGA shows the log, ${image.endsWith('.iso') ? 'ISO' : 'ELF'}`, { image, append: quiet }, async (t, machine) => {
    await machine.until(/boot: ready/, 30)
    await new Promise(resolve => setTimeout(resolve, 100))
    t.match(await screen(t, machine), /boot: ready us=\d+/)
  })
}

await booted(t, 'VGA scrolls, far more lines than it has', { append: quiet }, async (t, machine) => {
  await machine.until(/boot: ready/)
  for (let n = 0; n < 300; n++) {
    machine.type(`line${n}\r`)
    if (n % 50 === 49) await machine.until(new RegExp(`command="?line${n}\\b`))
  }
  const text = await screen(t, machine)
  t.match(text, /line299/)
})
