// TCP that Linux does not cut, through the guest as a router: received in one piece and sent on so where the cards agree on
// it (virtio 1.2 §5.1.3), cut by the guest where they do not. 20 MB each way, equal at the other end.
// Time limit: 300 s

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { booted } from '../qemu.ts'
import { FAR, NEAR, farCard, sides } from '../router.ts'
import { count, isClean } from '../tshark.ts'

const BYTES = 20_000_000
const FRAME = 1514
const NO_SEGMENTS = 'host_tso4=off,guest_tso4=off'
const NOTHING = 'csum=off,guest_csum=off,host_tso4=off,host_tso6=off,host_ecn=off,guest_tso4=off,guest_tso6=off,guest_ecn=off'

/** Bytes that no two places of the transfer have in common for long, and what their digest is. */
const DATA = `import hashlib, random; data = random.Random(7).randbytes(${BYTES}); digest = hashlib.sha256(data).digest()`
const RECEIVE = `
def receive(s):
    parts = []; left = ${BYTES}
    while left:
        part = s.recv(min(left, 1 << 20))
        assert part, 'the connection ended early'
        parts.append(part); left -= len(part)
    assert hashlib.sha256(b''.join(parts)).digest() == digest, 'other bytes'`

/** The same bytes there and back over one connection; seconds it took. */
async function transfer(near: Namespace, far: Namespace): Promise<number> {
  const server = far.must('python3', ['-c', `import socket; ${DATA}
${RECEIVE}
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('', 5001)); l.listen(); l.settimeout(60)
s, _ = l.accept(); s.settimeout(60); receive(s); s.sendall(data); s.shutdown(socket.SHUT_WR); s.recv(1)`], { seconds: 100 })
  const client = await near.must('python3', ['-c', `import socket, time; ${DATA}
${RECEIVE}
for attempt in range(50):
    try:
        s = socket.create_connection(('${FAR.host}', 5001), 60); break
    except ConnectionRefusedError: time.sleep(0.1)
began = time.monotonic(); s.sendall(data); receive(s); print(time.monotonic() - began); s.close()`], { seconds: 100 })
  await server
  return Number(client)
}

/** Bytes a frame, as Linux counts what a device sent or received: a packet that is not cut is one. */
async function frameSize(namespace: Namespace, device: string, way: 'rx' | 'tx'): Promise<number> {
  const read = async (what: string) => Number(await namespace.must('cat', [`/sys/class/net/${device}/statistics/${way}_${what}`]))
  return await read('bytes') / await read('packets')
}

/** Have Linux cut TCP and complete checksums before a device sends: SIOCETHTOOL with ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO. */
async function noOffloads(namespace: Namespace, device: string): Promise<void> {
  await namespace.must('python3', ['-c', `
import array, fcntl, socket, struct
for command in (0x17, 0x1f, 0x24):
    value = array.array('B', struct.pack('II', command, 0))
    fcntl.ioctl(socket.socket(), 0x8946, struct.pack('16sP16x', b'${device}', value.buffer_info()[0]))`])
}

interface Case { name: string, memory?: string, first?: string, second?: string, wire?: boolean, received: boolean, sent: boolean }
const cases: Case[] = [
  { name: 'both cards cut', received: true, sent: true },
  { name: 'the second does not: the guest cuts', second: NO_SEGMENTS, received: true, sent: false },
  { name: 'the second is bare: the guest cuts and sums', wire: true, received: true, sent: false },
  { name: 'neither cuts', first: NO_SEGMENTS, second: NO_SEGMENTS, received: false, sent: false },
  { name: 'nothing is offered at all', first: NOTHING, second: NOTHING, received: false, sent: false },
  { name: '128 MiB: the large pool', memory: '128M', received: true, sent: true },
  { name: '16 MiB: the pool is too small to receive what is not cut', memory: '16M', received: false, sent: false },
]

async function through(t: Test, { memory, first = '', second = '', wire = false, received, sent }: Case): Promise<void> {
  const { near, far } = await sides(t)
  const capture = join(t.testdir(), 'capture.pcap')
  const dump = wire ? ['-object', `filter-dump,id=dump1,netdev=n1,file=${capture},maxlen=131072`] : []
  await booted(t, 'two cards, forward=1', {
    append: `eth0=${NEAR.guest}/24 eth1=${FAR.guest}/24 forward=1 swap=none`, namespace: near.name, memory: memory ?? '64M',
    args: [...near.card(NEAR.mac, { device: first }), ...farCard({ offloads: !wire, device: second }), ...dump],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth1/)
    let seen: Promise<unknown> | undefined
    if (sent) {
      await noOffloads(near, 'v0')
      seen = far.must('dumpcap', ['-q', '-i', 'v1', '-c', '2000', '-w', capture, '-f', 'tcp'], { seconds: 100 })
      while (!existsSync(capture)) await new Promise(resolve => setTimeout(resolve, 20))
    }
    t.comment(`${(2 * BYTES / 1e6 / await transfer(near, far)).toFixed(1)} MB/s`)
    await seen
    const [inward, outward] = [await frameSize(near, 'tap0', 'tx'), await frameSize(near, 'tap1', 'rx')]
    t.comment(`bytes a frame: ${inward.toFixed(0)} into the guest, ${outward.toFixed(0)} out of it`)
    // A mean above what a frame may have: some were longer. How much above, the host's other work decides.
    t.equal(inward > FRAME, received, received ? 'TCP came in one piece' : 'TCP came in frames')
    t.equal(outward > FRAME, sent, sent ? 'and left in one piece' : 'it left in frames')
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
  if (!sent && !wire) return
  const ours = `eth.src == ${FAR.mac}` // what the far side sends has its checksums open
  await isClean(t, capture, 500, ours)
  t.equal(await count(capture, `${ours} && frame.len > ${FRAME}`), 0, 'no segment is longer than asked for')
}

for (const each of cases) {
  await t.test(each.name, async t => {
    if (!need(t, 'root', 'tun', { command: 'python3' }, { command: 'tshark' }, { command: 'dumpcap' })) return
    await through(t, each)
  })
}
