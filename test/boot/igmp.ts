// Multicast groups on a booted machine: what is reported when a group is joined and left, how queries of every version
// are answered, and what Wireshark's dissectors make of it. RFC 3376, RFC 2236.

import { join } from 'node:path'
import t from 'tap'
import { need } from '../need.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import { fields, isClean } from '../tshark.ts'
import { bytes } from '../wire/bytes.ts'
import { EtherType, ethernet, ipv4 } from '../wire/frames.ts'
import { IGMP, Igmp, Record, igmp, igmpOf, query3 } from '../wire/igmp.ts'

const GROUP = '239.1.2.3'
const GROUP_MAC = '01:00:5e:01:02:03'
const ALL_HOSTS_MAC = '01:00:5e:00:00:01'

/** A query from the host's end, as routers send it. */
const asked = (message: Uint8Array, destination = '224.0.0.1', mac = ALL_HOSTS_MAC) =>
  ethernet({ destination: mac, source: HOST.mac, type: EtherType.Ipv4 },
    ipv4({ source: HOST.ip, destination, protocol: IGMP, ttl: 1, options: bytes('94040000') }, message))

await t.test('groups, joined and left from the console', async t => {
  if (!need(t, { command: 'tshark' })) return
  const capture = join(t.testdir(), 'guest.pcap')
  await wired(t, 'reports and answers', {
    args: ['-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`],
  }, async (t, { machine, peer, station }) => {
    const records = () => peer.received.flatMap(frame => igmpOf(frame)?.records ?? [])
    const heard = async (type: number, group = GROUP) => await peer.next(frame => {
      const message = igmpOf(frame)
      return message?.type === type && (message.group === group || type === Igmp.Report3)
    }, { from: 0, seconds: 10, what: `IGMP ${type}` })

    await station.ping()
    t.same(records(), [], '224.0.0.1 is not reported')
    machine.type(`join eth0 ${GROUP}\r`)
    await machine.until(/console: done command=join/)
    const report = await heard(Igmp.Report3)
    t.match(report, {
      destination: '01:00:5e:00:00:16', source: GUEST.mac,
      ipv4: { ttl: 1, destination: '224.0.0.22', source: GUEST.ip, headerLength: 24 },
    })
    await peer.during(1.5)
    t.same(records(), Array(2).fill({ type: Record.ToExclude, group: GROUP, sources: [] }), 'RFC 3376 §5.1: said twice')

    const from = peer.received.length
    await peer.ask(asked(query3({ code: 10 })),
      frame => igmpOf(frame)?.records[0]?.type === Record.IsExclude, { what: 'answer to a general query' })
    await peer.ask(asked(query3({ code: 10, group: GROUP }), GROUP, GROUP_MAC),
      frame => igmpOf(frame)?.records[0]?.group === GROUP, { what: 'answer to a query about the group' })
    t.equal(peer.received.slice(from).filter(frame => igmpOf(frame)).length, 2)

    await peer.ask(asked(igmp(Igmp.Query, 10, '0.0.0.0')), frame => igmpOf(frame)?.type === Igmp.Report2 && frame.destination === GROUP_MAC,
      { what: 'answer to a version 2 query' })
    machine.type(`leave eth0 ${GROUP}\r`)
    await machine.until(/console: done command=leave/)
    t.equal((await heard(Igmp.Leave)).ipv4?.destination, '224.0.0.2')
    machine.type(`leave eth0 ${GROUP}\r`)
    await machine.until(/console: failed command=leave errno=-99/)
    await station.ping()
  })
  await t.test('tshark reads every message and finds nothing wrong', async t => {
    await isClean(t, capture, 6, `eth.src == ${GUEST.mac}`)
    const rows = await fields(capture, `igmp && eth.src == ${GUEST.mac}`,
      ['igmp.version', 'igmp.type', 'igmp.checksum.status', 'ip.ttl', 'ip.opt.ra', 'ip.dsfield'])
    t.ok(rows.length >= 6)
    for (const [, , status, ttl, alert, service] of rows) {
      t.match(status, /^(1|Good)$/)
      t.same([ttl, alert, service], ['1', '0', '0xc0'])
    }
    t.same([...new Set(rows.map(([version]) => version))].sort(), ['2', '3'])
  })
})
