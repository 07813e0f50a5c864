// kernel/net/stats.ts: every reason there is, reached by one frame or one call, counted once, and no packet lost.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { be16, bytes } from '../../../wire/bytes.ts'
import { BROADCAST, EtherType, Protocol, ethernet, ipv4, vlan } from '../../../wire/frames.ts'
import { igmp } from '../../../wire/igmp.ts'
import { Checksum, GUEST, PEER, Stack, counting, ip } from '../../../wire/stack.ts'
import { type TcpFields, decodeTcp, flagsOf, tcp } from '../../../wire/tcp.ts'

const ALL_HOSTS = '01:00:5e:00:00:01'
type Act = (stack: Stack) => void
const frame = (type: number, payload = counting(60), source = PEER.mac) => ethernet({ destination: GUEST.mac, source, type }, payload)
const send = (stack: Stack, to: string, length = 8) => { stack.call('sendIpv4', ip(to), 253, stack.put(counting(length)), length) }

/** A port unreachable about a datagram of ours from `port`. */
const about = (stack: Stack, port: number) =>
  stack.echo(bytes(ipv4({ source: GUEST.ip, destination: PEER.ip, protocol: Protocol.Udp, totalLength: 100 }, bytes(be16(port), be16(9), be16(80), be16(0)))), { type: 3, code: 3 })

/** Sockets on port 5000, which may share it: a function that closes them, and their handles. */
function socketed(stack: Stack, count = 1): [close: () => void, ...sockets: number[]] {
  stack.call('memoryAdd', stack.m.alloc(1 << 20, 4096), 1 << 20)
  const sockets = Array.from({ length: count }, () => {
    const socket = stack.call('socketCreate', 1, 0)
    stack.call('socketSetOption', socket, 0, 1)
    stack.call('socketBind', socket, 0, 5000)
    return socket
  })
  return [() => sockets.forEach(each => stack.call('socketClose', each)), ...sockets]
}

const SERVER = 80
/** A segment from the peer's `port`, in an IPv4 packet. */
const segment = (stack: Stack, flags: string, fields: Partial<TcpFields> = {}, data = bytes(), destination = GUEST.mac) =>
  stack.ipv4({ protocol: Protocol.Tcp }, tcp({ source: PEER.ip, destination: GUEST.ip, sourcePort: 4000, destinationPort: SERVER, flags: flagsOf(flags), ...fields }, data), destination)

/** A listener, and `count` connections to it that the peer has opened by sequence number 1: what sends on them, the number acknowledged with. */
function connected(stack: Stack, count = 1, backlog = count): { close: () => void, send: (flags: string, fields?: Partial<TcpFields>, data?: Uint8Array, which?: number) => void, accept: () => number } {
  stack.call('memoryAdd', stack.m.alloc(1 << 20, 4096), 1 << 20)
  const listener = stack.call('socketCreate', 0, 0)
  const handles = [listener]
  stack.call('socketBind', listener, 0, SERVER)
  stack.call('socketListen', listener, backlog)
  const options = [{ kind: 'TS', value: 1000, echo: 0 }] as const
  const ours = Array.from({ length: count }, (_, which) => {
    const answer = stack.exchange(segment(stack, 'S', { sourcePort: 4000 + which, options }))[0]!
    const isn = decodeTcp(GUEST.ip, PEER.ip, answer.ipv4!.payload)!.sequence
    stack.receive(segment(stack, '.', { sourcePort: 4000 + which, sequence: 1, acknowledgment: isn + 1, options }))
    return isn + 1
  })
  return {
    send: (flags, fields = {}, data = bytes(), which = 0) => stack.receive(segment(stack, flags, { sourcePort: 4000 + which, sequence: 1, acknowledgment: ours[which]!, options, ...fields }, data)),
    accept: () => { const handle = stack.call('socketAccept', listener, 0); handles.push(handle); return handle },
    close: () => handles.reverse().forEach(each => stack.call('socketClose', each)),
  }
}
const onConnection = (act: (connection: ReturnType<typeof connected>) => void): Act => stack => {
  const connection = connected(stack)
  act(connection)
  connection.close()
}

