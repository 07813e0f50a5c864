// ARP (RFC 826, RFC 1122 §2.3.2, RFC 5227): the same frames to our stack and to Linux.

import t from 'tap'
import { BROADCAST } from '../wire/frames.ts'
import { GUEST, PEER } from '../wire/stack.ts'
import { compare, station } from '../wire/compare.ts'

const frame = station.arpFrame.bind(station)

await compare(t, [
  { name: 'a broadcast request', frames: [frame()] },
  { name: 'a unicast request', frames: [frame({}, GUEST.mac)] },
  { name: 'a request without padding', frames: [frame().subarray(0, 42)] },
  { name: 'a request with bytes after it', frames: [Buffer.concat([frame(), Buffer.alloc(100, 0xee)])] },
  { name: 'a request cut short', frames: [frame().subarray(0, 41)] },
  { name: 'a request for somebody else', frames: [frame({ targetIp: '10.0.0.77' })] },
  { name: 'a request to another station', frames: [frame({}, '02:00:00:00:00:77')] },
  { name: 'a probe, RFC 5227 §2.1.1: sender 0.0.0.0', frames: [frame({ senderIp: '0.0.0.0' })] },
  { name: 'a probe for somebody else', frames: [frame({ senderIp: '0.0.0.0', targetIp: '10.0.0.77' })] },
  { name: 'hardware type 6', frames: [frame({ hardware: 6 })], differs: {
    clause: 'RFC 826, Packet Reception: only a hardware type one has; 6 is that of IEEE 802 frames (RFC 1042 p. 3), these are Ethernet',
    ours: [], linux: ['arp reply 10.0.0.9 02:00:00:00:00:09 from 10.0.0.2 02:00:00:00:00:01, to 02:00:00:00:00:09'],
  } },
  { name: 'hardware type 7', frames: [frame({ hardware: 7 })] },
  { name: 'protocol type IPv6', frames: [frame({ protocol: 0x86dd })] },
  { name: 'hardware length 8', frames: [frame({ hardwareLength: 8 })] },
  { name: 'protocol length 16', frames: [frame({ protocolLength: 16 })] },
  { name: 'operation 0', frames: [frame({ operation: 0 })] },
  { name: 'operation 3, a reverse request', frames: [frame({ operation: 3 })] },
  { name: 'operation 65535', frames: [frame({ operation: 65535 })] },
  { name: 'an unasked reply', frames: [frame({ operation: 2, targetMac: GUEST.mac }, GUEST.mac)] },
  { name: 'a sender of 127.0.0.1', frames: [frame({ senderIp: '127.0.0.1' })] },
  { name: 'a target of 127.0.0.1', frames: [frame({ targetIp: '127.0.0.1' })] },
  { name: 'a target of 255.255.255.255', frames: [frame({ targetIp: '255.255.255.255' })] },
  { name: 'a target of 10.0.0.255', frames: [frame({ targetIp: '10.0.0.255' })] },
  { name: 'a sender in a group', frames: [frame({ senderIp: '224.0.0.1' })] },
  { name: 'the sender MAC is not that of the frame', frames: [frame({ senderMac: '02:00:00:00:00:55' })] },
  { name: 'the sender MAC is broadcast', frames: [frame({ senderMac: BROADCAST })], differs: {
    clause: 'RFC 1812 §3.3.2: nobody has a broadcast or group address', ours: [],
      linux: ['arp reply 10.0.0.9 ff:ff:ff:ff:ff:ff from 10.0.0.2 02:00:00:00:00:01, to ff:ff:ff:ff:ff:ff'],
  } },
  { name: 'a sender outside the network', frames: [frame({ senderIp: '192.0.2.7' })] },
  { name: 'a request in a group we are not in', frames: [frame({}, '01:00:5e:00:00:99')], differs: {
    clause: 'RFC 1112 §7.4: frames of groups one has joined; a veth has no filter, so Linux sees them all', ours: [],
    linux: ['arp reply 10.0.0.9 02:00:00:00:00:09 from 10.0.0.2 02:00:00:00:00:01, to 02:00:00:00:00:09'],
  } },
  { name: 'an announcement of somebody else, RFC 5227 §2.3', frames: [frame({ targetIp: PEER.ip })] },
  { name: 'what was learned from a request is used: an echo reply goes there at once', frames: [
    frame({ senderIp: '10.0.0.33', senderMac: '02:00:00:00:00:33' }), station.echoFrame(Buffer.alloc(8), { ip: { source: '10.0.0.33' } }),
  ] },
])
