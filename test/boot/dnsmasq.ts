// dnsmasq as everybody's DHCP and DNS server: a lease with all that comes with it, its renewal, a server that has
// forgotten, an address that is somebody else's, and names. RFC 2131, RFC 3442, RFC 1035, RFC 7766.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { type Machine, booted } from '../qemu.ts'
import { fields, isClean } from '../tshark.ts'

const FIRST = '10.77.0.100'

/** dnsmasq in a namespace: what it said so far, and its end. */
class Dnsmasq {
  said = ''
  private readonly child: ChildProcess
  private readonly ended: Promise<void>

  constructor(namespace: Namespace, leases: string, args: string[]) {
    this.child = spawn('ip', [
      'netns', 'exec', namespace.name, 'dnsmasq', '--keep-in-foreground', '--log-facility=-', '--log-dhcp', '--log-queries', '--user=root',
      '--pid-file=', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--no-ping', '--interface=tap0', '--bind-interfaces',
      '--dhcp-authoritative', `--dhcp-leasefile=${leases}`, ...args,
    ], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => { this.said += text })
    }
    this.ended = new Promise(resolve => { this.child.on('close', () => resolve()) })
  }

  async end(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.ended
  }
}

interface Served {
  machine: Machine
  namespace: Namespace
  server: Dnsmasq
  capture: string
  serve: (args: string[]) => Promise<Dnsmasq>
}

/**
 * A machine under DHCP beside dnsmasq; `neighbour` is one more address of the namespace's. `serve` ends the server and
 * starts another, which remembers no lease.
 */
