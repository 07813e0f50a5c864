// Other people's tools as the guest's neighbours, over a tap device: large pings, hping3's fragments, arp-scan, nmap -sU,
// and 802.1Q frames by scapy. What the guest sent meanwhile is read by Wireshark's dissectors. (Routing, tracepath and
// ping -R are test/boot/forward.ts.)
// Time limit: 240 s

import { join } from 'node:path'
import t from 'tap'
import { Namespace, pingResult } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { count, fields, isClean } from '../tshark.ts'

const ours = `eth.src == ${GUEST.mac}`
const VLAN = 5
const INSIDE = { guest: '10.88.0.2', host: '10.88.0.1' }

/** Debian's package, for Debian's python3: another Python on the PATH does not see it. */
const SCAPY_PACKAGE = '/usr/lib/python3/dist-packages/scapy'

/** Frames with a tag by scapy; prints what came back, a word a line. */
const SCAPY = `
import logging; logging.getLogger('scapy').setLevel(logging.ERROR)
from scapy.all import *
mac = get_if_hwaddr('tap0')
def ask(vlan, packet, **more):
    got = srp1(Ether(src=mac, dst=more.get('dst', '${GUEST.mac}')) / Dot1Q(vlan=vlan,
      prio=more.get('prio', 0)) / packet, iface='tap0', timeout=more.get('timeout', 5), verbose=0)
    return got
arp = ask(${VLAN}, ARP(pdst='${INSIDE.guest}', psrc='${INSIDE.host}', hwsrc=mac), dst='ff:ff:ff:ff:ff:ff')
print('arp', arp and arp[Dot1Q].vlan, arp and arp[ARP].hwsrc)
icmp = ask(${VLAN}, IP(src='${INSIDE.host}', dst='${INSIDE.guest}') / ICMP(id=7, seq=1) / (b'x' * 100), prio=3)
print('icmp', icmp and icmp[Dot1Q].vlan, icmp and icmp[Dot1Q].prio, icmp and icmp[ICMP].type)
other = ask(${VLAN + 1}, ARP(pdst='${INSIDE.guest}', psrc='${INSIDE.host}', hwsrc=mac), dst='ff:ff:ff:ff:ff:ff', timeout=1)
print('other', other)
`

await t.test('real neighbours', async t => {
  if (!need(t, 'root', 'tun', { file: SCAPY_PACKAGE },
    ...['ping', 'hping3', 'arp-scan', 'nmap', 'tshark'].map(command => ({ command })))) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  const capture = join(t.testdir(), 'guest.pcap')
  await booted(t, 'one guest, many tools', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=echo,discard`, namespace: namespace.name,
    args: [...namespace.card(GUEST.mac, { offloads: false }), '-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/, 30)
    await t.test('RFC 791 §3.2: ping -s 8000 and as large as there is', async t => {
      for (const size of [8000, 65507]) { // the second is the longest there is
        const { sent, received } = pingResult(await namespace.must('ping', ['-c', '5', '-i', '0.1', '-q', '-s', String(size), GUEST.ip]))
        t.same([sent, received], [5, 5], `${size} bytes`)
      }
    })
    await t.test("hping3's fragments of 16 and of 64 bytes", async t => {
      for (const mtu of ['16', '64']) {
        const { out, errors } = await namespace.run('hping3',
          ['--icmp', '-f', '-m', mtu, '-d', '600', '-c', '5', '-i', 'u50000', GUEST.ip])
        t.match(out + errors, /5 packets transmitted, 5 packets received/, `${mtu} bytes`)
      }
    })
    await t.test('hping3 --udp to a closed port', async t => {
      const closed = await namespace.run('hping3', ['--udp', '-p', '9999', '-c', '3', '-i', 'u200000', GUEST.ip])
      t.match(closed.out + closed.errors, /ICMP Port Unreachable from ip=10\.77\.0\.2/)
    })
    await t.test('arp-scan finds the guest, and only it', async t => {
      const out = await namespace.must('arp-scan', ['-I', 'tap0', '-q', '-r', '2', '10.77.0.0/28'])
      t.same(out.split('\n').filter(line => /^10\./.test(line)).map(line => line.split('\t').slice(0, 2)), [[GUEST.ip, GUEST.mac]])
    })
    await t.test('nmap -sU: echo is open, discard says nothing, another port is closed', async t => {
      const out = await namespace.must('nmap',
        ['-sU', '-n', '-Pn', '--max-retries', '3', '-p', '7,9,9999', '-oG', '-', GUEST.ip], { seconds: 60 })
      t.match(out, /7\/open\/udp/)
      t.match(out, /9\/open\|filtered\/udp/)
      t.match(out, /9999\/closed\/udp/)
    })
    await t.test('IEEE 802.1Q by scapy: a tag comes back with its priority, another VLAN is silent', async t => {
      machine.type(`vlan eth0 ${VLAN}\n`)
      await machine.until(/console: done command=vlan/)
      machine.type(`address eth0.${VLAN} ${INSIDE.guest}/24\n`)
      await machine.until(new RegExp(`console: done command=address|net: up .*if=eth0\\.${VLAN}`))
      const out = await namespace.must('/usr/bin/python3', ['-c', SCAPY], { seconds: 60 })
      t.match(out, `arp ${VLAN} ${GUEST.mac}`)
      t.match(out, `icmp ${VLAN} 3 0`)
      t.match(out, 'other None')
    })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
  await t.test('the capture is clean, and has all of it', async t => {
    await isClean(t, capture, 200, ours)
    t.ok(await count(capture, `${ours} && ip.flags.mf == 1`) > 50, 'fragments of ours')
    t.ok(await count(capture, `${ours} && icmp.type == 3 && icmp.code == 3`) > 0, 'port unreachable')
    const tags = await fields(capture, `${ours} && vlan && icmp`, ['vlan.id', 'vlan.priority'])
    t.same(tags, [[String(VLAN), '3']])
  })
})
