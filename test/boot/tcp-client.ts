// The kernel as a client of Linux's TCP: Python listens in a namespace, and the kernel, a program of which is in
// test/kernel/boot-connect.ts, connects to it. Bytes both ways, windows that close because nobody reads, ends in every order.
// Time limit: 300 s

import path from 'node:path'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted, type Machine } from '../qemu.ts'
import { testKernel } from '../test-kernel.ts'
import { fields, isClean } from '../tshark.ts'

/** Of Wireshark's analysis. */
const FLAGS = ['zero_window', 'window_update', 'keep_alive', 'fast_retransmission', 'out_of_order', 'lost_segment']
const CONNECTION_REFUSED = -111
const CONNECTION_RESET = -104

/** A server for one connection, `s`: it gives the order, and `script` does the rest; what the kernel should make of it. */
interface Case { name: string, order: [job: number, length: number, pause: number], script: string, says: string, told: RegExp }
const [ECHO, SEND, TAKE] = [1, 2, 3]
const SIZE = 4_000_000

const cases: Case[] = [
  { name: '4 MB there and back, at once, and the end', order: [ECHO, 0, 0], says: 'True', told: /echoed job=1 bytes=4000000 result=0/, script: `
data = random.Random(3).randbytes(${SIZE})
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
print(all() == data)` },
  { name: '4 MB from the kernel, which ends its side first and hears 1,000 bytes after that', order: [SEND, SIZE, 0], says: 'True', told: /sent job=2 bytes=4000000 result=1000/, script: `
got = all(); s.sendall(bytes(1000))
print(got == counted(${SIZE}))` },
  { name: 'Linux does not read for three seconds: its window closes, and nothing is lost', order: [SEND, SIZE, 0], says: 'True', told: /sent job=2 bytes=4000000 result=0/, script: `
got = b''
for i in range(3): time.sleep(1); got += s.recv(30000)
got += all()
print(got == counted(${SIZE}))` },
  { name: 'the kernel does not read for two seconds: its window closes, and nothing is lost', order: [TAKE, 0, 2000], says: 'True', told: /took job=3 bytes=4000000 result=0/, script: `
data = random.Random(4).randbytes(${SIZE})
s.sendall(data); s.shutdown(socket.SHUT_WR)
print(all() == struct.pack('>II', ${SIZE}, zlib.crc32(data)))` },
  { name: 'a reset by Linux is ConnectionReset', order: [TAKE, 0, 0], says: 'reset', told: new RegExp(`took job=3 bytes=5000 result=${CONNECTION_RESET}`), script: `
s.sendall(bytes(5000)); time.sleep(0.5)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
print('reset')` },
]

const server = ({ order, script }: Case): string => `
import random, socket, struct, threading, time, zlib
def counted(n): return b''.join(struct.pack('>I', i) for i in range(n // 4))
def all():
    parts = []
    while True:
        part = s.recv(1 << 18)
        if not part: return b''.join(parts)
        parts.append(part)
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(('', 5001)); l.listen(1); l.settimeout(20)
s, _ = l.accept(); l.close(); s.settimeout(30)
s.sendall(struct.pack('>III', ${order.join()}))
${script}
s.close()`

async function served(t: Test, namespace: Namespace, machine: Machine): Promise<void> {
  await machine.until(new RegExp(`client: refused .*result=${CONNECTION_REFUSED}`))
  for (const each of cases) {
    await t.test(each.name, async t => {
      const before = machine.lines.length
      t.equal((await namespace.must('python3', ['-c', server(each)], { seconds: 60 })).trim(), each.says)
      for (let i = 0; i < 50 && !machine.lines.slice(before).some(line => each.told.test(line)); i++) await new Promise(resolve => setTimeout(resolve, 100))
      t.match(machine.lines.slice(before).join('\n'), each.told)
    })
  }
  t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
}

await t.test('Linux as the server', async t => {
  if (!need(t, 'root', 'tun', { command: 'python3' }, { command: 'tshark' })) return
  const kernel = await testKernel('tcp-client')
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  const append = `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=none test=client`
  await booted(t, 'with offloads', { image: kernel, append, namespace: namespace.name, args: namespace.card(GUEST.mac) },
    async (t, machine) => await served(t, namespace, machine))
  const capture = path.join(t.testdir(), 'guest.pcap')
  const dump = ['-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`]
  await booted(t, 'without, and recorded', { image: kernel, append, namespace: namespace.name, args: [...namespace.card(GUEST.mac, { offloads: false }), ...dump] },
    async (t, machine) => await served(t, namespace, machine))
  await t.test('the capture: both windows closed, were asked after, and opened', async t => {
    await isClean(t, capture, 5000, `ip.src == ${GUEST.ip}`)
    const found = await fields(capture, 'tcp.analysis.flags', ['ip.src', ...FLAGS.map(flag => `tcp.analysis.${flag}`)])
    const counts = (ip: string) => Object.fromEntries(FLAGS.map((flag, i) => [flag, found.filter(row => row[0] === ip && row[i + 1]).length]))
    const [ours, theirs] = [counts(GUEST.ip), counts(HOST.ip)]
    t.comment(JSON.stringify({ ours, theirs }))
    t.ok(ours.zero_window! > 0 && ours.window_update! > 0, 'our window closed, and we told that it opened')
    t.ok(theirs.zero_window! > 0 && ours.keep_alive! > 0, "Linux's window closed, and we asked whether it still was")
    t.match(ours, { fast_retransmission: 0, out_of_order: 0, lost_segment: 0 })
  })
})
