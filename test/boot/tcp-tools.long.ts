// TCP of the guest and other people's tools, in a namespace: nc's half-close, wrk, ab and h2load on the status, iperf3 with eight
// streams, nmap's guesses, and hping3's flood of SYNs while a transfer goes on.
// Time limit: 300 s

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { pattern } from '../wire/http.ts'

const URL = `http://${GUEST.ip}`
const SIZE = 20_000_000

interface Stats { tcp: Record<string, number>, sockets: { open: number }, packets: { total: number, free: number }, memory: { free_bytes: number } }
interface Iperf { error?: string, end: { streams: { sender: { bytes: number }, receiver: { bytes: number } }[], sum_sent: { bytes: number }, sum_received: { bytes: number } } }

await t.test('tools', async t => {
  if (!need(t, 'root', 'tun', ...['curl', 'hping3', 'nc.openbsd', 'wrk', 'ab', 'h2load', 'iperf3', 'nmap'].map(command => ({ command })))) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await namespace.must('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'])
  const folder = t.testdir()
  await booted(t, 'one guest', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=echo,discard,http,iperf3`, namespace: namespace.name,
    args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const stats = async () => JSON.parse(await namespace.must('curl', ['-sS', '-m', '20', `${URL}/api/stats`])) as Stats
    const before = await stats()

    await t.test('nc -N: half-closed by Linux, ended by the guest, nothing is missing', async t => {
      for (const size of [0, 1, 1_000_003]) {
        const data = pattern(size)
        const file = join(folder, `nc-${size}`)
        writeFileSync(file, data)
        const out = await namespace.must('sh', ['-c', `timeout 30 nc.openbsd -N ${GUEST.ip} 7 < ${file} | sha256sum`])
        t.equal(out.split(' ')[0], createHash('sha256').update(data).digest('hex'), `${size} bytes`)
      }
    })

    await t.test('wrk, ab and h2load on /api/stats: every answer is whole, and 200', async t => {
      const wrk = await namespace.must('wrk', ['-t', '2', '-c', '50', '-d', '5s', `${URL}/api/stats`], { seconds: 30 })
      t.comment(/Requests\/sec:.*/.exec(wrk)?.[0])
      t.notMatch(wrk, /Socket errors|Non-2xx/)
      t.match(wrk, /[1-9]\d* requests in/)
      for (const keep of [['-k'], []]) {
        // The log of the status grows while it is asked: -l.
        const ab = await namespace.must('ab', ['-l', '-q', '-n', '2000', '-c', '20', ...keep, `${URL}/api/stats`], { seconds: 60 })
        t.comment(`ab ${keep.join()} ${/Requests per second:.*/.exec(ab)?.[0]}`)
        t.match(ab, /Complete requests:\s+2000\n/)
        t.match(ab, /Failed requests:\s+0\n/)
        t.notMatch(ab, /Non-2xx/)
      }
      const h2load = await namespace.must('h2load', ['--h1', '-n', '2000', '-c', '20', '-m', '4', `${URL}/api/stats`], { seconds: 60 })
      t.comment(/finished in.*/.exec(h2load)?.[0])
      t.match(h2load, /requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout/)
      t.match(h2load, /status codes: 2000 2xx/)
    })

    await t.test('iperf3 with eight streams, in, out, both at once', async t => {
      for (const how of [[], ['-R'], ['--bidir']]) {
        const { out } = await namespace.run('iperf3', ['-c', GUEST.ip, '-J', '-t', '3', '-P', '8', '--connect-timeout', '5000', ...how], { seconds: 30 })
        const { error, end } = JSON.parse(out) as Iperf
        t.equal(error, undefined, how.join())
        if (error !== undefined) continue
        t.equal(end.streams.length, how[0] === '--bidir' ? 16 : 8)
        t.ok(end.streams.every(each => each.receiver.bytes > 0), end.streams.map(each => each.receiver.bytes).join(' '))
      }
    })

    await t.test('nmap -sS -O: the ports that are open, and no more; a guess at the system; the guest is none the worse', async t => {
      const out = await namespace.must('nmap', ['-sS', '-O', '-n', '-Pn', '-p', '1-200,5201,40000', GUEST.ip], { seconds: 120 })
      t.comment(out)
      t.same([...out.matchAll(/^(\d+)\/tcp +open/gm)].map(each => Number(each[1])), [7, 9, 80, 5201])
      t.match(out, /198 closed tcp ports \(reset\)/)
    })

    await t.test('none is left but the connection that asks, and no packet', async t => {
      const after = await stats()
      t.same([after.tcp.connections, after.sockets.open, after.packets], [before.tcp.connections, before.sockets.open, before.packets])
    })

    await t.test('hping3 floods port 80 with SYNs from everywhere; 20 MB each way meanwhile are equal', async t => {
      const bytes = pattern(SIZE)
      const file = join(folder, 'post')
      writeFileSync(file, bytes)
      const out = await namespace.must('sh', ['-c', `
hping3 -q -S -p 80 --rand-source --flood ${GUEST.ip} >${folder}/flood 2>&1 & flood=$!
sleep 1
curl -sS -m 60 ${URL}/bytes/${SIZE} | sha256sum
curl -sS -m 60 --data-binary @${file} ${URL}/sink
kill -INT $flood; wait $flood; cat ${folder}/flood`], { seconds: 130 })
      const [get, post, ...flood] = out.split('\n')
      t.comment(flood.join(' '))
      t.equal(get!.split(' ')[0], createHash('sha256').update(bytes).digest('hex'), 'GET')
      t.same(JSON.parse(post!), { bytes: SIZE, crc32: (crc32(bytes) >>> 0).toString(16).padStart(8, '0') }, 'POST')
      const { tcp } = await stats()
      t.comment(JSON.stringify(tcp))
      t.ok(tcp.cookies_sent! > 1000 && tcp.cookies_accepted! >= 2, 'by cookies')
    })

    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
})
