// A host on the test's end of the wire: an address, ARP answers, and the usual questions to ask a guest.

import type { Bytes } from './bytes.ts'
import {
  type ArpFields, BROADCAST, type Decoded, EtherType, type IcmpFields, type Ipv4Fields, Protocol, arp, ethernet, icmp, ipv4, udp,
} from './frames.ts'
import type { WirePeer } from './peer.ts'
import { type TcpFields, tcp } from './tcp.ts'

export interface End { ip: string, mac: string }

export class Station {
  private sequence = 0

  /** `guest` is whom `ping` and the rest talk to. */
  constructor(readonly peer: WirePeer, readonly self: End, readonly guest: End) {}

  /** Answer ARP requests for this station's address from now on. */
  answerArp(): this {
    this.peer.react(({ arp: question }) => {
      if (question?.operation !== 1 || question.targetIp !== this.self.ip) return undefined
      return this.arpFrame({ operation: 2, targetMac: question.senderMac, targetIp: question.senderIp }, question.senderMac)
    })
    return this
  }

  /** An ARP frame from this station; by default a broadcast question for the guest's address. */
  arpFrame(fields: Partial<ArpFields> = {}, destination = BROADCAST): Bytes {
    return ethernet({ destination, source: this.self.mac, type: EtherType.Arp },
      arp({ operation: 1, senderMac: this.self.mac, senderIp: this.self.ip, targetIp: this.guest.ip, ...fields }))
  }

  /** An IPv4 frame from this station to the guest. */
  ipFrame(fields: Partial<Ipv4Fields> & { protocol: number }, payload: Bytes, destination = this.guest.mac): Bytes {
    return ethernet({ destination, source: this.self.mac, type: EtherType.Ipv4 },
      ipv4({ source: this.self.ip, destination: this.guest.ip, ...fields }, payload))
  }

  echoFrame(payload: Bytes, { ip = {} as Partial<Ipv4Fields>, ...fields }: Partial<IcmpFields> & { ip?: Partial<Ipv4Fields> } = {}): Bytes {
    return this.ipFrame({ protocol: Protocol.Icmp, ...ip }, icmp({ type: 8, id: 0x7070, ...fields }, payload))
  }

  udpFrame(sourcePort: number, destinationPort: number, payload: Bytes): Bytes {
    const ends = { source: this.self.ip, destination: this.guest.ip }
    return this.ipFrame({ ...ends, protocol: Protocol.Udp }, udp({ ...ends, sourcePort, destinationPort }, payload))
  }

  tcpFrame(fields: Omit<TcpFields, 'source' | 'destination'>, payload: Bytes = new Uint8Array(0)): Bytes {
    const ends = { source: this.self.ip, destination: this.guest.ip }
    return this.ipFrame({ ...ends, protocol: Protocol.Tcp }, tcp({ ...ends, ...fields }, payload))
  }

  /** Ping the guest once and return its reply: the test's proof that the guest still serves. */
  async ping(payload: Bytes = Buffer.from('porphyry'), seconds = 5): Promise<Decoded> {
    const sequence = ++this.sequence
    return await this.peer.ask(this.echoFrame(payload, { sequence }),
      ({ icmp: reply }) => reply?.type === 0 && reply.id === 0x7070 && reply.sequence === sequence, { seconds, what: 'echo reply' })
  }
}
