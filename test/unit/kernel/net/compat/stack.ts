// kernel/net/compat: NetworkStack, the ARP table, devices and pings under RustOS's names, on the real stack.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { toHex } from '../../../../wire/bytes.ts'
import { EtherType, Protocol, arp, ethernet, icmp, ipv4 } from '../../../../wire/frames.ts'
import { Face, GUEST, NetworkError, PEER, ip, ipText } from '../../../../wire/compat.ts'

const ABSENT = 0xffffffff
const If = { addresses: 0, mtu: 1, up: 2, broadcast: 3, loopback: 4, multicast: 5, pointToPoint: 6, rxPackets: 7,
  rxBytes: 8, txPackets: 9, txBytes: 10, txErrors: 11 } as const
const Total = { interfaces: 0, sockets: 1, routes: 2, arpEntries: 3, rxPackets: 4, rxBytes: 5, txPackets: 6,
  packetsSent: 8, packetsReceived: 9, dropped: 14 } as const
const stranger = { ip: '10.0.0.77', mac: '02:00:00:00:00:77' }

const mask = (f: Face, length: number): number => f.at(ipText(length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0))
function route(f: Face, name: string, to: string, length: number, gateway: string | null, metric = 0, how = 'compatAddRoute'): number {
  return f.call(how, f.at(to), mask(f, length), gateway === null ? ABSENT : f.at(gateway), f.name(name), metric)
}
const found = (f: Face, to: string): string | null => f.call('findRoute', f.at(to)) === 0 ? null
  : `${f.m.text(f.call('foundName'))} ${foundIp(f, 0)} via ${foundIp(f, 2)} metric ${f.call('foundField', 3)}`
