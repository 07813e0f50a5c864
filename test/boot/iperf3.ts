// The iperf3 server against Debian's client, from a network namespace over a tap: every direction, several streams, UDP, limits
// by time, bytes and blocks, what the client's own JSON says of both ends, and a capture of it all read by tshark.
// Nothing here asks how fast it is.
// Time limit: 300 s

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { isClean } from '../tshark.ts'

interface Sum { bytes: number, seconds: number, retransmits?: number, jitter_ms?: number, lost_packets?: number, packets?: number }
interface Report {
  error?: string
  end: {
    streams: { sender?: Sum, receiver?: Sum, udp?: Sum }[]
    sum_sent: Sum, sum_received: Sum, sum?: Sum, sum_sent_bidir_reverse?: Sum, sum_received_bidir_reverse?: Sum
    receiver_tcp_congestion?: string, sender_tcp_congestion?: string
  }
}

/** What one end received is what the other sent, but for what was under way when it stopped. */
function agree(t: Test, sent: Sum, received: Sum, what: string, slack = 0.3): void {
  t.ok(sent.bytes > 0 && received.bytes > 0, `${what}: ${sent.bytes} sent, ${received.bytes} received`)
  t.ok(received.bytes <= sent.bytes && received.bytes >= sent.bytes * (1 - slack), `${what}: nearly all that was sent has come`)
  t.ok(Math.abs(sent.seconds - received.seconds) < 0.5, `${what}: ${sent.seconds} and ${received.seconds} seconds`)
}

await t.test('the stock client', async t => {
  if (!need(t, 'root', 'tun', { command: 'iperf3' }, { command: 'tshark' })) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  const capture = join(mkdtempSync(join(tmpdir(), 'iperf3-')), 'guest.pcap')
  const args = [...namespace.card(GUEST.mac, { offloads: false }), '-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`]
  t.teardown(() => rmSync(dirname(capture), { recursive: true, force: true }))
  const append = `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=iperf3`

  await booted(t, 'served', { append, namespace: namespace.name, args }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const client = async (...options: string[]): Promise<Report> => {
      const { out } = await namespace.run('iperf3', ['-c', GUEST.ip, '-J', '--connect-timeout', '5000', ...options], { seconds: 30 })
      return JSON.parse(out) as Report
    }
    const test = (name: string, options: string, body: (t: Test, end: Report['end']) => void) => t.test(`${name}: ${options}`, async t => {
      const report = await client(...options.split(' '))
      t.equal(report.error, undefined)
      if (report.error === undefined) body(t, report.end)
    })

    await test('TCP in', '-t 1', (t, end) => {
      agree(t, end.sum_sent, end.sum_received, 'in')
      t.equal(end.receiver_tcp_congestion, 'cubic')
    })
    await test('TCP out', '-t 1 -R', (t, end) => {
      agree(t, end.sum_sent, end.sum_received, 'out')
      t.ok(end.sum_sent.retransmits! >= 0 && end.sum_sent.retransmits! < 1000, `${end.sum_sent.retransmits} retransmissions`)
      t.equal(end.sender_tcp_congestion, 'cubic')
    })
    await test('four streams', '-t 1 -P 4', (t, end) => {
      t.equal(end.streams.length, 4)
      agree(t, end.sum_sent, end.sum_received, 'all')
      for (const each of end.streams) t.ok(each.receiver!.bytes > 0, `${each.receiver!.bytes} bytes`)
    })
    await test('four streams out', '-t 1 -P 4 -R', (t, end) => {
      t.equal(end.streams.length, 4)
      for (const each of end.streams) t.ok(each.receiver!.bytes > 0 && each.sender!.bytes >= each.receiver!.bytes, `${each.receiver!.bytes} bytes`)
    })
    await test('both directions', '-t 1 --bidir', (t, end) => {
      agree(t, end.sum_sent, end.sum_received, 'in')
      agree(t, end.sum_sent_bidir_reverse!, end.sum_received_bidir_reverse!, 'out')
    })
    await test('a number of bytes', '-n 3M', (t, end) => {
      t.equal(end.sum_sent.bytes, 3 << 20)
      t.ok(end.sum_received.bytes > 1 << 20 && end.sum_received.bytes <= 3 << 20, `${end.sum_received.bytes} had come when it was over`)
    })
    await test('a number of blocks of a length', '-k 100 -l 1000 -R', (t, end) => {
      t.ok(end.sum_sent.bytes >= 100_000, `${end.sum_sent.bytes}`)
    })
    await test('a beginning that does not count', '-t 1 -O 1', (t, end) => {
      const [sent, received] = [end.sum_sent.bytes, end.sum_received.bytes]
      t.ok(received > sent * 0.5 && received < sent * 1.5, `${sent} sent, ${received} received: what was under way counts at one end only`)
      t.ok(end.sum_received.seconds > 0.8 && end.sum_received.seconds < 1.5, `${end.sum_received.seconds} seconds`)
    })
    await test('TCP at a rate, out', '-t 2 -R -b 8M -l 8K', (t, end) => {
      t.ok(end.sum_received.bytes > 1_500_000 && end.sum_received.bytes < 2_300_000, `${end.sum_received.bytes} of 2,000,000 bytes`)
    })
    await test('UDP in', '-u -t 2 -b 4M -l 1000', (t, end) => {
      t.ok(end.sum!.packets! > 800 && end.sum!.packets! < 1100, `${end.sum!.packets} datagrams`)
      t.equal(end.sum!.lost_packets, 0)
      t.ok(end.sum!.jitter_ms! > 0 && end.sum!.jitter_ms! < 100, `jitter ${end.sum!.jitter_ms} ms`)
      t.equal(end.sum_received.bytes, end.sum_sent.bytes)
    })
    await test('UDP out, with counts of 64 bits', '-u -t 2 -b 4M -l 1000 -R --udp-counters-64bit', (t, end) => {
      t.ok(end.sum!.packets! > 700 && end.sum!.packets! < 1100, `${end.sum!.packets} datagrams`)
      t.equal(end.sum!.lost_packets, 0)
    })
    await test('UDP both ways, two streams, datagrams in fragments', '-u -t 2 -b 2M -l 4000 --bidir -P 2', (t, end) => {
      t.equal(end.streams.length, 4)
      for (const each of end.streams) t.match(each.udp, { lost_packets: 0 })
    })
    await t.test('who comes while another is served hears that it is busy', async t => {
      const first = client('-t', '2')
      await new Promise(resolve => setTimeout(resolve, 700))
      t.match((await client('-t', '1')).error, /busy/)
      t.equal((await first).error, undefined)
    })
    await t.test('a client that is killed in the middle: the next one is served', async t => {
      await namespace.run('timeout', ['-s', 'KILL', '1', 'iperf3', '-c', GUEST.ip, '-R'], { seconds: 10 })
      t.equal((await client('-t', '1')).error, undefined)
    })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    t.match(machine.log, /iperf3: test end=done /)
  })
  await isClean(t, capture, 100, `ip.src == ${GUEST.ip}`, 20_000)
})
