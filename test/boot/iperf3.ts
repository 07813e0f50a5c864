// The iperf3 server (services=iperf3) and Debian's client, over a tap: both transports, both directions, what each says of
// the other's results, who is refused, who goes away. Never a speed: only what has to hold at any.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted, type Machine } from '../qemu.ts'
import { isClean } from '../tshark.ts'

/** The end of a stream, or of all streams, as iperf3 -J tells it. */
interface Sum { seconds: number, bytes: number, retransmits?: number, jitter_ms?: number, lost_packets?: number, packets?: number }
interface Report {
  error?: string
  end: {
    streams: Array<{ sender?: Sum, receiver?: Sum, udp?: Sum }>
    sum: Sum, sum_sent: Sum, sum_received: Sum
    sum_sent_bidir_reverse?: Sum, sum_received_bidir_reverse?: Sum
  }
}

interface Server { namespace: Namespace, machine: Machine, client: (...args: string[]) => Promise<Report> }

/** A machine that serves iperf3, and its client in the namespace beside it. */
async function serving(t: Test, name: string, more: { offloads: boolean, args?: string[] }, body: (t: Test, server: Server) => Promise<void>): Promise<void> {
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await booted(t, name, {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=iperf3`, namespace: namespace.name,
    args: [...namespace.card(GUEST.mac, more), ...more.args ?? []],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const client = async (...args: string[]): Promise<Report> => {
      const { out, errors } = await namespace.run('iperf3', ['-c', GUEST.ip, '-J', ...args], { seconds: 40 })
      if (!out.startsWith('{')) throw new Error(`iperf3 ${args.join(' ')} printed: ${out}${errors}`)
      return JSON.parse(out) as Report
    }
    await body(t, { namespace, machine, client })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
}

/** What holds of every test that was carried through. */
function isWhole(t: Test, report: Report, streams: number): void {
  t.equal(report.error, undefined, 'no error')
  t.equal(report.end.streams.length, streams, `${streams} streams`)
}

function isPlausible(t: Test, sent: Sum | undefined, received: Sum | undefined, seconds: number): void {
  t.ok(sent!.bytes > 0 && received!.bytes > 0, `sent ${sent!.bytes}, received ${received!.bytes}`)
  t.ok(received!.bytes <= sent!.bytes, 'no more arrived than was sent')
  for (const each of [sent!, received!]) t.ok(each.seconds >= seconds * 0.9 && each.seconds < seconds + 3, `${each.seconds} s of about ${seconds}`)
}

async function tcp(t: Test, { client }: Server): Promise<void> {
  await t.test('in', async t => {
    const report = await client('-t', '1')
    isWhole(t, report, 1)
    isPlausible(t, report.end.sum_sent, report.end.sum_received, 1)
  })
  await t.test('out', async t => {
    const report = await client('-t', '1', '-R')
    isWhole(t, report, 1)
    isPlausible(t, report.end.sum_sent, report.end.sum_received, 1)
    t.type(report.end.sum_sent.retransmits, 'number', 'the server tells of retransmissions')
  })
  await t.test('four streams, in and out', async t => {
    for (const direction of [[], ['-R']]) {
      const report = await client('-t', '1', '-P', '4', ...direction)
      isWhole(t, report, 4)
      isPlausible(t, report.end.sum_sent, report.end.sum_received, 1)
      for (const { sender, receiver } of report.end.streams) t.ok(sender!.bytes > 0 && receiver!.bytes > 0, 'each stream moved something')
    }
  })
  await t.test('both ways at once', async t => {
    const { end, error } = await client('-t', '1', '--bidir')
    t.equal(error, undefined)
    isPlausible(t, end.sum_sent, end.sum_received, 1)
    isPlausible(t, end.sum_sent_bidir_reverse, end.sum_received_bidir_reverse, 1)
  })
  await t.test('so many bytes, so many blocks of a length', async t => {
    for (const direction of [[], ['-R']]) {
      const bytes = await client('-n', '300K', ...direction)
      isWhole(t, bytes, 1)
      t.ok(bytes.end.sum_received.bytes > 0 && bytes.end.sum_sent.bytes >= 300 << 10, `${bytes.end.sum_sent.bytes} sent`)
      const blocks = await client('-k', '50', '-l', '1000', ...direction)
      isWhole(t, blocks, 1)
      t.ok(blocks.end.sum_sent.bytes >= 50_000, `${blocks.end.sum_sent.bytes} sent`)
    }
  })
  await t.test('a second omitted', async t => {
    for (const direction of [[], ['-R']]) {
      const report = await client('-t', '1', '-O', '1', ...direction)
      isWhole(t, report, 1)
      t.ok(report.end.sum_sent.bytes > 0 && report.end.sum_received.bytes > 0)
      t.ok(report.end.sum_sent.seconds < 2 && report.end.sum_received.seconds < 2, 'the second that counts')
    }
  })
  await t.test('a rate that the client asks for is kept to', async t => {
    const { end, error } = await client('-t', '2', '-R', '-b', '4M', '-l', '8K')
    t.equal(error, undefined)
    t.ok(end.sum_received.bytes < 4e6 / 8 * 2 * 1.5, `${end.sum_received.bytes} bytes in 2 s at 4 Mbit/s`)
    t.ok(end.sum_received.bytes > 4e6 / 8 * 2 * 0.3)
  })
}

function udpIsPlausible(t: Test, report: Report, streams: number): void {
  isWhole(t, report, streams)
  for (const { udp } of report.end.streams) {
    t.ok(udp!.packets! > 0 && udp!.bytes > 0, `${udp!.packets} datagrams`)
    t.ok(udp!.lost_packets! >= 0 && udp!.lost_packets! < udp!.packets!, `${udp!.lost_packets} lost`)
    t.ok(udp!.jitter_ms! >= 0 && udp!.jitter_ms! < 1000, `jitter ${udp!.jitter_ms} ms`)
  }
}

async function udp(t: Test, { client }: Server): Promise<void> {
  for (const [what, direction] of [['in', []], ['out', ['-R']]] as const) {
    await t.test(what, async t => {
      udpIsPlausible(t, await client('-u', '-b', '5M', '-t', '1', ...direction), 1)
      udpIsPlausible(t, await client('-u', '-b', '2M', '-t', '1', '-P', '3', ...direction), 3)
      udpIsPlausible(t, await client('-u', '-b', '2M', '-t', '1', '--udp-counters-64bit', ...direction), 1)
    })
    await t.test(`${what}, datagrams in fragments`, async t => {
      udpIsPlausible(t, await client('-u', '-b', '5M', '-t', '1', '-l', '8000', ...direction), 1)
    })
    await t.test(`${what}, without a limit`, async t => {
      udpIsPlausible(t, await client('-u', '-b', '0', '-t', '1', ...direction), 1)
    })
  }
  await t.test('both ways at once', async t => {
    udpIsPlausible(t, await client('-u', '-b', '2M', '-t', '1', '--bidir'), 2)
  })
}

/** A client by hand: sends its cookie, waits for what is said to it, then sends `script`'s bytes; prints what comes until the end. */
const byHand = (script: string): string => `
import socket, struct
s = socket.create_connection(('${GUEST.ip}', 5201)); s.settimeout(15)
def message(text): return struct.pack('>I', len(text)) + text
s.sendall(b'c' * 36 + b'\\0')
assert s.recv(1) == b'\\x09'
got = b''
try:
    s.sendall(${script})
    while True:
        more = s.recv(100)
        if not more: break
        got += more
except ConnectionResetError: pass
print(got.hex() + ' end')`

async function hostile(t: Test, { namespace, client }: Server): Promise<void> {
  const scripts = [
    "struct.pack('>I', 0xffffffff) + b'{'", "message(b'')", "message(b'[' * 4000)", 'message(b\'{"tcp":true\')',
    'message(b\'{"tcp":true,"parallel":100000,"len":131072}\')', 'message(b\'{"udp":true,"len":4000000000,"parallel":1}\')',
    'message(b\'{"tcp":true,"len":1e999999999,"parallel":-1}\')', "message(bytes(range(256)))",
  ]
  for (const script of scripts) {
    const printed = await namespace.must('python3', ['-c', byHand(script)])
    t.match(printed, /^(fe[0-9a-f]*)? end/, `${script}: an error, or the end`)
  }
  isWhole(t, await client('-n', '10K'), 1)
}

async function refused(t: Test, { namespace, client }: Server): Promise<void> {
  const first = client('-t', '3')
  await new Promise(resolve => setTimeout(resolve, 1000))
  t.match((await client('-t', '1')).error, /busy/, 'one test at a time')
  isWhole(t, await first, 1)
  for (const direction of [[], ['-R']]) {
    const gone = spawn('ip', ['netns', 'exec', namespace.name, 'iperf3', '-c', GUEST.ip, '-t', '60', ...direction], { stdio: 'ignore' })
    await new Promise(resolve => setTimeout(resolve, 1000))
    const ended = new Promise(resolve => gone.on('close', resolve))
    gone.kill('SIGKILL')
    await ended
    isWhole(t, await client('-n', '10K'), 1)
  }
}

await t.test('iperf3', async t => {
  if (!need(t, 'root', 'tun', { command: 'iperf3' }, { command: 'python3' })) return
  await serving(t, 'with offloads', { offloads: true }, async (t, server) => {
    await t.test('TCP', async t => await tcp(t, server))
    await t.test('UDP', async t => await udp(t, server))
    await t.test('nonsense in the place of parameters', async t => await hostile(t, server))
    await t.test('a second client is refused, one that goes away makes room', async t => await refused(t, server))
  })
  await t.test('a capture', async t => {
    if (!need(t, { command: 'tshark' })) return
    const capture = join(t.testdir(), 'guest.pcap')
    const args = ['-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`]
    await serving(t, 'without offloads', { offloads: false, args }, async (t, { client }) => {
      for (const direction of [[], ['-R']]) {
        isWhole(t, await client('-n', '300K', ...direction), 1)
        isWhole(t, await client('-u', '-b', '1M', '-n', '50K', ...direction), 1)
      }
    })
    await isClean(t, capture, 400, `eth.src == ${GUEST.mac}`)
  })
})