const foundIp = (f: Face, field: number): string => ipText(f.call('foundField', field) >>> 0)

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('get_interface: a copy of what the interface is', async t => {
      const f = Face.up(e)
      t.equal(f.call('hasInterface', f.name('eth0')), 1)
      t.equal(f.m.text(f.call('interfaceName', 0)), 'eth0')
      t.equal(toHex(f.m.bytes(f.call('interfaceMac', 0), 6)), '020000000001')
      t.equal(f.call('interfaceIp', 0, 0) >>> 0, ip(GUEST.ip))
      t.same([0, 1, 2, 3, 4, 5, 6].map(each => f.call('interfaceField', 0, each)), [1, 1500, 1, 1, 0, 1, 0])
      t.equal(f.call('hasInterface', f.name('eth7')), 0)
    })

    t.test('list_interfaces has the loopback: 127.0.0.1, up and loopback, as init makes it', async t => {
      const f = Face.up(e)
      const count = f.call('listInterfaces', 8)
      const names = Array.from({ length: count }, (_, i) => f.m.text(f.call('interfaceName', i)))
      t.same(names, ['eth0', 'lo'])
      t.equal(f.call('interfaceIp', 1, 0) >>> 0, ip('127.0.0.1'))
      t.same([1, 2, 3, 4, 5].map(each => f.call('interfaceField', 1, each)), [65535, 1, 0, 1, 0])
      t.equal(found(f, '127.1.2.3'), 'lo 127.0.0.0 via 0.0.0.0 metric 1')
    })

    t.test('set_interface_state: InvalidAddress for nobody; down and up again it has what it had', async t => {
      const f = Face.up(e)
      t.equal(f.call('setInterfaceState', f.name('eth7'), 1), NetworkError.InvalidAddress)
      t.equal(f.call('setInterfaceState', f.name('eth0'), 0), 0)
      t.equal(f.exchange(f.echo(Buffer.from('x'))).length, 0)
      t.equal(f.call('setInterfaceState', f.name('eth0'), 1), 0)
      f.receive(f.arp())
      t.equal(f.exchange(f.echo(Buffer.from('x'))).length, 1)
      f.call('hasInterface', f.name('eth0'))
      t.equal(f.call('interfaceIp', 0, 0) >>> 0, ip(GUEST.ip))
    })

    t.test('add_ip_address: a /24 without a mask, its own with one; twice is Ok', async t => {
      const f = Face.up(e)
      t.equal(f.call('addIpAddress', f.name('eth7'), f.at('10.1.0.1')), NetworkError.InvalidAddress)
      t.equal(f.call('addIpAddress', f.name('eth0'), f.at('02:00:00:00:00:01')), NetworkError.InvalidAddress)
      t.equal(f.call('addIpAddress', f.name('eth0'), f.at('224.0.0.1')), NetworkError.InvalidAddress)
      t.equal(f.call('addIpAddress', f.name('eth0'), f.at('10.1.0.1')), 0)
      t.equal(f.call('addIpAddress', f.name('eth0'), f.at('10.1.0.1')), 0)
      t.equal(f.call('addIpAddressWithPrefix', f.name('eth0'), f.at('10.2.0.1'), 16), 0)
      t.equal(found(f, '10.1.0.200'), 'eth0 10.1.0.0 via 0.0.0.0 metric 0')
      t.equal(found(f, '10.2.200.1'), 'eth0 10.2.0.0 via 0.0.0.0 metric 0')
      f.call('hasInterface', f.name('eth0'))
      t.equal(f.call('interfaceField', 0, If.addresses), 3)
    })

    t.test('add_interface: AddressInUse, InvalidAddress without a device', async t => {
      const f = Face.up(e)
      t.equal(f.call('addInterface', f.name('eth0'), ip('10.5.0.1'), 1), NetworkError.AddressInUse)
      t.equal(f.call('addInterface', f.name('tun0'), ip('10.5.0.1'), 1), NetworkError.InvalidAddress)
      t.equal(f.call('compatRemoveInterface', f.name('tun0')), NetworkError.InvalidAddress)
      t.equal(f.call('compatRemoveInterface', f.name('eth0')), NetworkError.NotSupported)
      t.equal(f.call('compatRemoveInterface', f.name('lo')), NetworkError.NotSupported)
    })

    t.test('find_route: longest prefix, then the lower metric, then the earlier', async t => {
      const f = new Face(e, { two: true })
      f.configure(`${GUEST.ip}/24`, 0)
      f.configure('172.16.0.2/24', 1)
      t.equal(found(f, '192.168.1.1'), null)
      t.equal(route(f, 'eth0', '192.168.0.0', 16, '10.0.0.1', 5), 0)
      t.equal(route(f, 'eth1', '192.168.0.0', 16, '172.16.0.1', 3), 0)
      t.equal(found(f, '192.168.1.1'), 'eth1 192.168.0.0 via 172.16.0.1 metric 3')
      t.equal(route(f, 'eth0', '192.168.1.0', 24, '10.0.0.1', 9), 0)
      t.equal(found(f, '192.168.1.1'), 'eth0 192.168.1.0 via 10.0.0.1 metric 9')
      t.equal(route(f, 'eth0', '10.99.0.0', 16, '10.0.0.1', 1), 0)
      t.equal(route(f, 'eth1', '10.99.0.0', 16, '172.16.0.1', 1), 0)
      t.equal(found(f, '10.99.0.1'), 'eth0 10.99.0.0 via 10.0.0.1 metric 1')
      t.equal(f.call('findRoute', f.at('02:00:00:00:00:01')), 0)
    })

    t.test('add_route: duplicates and host bits are no error, what can not be held is', async t => {
      const f = Face.up(e)
      t.equal(route(f, 'eth0', '192.168.0.0', 16, '10.0.0.1'), 0)
      t.equal(route(f, 'eth0', '192.168.0.0', 16, '10.0.0.1'), 0)
      t.equal(route(f, 'eth0', '192.169.3.4', 16, '10.0.0.1'), 0)
      t.equal(found(f, '192.169.200.1'), 'eth0 192.169.0.0 via 10.0.0.1 metric 0')
      t.equal(route(f, 'eth7', '192.170.0.0', 16, '10.0.0.1'), NetworkError.InvalidAddress)
      t.equal(f.call('compatAddRoute', f.at('192.170.0.0'), f.at('255.0.255.0'), f.at('10.0.0.1'), f.name('eth0'), 0),
        NetworkError.InvalidArgument)
      t.equal(f.call('compatAddRoute', f.at('02:00:00:00:00:01'), f.at('255.0.0.0'), f.at('10.0.0.1'), f.name('eth0'), 0),
        NetworkError.NotSupported)
      let last = 0
      for (let i = 0; last === 0 && i < 300; i++) last = route(f, 'eth0', `192.${i >> 8}.${i & 255}.0`, 24, null)
      t.equal(last, NetworkError.InsufficientMemory)
    })

    t.test('add_route_validated: its checks in their order, and it replaces', async t => {
      const f = Face.up(e)
      const add = (name: string, to: string, length: number, gateway: string | null, metric = 0): number =>
        route(f, name, to, length, gateway, metric, 'compatAddRouteValidated')
      const bad = f.at('02:00:00:00:00:01')
      t.equal(f.call('compatAddRouteValidated', bad, bad, ABSENT, f.name('eth7'), 0), NetworkError.InvalidAddress, 'first the interface')
      t.equal(f.call('compatAddRouteValidated', bad, bad, ABSENT, f.name('eth0'), 0), NetworkError.NotSupported)
      t.equal(add('eth0', '192.168.0.1', 16, '10.9.9.9'), NetworkError.InvalidAddress, 'host bits before the gateway')
      t.equal(add('eth0', '192.168.0.0', 16, '10.9.9.9'), NetworkError.NoRoute)
      t.equal(add('eth0', '192.168.0.0', 16, '10.0.0.1', 5), 0)
      t.equal(add('eth0', '192.168.0.0', 16, '10.0.0.9', 7), 0)
      t.equal(found(f, '192.168.1.1'), 'eth0 192.168.0.0 via 10.0.0.9 metric 7')
      const wide = Face.up(e, { value: '10.0.0.2/20' })
      t.equal(route(wide, 'eth0', '192.168.0.0', 16, '10.0.9.9', 0, 'compatAddRouteValidated'), 0, 'the real netmask, not a /24')
    })

    t.test('5. send_packet: 1,514 bytes at an MTU of 1,500 are Ok, 1,515 BufferOverflow; the checks in order', async t => {
      const f = Face.up(e)
      const frame = (length: number): number => f.bytesIn(ethernet({ destination: PEER.mac, source: GUEST.mac,
        type: 0x88b5 }, Buffer.alloc(length - 14, 0xab)))
      t.equal(f.call('compatSendFrame', f.name('eth7'), frame(60), 0), NetworkError.InvalidAddress)
      t.equal(f.call('compatSendFrame', f.name('eth0'), frame(1514), 1514), 0)
      t.equal(f.call('compatSendFrame', f.name('eth0'), frame(1515), 1515), NetworkError.BufferOverflow)
      t.equal(f.call('compatSendFrame', f.name('eth0'), frame(60), 0), NetworkError.InvalidPacket)
      t.equal(f.call('compatSendFrame', f.name('eth0'), frame(20), 20), 0)
      const sent = f.sent()
      t.same(sent.map(each => each.frame.length), [1514, 60])
      t.equal(toHex(sent[1]!.frame), `${PEER.mac}${GUEST.mac}`.replace(/:/g, '') + '88b5' + 'abababababab' + '00'.repeat(40))
      const foreign = f.bytesIn(ethernet({ destination: PEER.mac, source: stranger.mac, type: 0x88b5 }, Buffer.alloc(50)))
      t.equal(f.call('compatSendFrame', f.name('eth0'), foreign, 64), NetworkError.InvalidAddress)
      f.call('setInterfaceState', f.name('eth0'), 0)
      t.equal(f.call('compatSendFrame', f.name('eth0'), frame(60), 0), NetworkError.NetworkUnreachable, 'down before empty')
    })

    t.test('15. process_packet: LLDP is ignored and Ok, what is malformed is InvalidPacket', async t => {
      const f = Face.up(e)
      const process = (frame: Uint8Array): number => f.call('processFrame', f.name('eth0'), f.bytesIn(frame), frame.length)
      t.equal(process(ethernet({ destination: '01:80:c2:00:00:0e', source: PEER.mac, type: 0x88cc }, Buffer.alloc(46))), 0)
      t.equal(process(ethernet({ destination: GUEST.mac, source: PEER.mac, type: 0x88cc }, Buffer.alloc(46))), 0)
      t.equal(process(Buffer.alloc(10)), NetworkError.InvalidPacket)
      t.equal(process(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Arp },
        Buffer.alloc(20)).subarray(0, 34)), NetworkError.InvalidPacket)
      t.equal(process(f.echo(Buffer.from('x'), { checksum: 0xdead })), NetworkError.InvalidPacket)
      t.equal(process(f.udp(1, 2, Buffer.from('x'), {}, { checksum: 0xdead })), NetworkError.InvalidPacket)
      t.equal(f.call('processFrame', f.name('eth7'), f.bytesIn(Buffer.alloc(60)), 60), NetworkError.InvalidAddress)
      f.forget()
      t.equal(process(f.echo(Buffer.from('hello'))), 0)
      t.equal(f.sent()[0]!.icmp!.type, 0)
    })

    t.test('12. an echo request of 3 bytes in a padded frame: the reply is 31 bytes long', async t => {
      const f = Face.up(e)
      const packet = ipv4({ source: PEER.ip, destination: GUEST.ip, protocol: Protocol.Icmp }, icmp({ type: 8,
        id: 1, sequence: 1 }, Buffer.from('abc')))
      const frame = Buffer.concat([ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 },
        packet), Buffer.alloc(60 - 14 - 31)])
      const reply = f.exchange(frame)[0]!
      t.equal(reply.ipv4!.totalLength, 31)
      t.equal(Buffer.from(reply.icmp!.payload).toString(), 'abc')
      t.equal(reply.frame.length, 60)
    })

    t.test('14. a forwarded packet has an Ethernet header, from the interface it leaves by', async t => {
      const f = new Face(e, { two: true })
      f.configure(`${GUEST.ip}/24`, 0)
      f.configure('172.16.0.2/24', 1)
      f.call('ipv4ForwardSet', 1)
      t.equal(f.call('arpTableStatic', f.at('172.16.0.9'), f.at(stranger.mac), f.name('eth1')), 0)
      const sent = f.exchange(f.udp(4000, 7, Buffer.from('through'), { destination: '172.16.0.9', ttl: 9 }))
      t.equal(sent.length, 1)
      t.same([sent[0]!.destination, sent[0]!.source, sent[0]!.type], [stranger.mac, '02:00:00:00:00:02', 0x0800])
      t.same([sent[0]!.ipv4!.source, sent[0]!.ipv4!.ttl, sent[0]!.ipv4!.checksumRight], [PEER.ip, 8, true])
    })

    t.test('2. send_arp_request: RustOS\'s question, padded to 60 bytes', async t => {
      const f = Face.up(e)
      t.equal(f.call('askArpBy', f.at(stranger.ip), f.name('eth0')), 0)
      t.equal(toHex(f.sentBytes()[0]!),
        'ffffffffffff020000000001080600010800060400010200000000010a0000020000000000000a00004d' + '00'.repeat(18))
      t.equal(f.call('askArpBy', f.at(stranger.ip), f.name('eth7')), NetworkError.InvalidAddress)
      t.equal(f.call('askArpBy', f.at('02:00:00:00:00:01'), f.name('eth0')), NetworkError.NotSupported)
      t.equal(f.call('askArp', f.at('10.0.0.78')), 0)
      t.equal(f.call('askArp', f.at('02:00:00:00:00:01')), NetworkError.NotSupported)
      f.call('setInterfaceState', f.name('eth0'), 0)
      t.equal(f.call('askArp', f.at('10.0.0.79')), NetworkError.NoRoute)
      const without = new Face(e)
      without.configure('dhcp')
      t.equal(without.call('askArpBy', without.at(stranger.ip), without.name('eth0')), NetworkError.InvalidAddress,
        'no address to ask with')
    })

    t.test('3. a request for our address is answered, and the asker is learned', async t => {
      const f = Face.up(e)
      const reply = f.exchange(ethernet({ destination: 'ff:ff:ff:ff:ff:ff', source: stranger.mac, type: EtherType.Arp },
        arp({ operation: 1, senderMac: stranger.mac, senderIp: stranger.ip, targetIp: GUEST.ip })))[0]!
      t.same([reply.arp!.operation, reply.arp!.targetMac, reply.destination], [2, stranger.mac, stranger.mac])
      const out = f.at('0.0.0.0')
      t.equal(f.call('arpTableLookup', f.at(stranger.ip), out), 1)
      t.equal(f.macIn(out), stranger.mac)
    })

    t.test('lookup_arp: asks for what it does not know, once a second however often', async t => {
      const f = Face.up(e)
      const out = f.at('0.0.0.0')
      t.equal(f.call('lookupArp', f.at(PEER.ip), out), 1)
      t.equal(f.macIn(out), PEER.mac)
      for (let i = 0; i < 5; i++) t.equal(f.call('lookupArp', f.at(stranger.ip), f.at('0.0.0.0')), 0)
      t.equal(f.sent().length, 1)
      f.advance(5000)
      t.equal(f.sent().length, 3, 'three questions, then Failed')
      t.equal(f.call('arpTableLookup', f.at(stranger.ip), f.at('0.0.0.0')), 0)
      f.call('updateArp', f.at(stranger.ip), f.at(stranger.mac))
      t.equal(f.call('lookupArp', f.at(stranger.ip), f.at('0.0.0.0')), 1)
    })

    t.test('the ARP table: entries, static ones immutable, removal', async t => {
      const f = Face.up(e)
      const field = (i: number, which: number): number => f.call('arpTableField', i, which) >>> 0
      const table = (): string[] => Array.from({ length: f.call('arpTableAll', 4) }, (_, i) =>
        [ipText(field(i, 0)), 'state', field(i, 2), 'static', field(i, 3), f.m.text(f.call('arpTableName', i))].join(' '))
      t.same(table(), ['10.0.0.9 state 1 static 0 eth0'])
      t.equal(f.call('arpTableStatic', f.at(stranger.ip), f.at(stranger.mac), f.name('eth0')), 0)
      t.equal(f.call('arpTableStatic', f.at(stranger.ip), f.at(stranger.mac), f.name('eth7')), NetworkError.InvalidAddress)
      t.equal(f.call('arpTableStatic', f.at(stranger.ip), f.at(stranger.ip), f.name('eth0')), NetworkError.InvalidAddress)
      t.equal(f.call('arpTableUpdate', f.at(stranger.ip), f.at('02:00:00:00:00:aa'), f.name('eth0')), 0)
      const out = f.at('0.0.0.0')
      f.call('arpTableLookup', f.at(stranger.ip), out)
      t.equal(f.macIn(out), stranger.mac, 'as it was')
      f.advance(2_000_000)
      f.call('arpTableClear')
      t.same(table(), ['10.0.0.77 state 1 static 1 eth0'])
      t.equal(f.call('arpTableField', 0, 4), 1, 'trusted')
      t.equal(f.call('arpTableRemove', f.at(stranger.ip)), 0)
      t.equal(f.call('arpTableRemove', f.at(stranger.ip)), NetworkError.InvalidAddress)
    })

    t.test('gratuitous ARP: NotSupported, PermissionDenied, or believed, as the policy says', async t => {
      const f = Face.up(e)
      const announce = (mac: string): number => f.call('arpTableAnnounced', f.at(PEER.ip), f.at(mac), f.name('eth0'))
      t.equal(announce(PEER.mac), 0)
      t.equal(announce(stranger.mac), NetworkError.PermissionDenied)
      t.equal(f.call('arpTableStat', 9), 1, 'a violation')
      t.equal(f.call('arpTablePolicy', 1, 0, 1024), 0)
      t.equal(announce(PEER.mac), NetworkError.NotSupported)
      t.equal(f.call('arpTablePolicy', 0, 1, 1024), 0)
      t.equal(announce(stranger.mac), 0)
      const out = f.at('0.0.0.0')
      f.call('arpTableLookup', f.at(PEER.ip), out)
      t.equal(f.macIn(out), stranger.mac)
      t.equal(f.call('arpTablePolicy', 1, 1, 0), NetworkError.InvalidArgument)
    })

    t.test('max_entries: the least recently used entry goes', async t => {
      const f = Face.up(e)
      f.call('arpTablePolicy', 1, 1, 2)
      for (const i of [20, 21, 22]) {
        f.call('arpTableUpdate', f.at(`10.0.0.${i}`), f.at(`02:00:00:00:00:${i}`), f.name('eth0'))
        f.advance(1)
      }
      t.equal(f.call('arpTableAll', 4), 2)
      t.equal(f.call('arpTableLookup', f.at('10.0.0.20'), f.at('0.0.0.0')), 0)
      t.equal(f.call('arpTableLookup', f.at('10.0.0.22'), f.at('0.0.0.0')), 1)
    })

    t.test('6. three frames through lo come back in order', async t => {
      const f = Face.up(e)
      const zero = '00:00:00:00:00:00'
      for (const byte of [1, 2, 3]) {
        const frame = ethernet({ destination: zero, source: zero, type: 0x88b5 }, Buffer.alloc(46, byte))
        t.equal(f.call('compatDeviceSend', f.name('lo'), f.bytesIn(frame), frame.length), 0)
      }
      const to = f.m.alloc(128)
      for (const byte of [1, 2, 3]) {
        t.equal(f.call('deviceReceive', f.name('lo'), to, 128), 60)
        t.equal(f.m.bytes(to, 60)[20], byte)
      }
      t.equal(f.call('deviceReceive', f.name('lo'), to, 128), 0)
      t.equal(f.call('deviceReceive', f.name('eth7'), to, 128), NetworkError.InvalidAddress)
      t.equal(f.call('compatDeviceSend', f.name('lo'), to, 13), NetworkError.InvalidPacket)
    })

    t.test('a veth pair: AddressInUse twice, both ends down, then one hears the other; addresses differ', async t => {
      const f = Face.up(e)
      t.equal(f.call('createVethPair', f.name('va'), f.name('vb')), 0)
      t.equal(f.call('createVethPair', f.name('va'), f.name('vc')), NetworkError.AddressInUse)
      const to = f.m.alloc(2048)
      t.equal(f.call('compatDeviceSend', f.name('va'), to, 60), NetworkError.NetworkUnreachable, 'down')
      f.call('deviceState', f.name('va'), 1)
      f.call('deviceState', f.name('vb'), 1)
      f.call('hasInterface', f.name('va'))
      const mac = toHex(f.m.bytes(f.call('interfaceMac', 0), 6)).replace(/..(?=.)/g, '$&:')
      f.call('hasInterface', f.name('vb'))
      t.not(toHex(f.m.bytes(f.call('interfaceMac', 0), 6)).replace(/..(?=.)/g, '$&:'), mac)
      const frame = ethernet({ destination: 'ff:ff:ff:ff:ff:ff', source: mac, type: 0x88b5 }, Buffer.alloc(50, 7))
      t.equal(f.call('compatDeviceSend', f.name('va'), f.bytesIn(frame), 64), 0)
      t.equal(f.call('deviceReceive', f.name('va'), to, 2048), 0, 'not to itself')
      t.equal(f.call('deviceReceive', f.name('vb'), to, 2048), 64)
      t.same(f.m.bytes(to, 64), new Uint8Array(frame))
      t.equal(f.call('unregisterDevice', f.name('va')), 0)
      t.equal(f.call('hasInterface', f.name('vb')), 0, 'its peer is gone with it')
      t.equal(f.call('unregisterDevice', f.name('va')), NetworkError.InvalidAddress)
    })

    t.test('devices: registered once, their type, driver and limits', async t => {
      const f = Face.up(e)
      t.equal(f.call('registerSame', f.name('eth0')), NetworkError.AddressInUse)
      t.equal(f.m.text(f.call('deviceName', 0)), 'eth0')
      t.equal(f.call('deviceThere', f.name('eth7')), 0)
      t.equal(f.call('deviceInfo', f.name('lo')), 1)
      t.equal(f.m.text(f.call('deviceDriver')), 'loopback')
      f.call('createVethPair', f.name('va'), f.name('vb'))
      f.call('deviceInfo', f.name('va'))
      t.same([f.m.text(f.call('deviceDriver')), f.call('deviceSpeed')], ['veth', 10000])
      t.same(Array.from({ length: f.call('deviceAll', 8) }, (_, i) => f.call('deviceType', i)), [0, 2, 3, 3],
        'Ethernet, Loopback, twice VirtualEthernet')
      t.equal(f.call('deviceMtu', f.name('eth0'), 67), NetworkError.InvalidArgument)
      t.equal(f.call('deviceMtu', f.name('eth0'), 1400), 0)
      t.equal(f.call('deviceMtu', f.name('eth0'), 1501), NetworkError.InvalidArgument)
      t.equal(f.call('deviceMtu', f.name('eth7'), 1400), NetworkError.InvalidAddress)
      t.same([0, 1, 2].map(each => f.call('deviceCan', f.name('eth0'), each)), [1500, 68, 0])
      t.equal(f.call('deviceCan', f.name('lo'), 2), 1, 'jumbo')
      t.equal(f.call('deviceState', f.name('eth7'), 1), NetworkError.InvalidAddress)
    })

    t.test('poll_devices gives the stack what the cards have', async t => {
      const f = Face.up(e)
      const frame = f.echo(Buffer.from('x'))
      f.call('fakeQueue', f.put(frame), frame.length)
      t.equal(f.call('devicesPoll'), 1)
      t.equal(f.sent()[0]!.icmp!.type, 0)
    })

    t.test('counters: of an interface, of all, and of what was given up', async t => {
      const f = Face.up(e)
      f.call('hasInterface', f.name('eth0'))
      const before = [7, 8, 9, 10].map(each => f.call('interfaceField', 0, each))
      f.receive(f.echo(Buffer.alloc(32)))
      f.call('hasInterface', f.name('eth0'))
      const after = [7, 8, 9, 10].map(each => f.call('interfaceField', 0, each))
      t.same(after.map((each, i) => each - before[i]!), [1, 74, 1, 74])
      t.equal(f.call('total', Total.interfaces), 2)
      t.equal(f.call('total', Total.arpEntries), 1)
      t.equal(f.call('total', Total.rxPackets), after[0])
      t.equal(f.call('total', Total.packetsSent), after[2])
      t.equal(f.call('interfaceTotal', 0), after[0])
      t.equal(f.call('interfaceTotal', 1), after[2])
      const dropped = f.call('total', Total.dropped)
      f.receive(f.echo(Buffer.from('x'), { checksum: 0xdead }))
      t.equal(f.call('total', Total.dropped), dropped + 1)
      f.call('managerSocket', 1, 0)
      t.equal(f.call('total', Total.sockets), 1)
      t.equal(f.call('deviceReset', f.name('eth0')), 0)
      t.equal(f.call('deviceReset', f.name('eth7')), NetworkError.InvalidAddress)
      f.call('hasInterface', f.name('eth0'))
      t.same([7, 8, 9, 10].map(each => f.call('interfaceField', 0, each)), [0, 0, 0, 0])
    })

    t.test('ping: an identifier, sequence numbers from 1, "RustOS ping" byte for byte, a reply once', async t => {
      const f = Face.up(e)
      t.equal(f.call('startPing', f.at('02:00:00:00:00:01')), NetworkError.InvalidAddress)
      const id = f.call('startPing', f.at(PEER.ip))
      t.ok(id >= 1 && id <= 65535)
      t.equal(f.call('sendPing', id, 0, 0), 1)
      const sent = f.sent()[0]!
      t.same([sent.icmp!.type, sent.icmp!.id, sent.icmp!.sequence], [8, id, 1])
      t.equal(Buffer.from(sent.icmp!.payload).toString(), 'RustOS ping')
      t.equal(f.call('pingCount', id), 0)
      f.advance(20)
      const reply = f.echo(sent.icmp!.payload, { type: 0, id, sequence: 1 })
      f.receive(reply)
      f.receive(reply)
      t.equal(f.call('pingCount', id), 1, 'a sequence counts once')
      t.same([0, 1, 2].map(each => f.call('pingField', id, 0, each)), [1, 20, 11])
      t.equal(Buffer.from(f.m.bytes(f.call('pingData', id, 0), 11)).toString(), 'RustOS ping')
      t.equal(f.call('sendPing', id, ...f.text('mine')), 2)
      f.receive(f.echo(Buffer.from('mine'), { type: 0, id, sequence: 2 }, { source: stranger.ip }))
      t.equal(f.call('pingCount', id), 1, 'from somebody else it does not count')
      t.equal(f.call('closePing', id), 0)
      t.equal(f.call('closePing', id), 0)
      t.equal(f.call('sendPing', id, 0, 0), NetworkError.InvalidAddress)
      t.equal(f.call('pingCount', id), NetworkError.InvalidAddress)
    })

    t.test('ping 127.0.0.1 stays inside, and nobody asks for it by ARP', async t => {
      const f = Face.up(e)
      const id = f.call('startPing', f.at('127.0.0.1'))
      t.equal(f.call('sendPing', id, 0, 0), 1)
      f.call('devicesPoll')
      f.call('devicesPoll')
      t.equal(f.call('pingCount', id), 1)
      t.equal(f.sent().length, 0)
    })

    t.test('send_ipv4_packet: from the interface\'s address, by the route; its errors', async t => {
      const f = Face.up(e)
      const send = (to: string, count: number): number => f.call('compatSendIpv4', f.at('0.0.0.0'), f.at(to), 253,
        f.m.alloc(Math.max(count, 1)), count)
      t.equal(send(PEER.ip, 10), 0)
      const sent = f.sent()[0]!
      t.same([sent.ipv4!.source, sent.ipv4!.protocol, sent.ipv4!.totalLength, sent.destination], [GUEST.ip, 253, 30, PEER.mac])
      t.ok(sent.ipv4!.checksumRight)
      t.equal(send(PEER.ip, 65516), NetworkError.BufferOverflow)
      t.equal(f.call('compatSendIpv4', f.at('0.0.0.0'), f.at('02:00:00:00:00:01'), 1, f.m.alloc(1), 1), NetworkError.InvalidAddress)
      const without = Face.up(e, { value: `${GUEST.ip}/24` })
      t.equal(without.call('compatSendIpv4', without.at('0.0.0.0'), without.at('192.168.7.7'), 1, without.m.alloc(1), 1),
        NetworkError.NetworkUnreachable)
    })
  })
}
