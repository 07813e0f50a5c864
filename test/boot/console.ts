// The two consoles: what is typed on COM1 is taken by interrupt through the I/O APIC, and VGA shows the log.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Exit, ISO, KERNEL, type Machine, booted } from '../qemu.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import type { Bytes } from '../wire/bytes.ts'
import type { Decoded } from '../wire/frames.ts'
import { flagsOf, flagsText } from '../wire/tcp.ts'

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

await wired(t, 'netstat: sockets, connections with their queues, one in full, totals', {}, async (t, { machine, station, peer }) => {
  const [here, there] = [`${GUEST.ip}:7`, `${HOST.ip}:4000`]
  const asked = async (line: string, match: RegExp): Promise<Record<string, string>> => {
    machine.type(`${line}\r`)
    return (await machine.event(match)).fields
  }
  const send = (flags: string, sequence: number, acknowledgment: number, data = ''): Bytes => station.tcpFrame({
    sourcePort: 4000, destinationPort: 7, sequence, acknowledgment, flags: flagsOf(flags),
  }, Buffer.from(data))
  const { tcp: synAck } = await peer.ask(send('S', 999, 0), ({ tcp }) => tcp !== undefined && flagsText(tcp.flags) === 'S.')
  const first = synAck!.sequence + 1 >>> 0
  await peer.send(send('.', 1000, first))
  const echoed = ({ tcp }: Decoded): boolean => tcp?.payload.length === 5 && tcp.sequence === first
  await peer.ask(send('P.', 1000, first, 'hello'), echoed)
  await peer.next(echoed, { what: 'the same again, for it is not acknowledged' })

  const connection = await asked('netstat', /console: connection/)
  t.match(connection, { protocol: 'tcp', state: 'ESTABLISHED', local: here, remote: there, receive_queue: '0', send_queue: '5' })
  t.match((await machine.event(/console: netstat/)).fields, { connections: '1', time_wait: '0', left_out: '0' })
  const sockets = machine.events.filter(each => each.event === 'socket').map(({ fields }) => `${fields.protocol} ${fields.state} ${fields.local}`)
  for (const each of ['tcp LISTEN 0.0.0.0:7', 'tcp LISTEN 0.0.0.0:80']) t.ok(sockets.includes(each), each)

  const sending = await asked(`netstat ${here} ${there}`, /console: sending/)
  t.match(sending, { control: 'cubic', phase: 'loss', mss: /^(536|14\d\d)$/, snd_wnd: '65535', unsent: '0', pipe: '5' })
  t.ok(Number(sending.rto_ms) >= 400 && Number(sending.cwnd) >= 536, 'RFC 6298 §5.5: doubled')
  const counted = (await machine.event(/console: counters/)).fields
  t.ok(Number(counted.retransmitted) >= 1 && Number(counted.segments_in) >= 2)
  const totals = await asked('netstat totals', /console: tcp /)
  t.match(totals, { passive_opens: '1', active_opens: '0', connections: '1', resets_out: '0' })
  t.ok(Number(totals.retransmitted) >= Number(counted.retransmitted))
  t.ok(Number((await machine.event(/console: recovery/)).fields.timeouts) + Number(
    machine.events.filter(each => each.event === 'recovery').at(-1)!.fields.loss_probes) >= 1)

  for (const wrong of [`${here} ${HOST.ip}:4001`, 'x y', `${GUEST.ip} ${there}`, `${here} ${HOST.ip}:65536`, `${here} ${HOST.ip}:`]) {
    machine.type(`netstat ${wrong}\r`)
  }
  machine.type('memory\r') // answered after them
  await machine.until(/console: memory/)
  t.equal(machine.events.filter(each => each.event === 'failed' && each.fields.command === 'netstat').length, 5)
  await peer.ask(send('F.', 1005, first + 5 >>> 0), ({ tcp }) => tcp !== undefined && flagsText(tcp.flags) === 'F.')
  machine.type('netstat\r')
  await machine.until(/console: connection .*state=LAST-ACK/)
  await peer.send(send('.', 1006, first + 6 >>> 0))
  await station.ping() // what was sent before it has come
  machine.type('netstat\r')
  await machine.until(/console: netstat .*connections=0/)
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
  for (let n = 0; n < 300; n++) machine.type(`line${n}\r`) // faster than they are answered: they wait in the port
  await machine.until(/command="?line299\b/)
  for (let n = 0; n < 300; n++) if (!machine.lines.some(line => line.endsWith(`unknown command="line${n}"`))) t.fail(`line${n} was lost`)
  const text = await screen(t, machine)
  t.match(text, /line299/)
})