async function served(
  t: Test, title: string, args: string[], body: (t: Test, served: Served) => Promise<void>, { append = '', neighbour = '' } = {},
): Promise<void> {
  await t.test(title, async t => {
    if (!need(t, 'root', 'tun', { command: 'dnsmasq' }, { command: 'tshark' })) return
    const namespace = await Namespace.create(t, `${HOST.ip}/24`)
    if (neighbour) await namespace.must('ip', ['addr', 'add', `${neighbour}/32`, 'dev', 'tap0'])
    const capture = join(t.testdir(), 'guest.pcap')
    let runs = 0
    const leases = () => join(t.testdirName, `leases${runs++}`)
    let server = new Dnsmasq(namespace, leases(), args)
    const serve = async (next: string[]): Promise<Dnsmasq> => {
      await server.end()
      return server = new Dnsmasq(namespace, leases(), next)
    }
    try {
      await booted(t, title, {
        append: `eth0=dhcp swap=none ${append}`.trim(), namespace: namespace.name,
        args: [...namespace.card(GUEST.mac, { offloads: false }), '-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`],
      }, async (t, machine) => await body(t, { machine, namespace, server, capture, serve }))
      await isClean(t, capture, 4, `eth.src == ${GUEST.mac}`)
    } finally {
      await server.end()
    }
  })
}

const range = (from: string, to = from) => `--dhcp-range=${from},${to},255.255.255.0,2m`

await served(t, 'a lease with routes, MTU and domain; names', [
  range(FIRST), '--dhcp-option=option:router,10.77.0.9', '--dhcp-option=121,0.0.0.0/0,10.77.0.1,192.0.2.0/24,10.77.0.7', '--dhcp-option=option:mtu,1400',
  '--domain=lab.example', '--local=/lab.example/', '--local-ttl=77', '--host-record=www.lab.example,10.77.0.80', '--cname=alias.lab.example,www.lab.example',
  '--cname=further.lab.example,alias.lab.example', ...Array.from({ length: 40 }, (_, i) => `--host-record=big.lab.example,10.88.0.${i}`),
  ...Array.from({ length: 1100 }, (_, i) => `--host-record=vast.lab.example,10.89.${i >> 8}.${i & 255}`),
], async (t, { machine, capture, server }) => {
  const { fields: up } = await machine.event(/net: up .*if=eth0/, 20)
  t.match(up, { ip: `${FIRST}/24`, gw: HOST.ip, mtu: '1400', source: 'dhcp' }, 'RFC 3442: the gateway of option 121, not of 3')
  const [offered] = await fields(capture, 'dhcp.option.dhcp == 5', ['dhcp.option.domain_name', 'dhcp.option.interface_mtu'])
  t.same(offered, ['lab.example', '1400'])
  t.match(server.said, /DHCPACK\(tap0\) 10\.77\.0\.100 .*porphyry/)

  const ask = async (name: string): Promise<Record<string, string>> => {
    const from = machine.lines.length
    machine.type(`resolve ${name}\r`)
    for (let tries = 0; tries < 100; tries++) {
      const line = machine.lines.slice(from).find(each => / dns: /.test(each))
      if (line) return machine.events.filter(each => each.subsystem === 'dns').at(-1)!.fields
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`no answer for ${name}`)
  }
  t.match(await ask('www.lab.example'), { name: 'www.lab.example', ip: '10.77.0.80', seconds: '77' })
  t.match(await ask('WWW.Lab.Example.'), { ip: '10.77.0.80' }, 'from memory')
  t.match(await ask('alias.lab.example'), { name: 'www.lab.example', ip: '10.77.0.80' }, 'a CNAME')
  t.match(await ask('further.lab.example'), { name: 'www.lab.example', ip: '10.77.0.80' }, 'two of them')
  t.match(await ask('nothing.lab.example'), { name: 'nothing.lab.example', why: 'no-name' })
  t.match(await ask('big.lab.example'), { name: 'big.lab.example', ip: /^10\.88\.0\./ }, 'RFC 7766: over TCP, for forty addresses do not fit a datagram')
  t.match(await ask('vast.lab.example'), { why: 'truncated-needs-tcp' }, 'which is longer than DNS_STREAM_LONGEST')
  t.match(await ask('elsewhere.test'), { why: 'server-failure' }, 'it knows nobody to ask')
  const asked = await fields(capture, `udp && dns.flags.response == 0 && eth.src == ${GUEST.mac}`, ['dns.id', 'udp.srcport', 'dns.qry.name'])
  t.equal(asked.filter(([, , name]) => name === 'www.lab.example').length, 1, 'asked once')
  t.equal(new Set(asked.map(([id]) => id)).size, asked.length)
  t.equal(new Set(asked.map(([, port]) => port)).size, asked.length)
  t.same(await fields(capture, `tcp && dns.flags.response == 0 && eth.src == ${GUEST.mac}`, ['dns.qry.name']), [['big.lab.example'], ['vast.lab.example']])
})

await served(t, 'a lease is renewed at T1; a server that has forgotten refuses, and gives another', [range(FIRST), '--dhcp-option=58,4', '--dhcp-option=59,60'],
  async (t, { machine, namespace, serve }) => {
    await machine.event(/net: up .*if=eth0 .*10\.77\.0\.100/, 20)
    const { fields: renewed } = await machine.event(/net: lease-renewed/, 75)
    t.match(renewed, { ip: FIRST, server: HOST.ip, seconds: '120' })
    await serve([range('10.77.0.200'), '--dhcp-option=58,4'])
    t.match((await machine.event(/net: lease-refused/, 75)).fields, { ip: FIRST })
    await machine.event(/net: up .*if=eth0 .*10\.77\.0\.200/, 20)
    t.match(await namespace.must('ping', ['-c', '2', '-i', '0.2', '10.77.0.200']), /2 received/)
    t.equal((await namespace.run('ping', ['-c', '1', '-W', '1', FIRST])).status, 1, 'the old address is gone')
  })

await served(t, 'an address that somebody else has is declined, and another one taken', [
  range(FIRST, '10.77.0.101'), '--dhcp-sequential-ip',
], async (t, { machine, namespace, server, capture }) => {
  const declined = await machine.event(/net: lease-declined/, 30)
  t.equal(declined.fields.ip, FIRST)
  await machine.event(/net: up .*if=eth0 .*10\.77\.0\.101/, 30)
  t.match(server.said, /DHCPDECLINE\(tap0\) 10\.77\.0\.100/)
  const [decline] = await fields(capture, 'dhcp.option.dhcp == 4', [
    'ip.src', 'dhcp.ip.client', 'dhcp.option.requested_ip_address', 'dhcp.option.dhcp_server_id',
  ])
  t.same(decline, ['0.0.0.0', '0.0.0.0', FIRST, HOST.ip])
  t.match(await namespace.must('ping', ['-c', '2', '-i', '0.2', '10.77.0.101']), /2 received/)
}, { append: 'acd=strict', neighbour: FIRST })