/** How each reason is come by. A reason that is missing here fails the test. */
const reasons: Record<string, Act> = {
  'interface-down': stack => { stack.configure('off'); stack.receive(stack.echo(bytes())) },
  'ethernet-truncated': stack => stack.receive(stack.echo(bytes()).subarray(0, 13)),
  'ethernet-source': stack => stack.receive(frame(EtherType.Ipv4, counting(46), BROADCAST)),
  'ethernet-not-for-us': stack => stack.receive(stack.echo(bytes(), {}, {}, '02:00:00:00:00:02')),
  'ethernet-length': stack => stack.receive(frame(100)),
  'ethernet-vlan': stack => stack.receive(frame(EtherType.Vlan, vlan(5, EtherType.Ipv4, counting(60)))),
  'ethernet-nested': stack => stack.receive(frame(EtherType.Vlan, vlan(5, EtherType.Vlan, counting(60)))),
  'ethernet-type': stack => stack.receive(frame(EtherType.Lldp)),
  'arp-truncated': stack => stack.receive(stack.arp().subarray(0, 41)),
  'arp-format': stack => stack.receive(stack.arp({ hardware: 6 })),
  'arp-operation': stack => stack.receive(stack.arp({ operation: 3 })),
  'arp-sender': stack => stack.receive(stack.arp({ senderMac: BROADCAST })),
  'arp-conflict': stack => stack.receive(stack.arp({ senderIp: GUEST.ip })),
  'arp-not-for-us': stack => stack.receive(stack.arp({ targetIp: '10.0.0.77' })),
  'arp-queue-full': stack => { for (let i = 0; i < 49; i++) send(stack, '10.0.0.50') },
  'arp-unresolved': stack => { send(stack, '10.0.0.50'); stack.advance(3000) },
  'arp-evicted': stack => {
    send(stack, '10.0.0.50')
    for (let i = 0; i < 1024; i++) stack.receive(stack.arp({ senderIp: `10.1.${i >> 8}.${i & 0xff}` }))
  },
  'ipv4-truncated': stack => stack.receive(frame(EtherType.Ipv4, counting(19)).subarray(0, 33)),
  'ipv4-version': stack => stack.receive(stack.echo(bytes(), {}, { version: 6 })),
  'ipv4-header-length': stack => stack.receive(stack.echo(bytes(), {}, { headerWords: 4 })),
  'ipv4-total-length': stack => stack.receive(stack.echo(bytes(), {}, { totalLength: 1000 })),
  'ipv4-checksum': stack => stack.receive(stack.echo(bytes(), {}, { checksum: 1 })),
  'ipv4-source': stack => stack.receive(stack.echo(bytes(), {}, { source: '127.0.0.1' })),
  'ipv4-link-broadcast': stack => stack.receive(stack.echo(bytes(), {}, {}, BROADCAST)),
  'ipv4-other-host': stack => {
    stack.configure(`${GUEST.ip}/24,promisc`)
    stack.receive(stack.echo(bytes(), {}, {}, '02:00:00:00:00:02'))
  },
  'ipv4-not-for-us': stack => stack.receive(stack.echo(bytes(), {}, { destination: '10.0.0.3' })),
  'ipv4-loopback': stack => stack.receive(stack.echo(bytes(), {}, { destination: '127.0.0.1' })),
  'ipv4-options': stack => stack.receive(stack.echo(bytes(), {}, { options: Uint8Array.of(7, 0, 0, 0) })),
  'ipv4-segments': stack => { stack.call('fakeSegments', 4); stack.receive(stack.udp(1, 2, counting(20)), { checksum: Checksum.Partial }) },
  'ipv4-source-route': stack => stack.receive(stack.echo(bytes(), {}, { options: Uint8Array.of(131, 3, 4, 0) })),
  'fragment-size': stack => stack.receive(stack.echo(counting(3), {}, { flags: 0x2000 })),
  'fragment-tiny': stack => stack.receive(stack.ipv4({ protocol: Protocol.Tcp, flags: 0x2000 }, counting(16))),
  'fragment-overlap': stack => { for (const flags of [0, 1]) stack.receive(stack.echo(counting(16), {}, { flags: 0x2000 | flags })) },
  'fragment-duplicate': stack => { for (let i = 0; i < 2; i++) stack.receive(stack.echo(counting(8), {}, { flags: 0x2000 })); stack.advance(30_000) },
  'fragment-limit': stack => {
    for (let id = 0; id < 65; id++) stack.receive(stack.echo(counting(8), {}, { id, flags: 0x2001 }))
    stack.advance(30_000)
  },
  'fragment-timeout': stack => { stack.receive(stack.echo(counting(8), {}, { flags: 0x2001 })); stack.advance(30_000) },
  'fragment-congestion': stack => {
    stack.receive(stack.ipv4({ protocol: 253, flags: 0x2000, tos: 3 }, counting(8)))
    stack.receive(stack.ipv4({ protocol: 253, flags: 1, tos: 0 }, counting(8)))
  },
  'forward-refused': stack => { stack.call('ipv4ForwardSet', 1); stack.receive(stack.echo(bytes(), {}, { destination: '169.254.1.1' })) },
  'forward-time-to-live': stack => { stack.call('ipv4ForwardSet', 1); stack.receive(stack.echo(bytes(), {}, { destination: '8.8.8.8', ttl: 1 })) },
  'forward-no-route': stack => {
    stack.configure(`${GUEST.ip}/24`)
    stack.call('ipv4ForwardSet', 1)
    stack.receive(stack.echo(bytes(), {}, { destination: '8.8.8.8' }))
  },
  'forward-too-long': stack => { stack.call('ipv4ForwardSet', 1); stack.receive(stack.echo(counting(1473), {}, { destination: '8.8.8.8' })) },
  'forward-checksum': stack => {
    stack.call('ipv4ForwardSet', 1)
    stack.call('fakePartial', 34, 7)
    stack.receive(stack.echo(bytes(), {}, { destination: '8.8.8.8' }), { checksum: Checksum.Partial })
  },
  'ipv4-protocol': stack => stack.receive(stack.ipv4({ protocol: 253 }, counting(8))),
  'icmp-truncated': stack => stack.receive(stack.ipv4({ protocol: Protocol.Icmp }, counting(7))),
  'icmp-checksum': stack => stack.receive(stack.echo(bytes(), { checksum: 1 })),
  'icmp-type': stack => stack.receive(stack.echo(bytes(), { type: 13 })),
  'icmp-echo-group': stack => stack.receive(stack.echo(bytes(), {}, { destination: '10.0.0.255' }, BROADCAST)),
  'icmp-echo-unmatched': stack => stack.receive(stack.echo(bytes(), { type: 0 })),
  'icmp-error': stack => { stack.call('errorsListen', 5000); stack.receive(about(stack, 5000)) },
  'icmp-error-quote': stack => stack.receive(stack.echo(counting(28), { type: 3, code: 1 })),
  'icmp-error-unmatched': stack => stack.receive(about(stack, 5000)),
  'icmp-redirect': stack => stack.receive(stack.echo(counting(28), { type: 5 })),
  'icmp-source-quench': stack => stack.receive(stack.echo(counting(28), { type: 4 })),
  'igmp-truncated': stack => stack.receive(stack.ipv4({ protocol: 2, destination: '224.0.0.1' }, counting(7), ALL_HOSTS)),
  'igmp-checksum': stack => stack.receive(stack.ipv4({ protocol: 2, destination: '224.0.0.1' }, counting(8), ALL_HOSTS)),
  'igmp-type': stack => stack.receive(stack.ipv4({ protocol: 2, destination: '224.0.0.1' }, igmp(0x22, 0, '0.0.0.0'), ALL_HOSTS)),
  'igmp-query': stack => stack.receive(stack.ipv4({ protocol: 2, destination: '224.0.0.1' }, igmp(0x11, 0, '10.0.0.1'), ALL_HOSTS)),
  'udp-truncated': stack => stack.receive(stack.ipv4({ protocol: Protocol.Udp }, counting(7))),
  'udp-length': stack => stack.receive(stack.udp(1, 2, counting(4), {}, { length: 7 })),
  'udp-checksum': stack => stack.receive(stack.udp(1, 2, counting(4), {}, { checksum: 1 })),
  'udp-port': stack => stack.receive(stack.udp(1, 2, counting(4))),
  'tcp-truncated': stack => stack.receive(stack.ipv4({ protocol: Protocol.Tcp }, counting(19))),
  'tcp-header-length': stack => stack.receive(segment(stack, 'S', { headerWords: 4 })),
  'tcp-group': stack => stack.receive(stack.ipv4({ protocol: Protocol.Tcp, destination: '10.0.0.255' }, tcp({ source: PEER.ip, destination: '10.0.0.255', sourcePort: 1, destinationPort: SERVER, flags: 2 }, bytes()), BROADCAST)),
  'tcp-checksum': stack => stack.receive(segment(stack, 'S', { checksum: 1 })),
  'tcp-no-connection': stack => stack.receive(segment(stack, 'S')),
  'tcp-sequence': onConnection(({ send }) => send('.', { sequence: 0x40000000 }, counting(5))),
  'tcp-paws': onConnection(({ send }) => send('.', { options: [{ kind: 'TS', value: 999, echo: 0 }] }, counting(5))),
  'tcp-reset': onConnection(({ send }) => send('R', { sequence: 2 })),
  'tcp-syn': onConnection(({ send }) => send('S')),
  'tcp-no-ack': onConnection(({ send }) => send('P', {}, counting(5))),
  'tcp-ack': onConnection(({ send }) => send('.', { acknowledgment: 0 })),
  'tcp-unexpected': stack => { const { close } = connected(stack, 0, 1); stack.receive(segment(stack, 'R')); close() },
  'tcp-listen': stack => { const { close } = connected(stack, 1); stack.receive(segment(stack, 'S', { sourcePort: 5000 })); close() },
  'tcp-memory': stack => {
    const { send, close } = connected(stack, 2)
    for (let i = 0; i < 127; i++) send('.', { sequence: 1 + i * 513 }, counting(513))
    send('.', {}, counting(600), 1)
    send('.', { sequence: 601 }, counting(600), 1)
    close()
  },
  'tcp-shut': onConnection(({ send, accept, close }) => { accept(); close(); send('.', {}, counting(5)) }),
  'socket-full': stack => {
    const [close, socket] = socketed(stack)
    stack.call('socketSetOption', socket!, 4, 10)
    for (let i = 0; i < 3; i++) stack.receive(stack.udp(1, 5000, counting(5)))
    close()
  },
  'socket-share': stack => {
    const [close] = socketed(stack)
    const most = stack.call('packetsTotal') / 4 // of the half that sockets may hold one may have half
    for (let i = 0; i <= most; i++) stack.receive(stack.udp(1, 5000, counting(5)))
    close()
  },
  'socket-shut': stack => {
    const [close] = socketed(stack)
    stack.receive(stack.udp(1, 5000, counting(5)))
    close()
  },
  'socket-copy': stack => {
    const [close] = socketed(stack, 2)
    while (stack.free > stack.call('packetsTotal') / 8 + 1) stack.call('fakeQueue', stack.put(counting(60)), 60)
    stack.receive(stack.udp(1, 5000, counting(5), { destination: '10.0.0.255' }, {}, BROADCAST))
    stack.call('netPoll', 512)
    close()
  },
  'service-refused': stack => { stack.call('echoServiceStart'); stack.receive(stack.udp(7, 7, counting(4))) },
  'dhcp-message': stack => stack.receive(stack.udp(67, 68, counting(300))),
  'dns-message': stack => {
    stack.call('dnsServerAdd', ip(PEER.ip))
    stack.call('resolve', stack.m.cstring('www.example'), 1, 0)
    stack.receive(stack.udp(53, stack.call('queryField', 0, 0), counting(40)))
  },
  'output-too-long': stack => { stack.call('sendLong', ip(PEER.ip), 253, 1481, 1500, 1, 0) },
  'output-no-room': stack => {
    while (stack.free > 1) stack.call('fakeQueue', stack.put(counting(60)), 60)
    send(stack, '10.0.0.50') // no packet left for the question
    stack.call('netPoll', 512)
    stack.advance(1000)
    stack.receive(stack.arp({ operation: 2, senderIp: '10.0.0.50' }, GUEST.mac))
  },
  'output-header': stack => { stack.call('sendPrepared', ip(PEER.ip), stack.put(counting(20)), 20) },
  'output-no-route': stack => { stack.configure(`${GUEST.ip}/24`); send(stack, '8.8.8.8') },
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('every reason has a way to it here, and a name', async t => {
      const stack = new Stack(e)
      const names: string[] = []
      for (let reason = 1; ; reason++) {
        const name = stack.m.text(stack.call('dropName', reason) >>> 0)
        if (name === 'unknown') break
        names.push(name)
      }
      t.same(names, Object.keys(reasons), 'in the order of the layers')
      t.equal(stack.m.text(stack.call('dropName', 0) >>> 0), 'none')
    })

    for (const [name, act] of Object.entries(reasons)) {
      t.test(name, async t => {
        const stack = Stack.up(e)
        const free = stack.free
        act(stack)
        const drops = stack.drops()
        t.equal(drops[name], ['fragment-overlap', 'fragment-congestion'].includes(name) ? 2 : 1) // the other part too
        t.equal(stack.call('dropTotal'), Object.values(drops).reduce((sum, count) => sum + count))
        stack.configure('off') // what waits for ARP is given up
        t.equal(stack.free, free, 'every packet is back')
      })
    }
  })
}
