// The test's own TCP segments: built and taken apart, against packets that Linux 6.18 sent through a tun device.

import t from 'tap'
import { bytes, hex, toHex } from '../../wire/bytes.ts'
import { type Decoded, decode, ethernet, ipv4 } from '../../wire/frames.ts'
import { type TcpFields, type TcpOption, decodeTcp, flagsOf, flagsText, optionBytes, tcp } from '../../wire/tcp.ts'

const ends = { source: '10.0.0.9', destination: '10.0.0.2' }
const ports = { sourcePort: 5000, destinationPort: 80 }

/** Linux's, from the IPv4 header on, and what says the same here. */
const FROM_LINUX: { name: string, packet: string, id: number, fields: Partial<TcpFields>, payload?: string }[] = [
  {
    name: 'a SYN with all of its options', id: 0xa3ff,
    packet: '4500003ca3ff4000400682b20a0000090a000002' + '13880050e2f2c7e400000000a002faf077ae0000' + '020405b40402080ae198210b000000000103030a',
    fields: { sequence: 0xe2f2c7e4, flags: 0x02, window: 64240, options: [{ kind: 'mss', value: 1460 }, { kind: 'sackOK' },
      { kind: 'TS', value: 0xe198210b, echo: 0 }, { kind: 'nop' }, { kind: 'wscale', shift: 10 }] },
  },
  {
    name: 'an ACK', id: 0xa400, packet: '45000028a4004000400682c50a0000090a000002' + '13880050e2f2c7e5000013895010faf0ce9f0000',
    fields: { sequence: 0xe2f2c7e5, acknowledgment: 0x1389, flags: 0x10, window: 64240 },
  },
  {
    name: 'data of an odd length', id: 0xa401,
    packet: '4500002da4014000400682bf0a0000090a000002' + '13880050e2f2c7e5000013895018faf08ac00000' + '68656c6c6f',
    fields: { sequence: 0xe2f2c7e5, acknowledgment: 0x1389, flags: 0x18, window: 64240 }, payload: 'hello',
  },
  {
    name: 'a FIN with a SACK block', id: 0xa403,
    packet: '45000034a4034000400682b60a0000090a000002' + '13880050e2f2c7ea000013898011faf071570000' + '0101050a0000139300001398',
    fields: { sequence: 0xe2f2c7ea, acknowledgment: 0x1389, flags: 0x11, window: 64240,
      options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'sack', blocks: [[5011, 5016]] }] },
  },
]

const framed = (packet: Uint8Array): Decoded =>
  decode(ethernet({ destination: '02:00:00:00:00:02', source: '02:00:00:00:00:01', type: 0x0800 }, packet))

for (const { name, packet, id, fields, payload = '' } of FROM_LINUX) {
  t.test(`${name}, built`, async t => {
    const segment = tcp({ ...ends, ...ports, ...fields }, Buffer.from(payload))
    t.equal(toHex(ipv4({ ...ends, protocol: 6, id }, segment)), packet)
  })

  t.test(`${name}, taken apart`, async t => {
    const { tcp: found } = framed(hex(packet))
    t.match(found, { ...ports, ...fields, checksumRight: true, reserved: 0, urgent: 0 })
    t.same(found?.options, fields.options ?? [], 'no more options, no fewer')
    t.equal(Buffer.from(found!.payload).toString(), payload, 'padding is not payload')
  })
}

const segment = (fields: Partial<TcpFields> = {}, payload = 'x') => tcp({ ...ends, ...ports, ...fields }, Buffer.from(payload))
const decoded = (data: Uint8Array) => decodeTcp(ends.source, ends.destination, data)

t.test('wrong on purpose', async t => {
  t.equal(decoded(segment({ checksum: 0xdead }))?.checksumRight, false)
  t.equal(decodeTcp('10.0.0.8', ends.destination, segment())?.checksumRight, false, 'the address is part of the sum')
  t.equal(decoded(segment({ headerWords: 4 })), undefined, 'a header of 16 bytes')
  t.equal(decoded(segment({ headerWords: 6 })), undefined, 'a header longer than the segment')
  t.equal(decoded(segment().subarray(0, 19)), undefined)
  t.match(decoded(segment({ reserved: 15, urgent: 7 })), { reserved: 15, urgent: 7, checksumRight: true })
})

t.test('options: each comes back as it was put in', async t => {
  const all: TcpOption[] = [{ kind: 'mss', value: 536 }, { kind: 'wscale', shift: 255 }, { kind: 'sackOK' },
    { kind: 'TS', value: 0xffffffff, echo: 0x80000000 }, { kind: 'sack', blocks: [[0xfffffff0, 16]] }, { kind: 'nop' }, { kind: 'end' }]
  t.same(decoded(segment({ options: all }))?.options, all)
  t.equal(toHex(bytes(...all.map(optionBytes))),
    '02040218' + '0303ff' + '0402' + '080affffffff80000000' + '050afffffff000000010' + '01' + '00', 'RFC 9293 §3.2, RFC 7323 §2.2, §3.2, RFC 2018 §2, §3')
})

t.test('options: what is malformed is shown as it is', async t => {
  const shown = (data: string) => decoded(segment({ options: [{ kind: 'raw', data: hex(data) }] }))?.options
  t.same(shown('02030000'), [{ kind: 'raw', data: hex('020300') }, { kind: 'end' }], 'an MSS of three bytes')
  t.same(shown('01010800'), [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'raw', data: hex('0800') }], 'a length of 0')
  t.same(shown('01010801'), [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'raw', data: hex('0801') }], 'a length of 1')
  t.same(shown('02ff05b4'), [{ kind: 'raw', data: hex('02ff05b4') }], 'longer than the header')
  t.same(shown('01010103'), [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'nop' }, { kind: 'raw', data: hex('03') }], 'no length at all')
})

t.test('control bits by letter', async t => {
  t.equal(flagsText(0xff), 'FSRPEWU.')
  t.equal(flagsText(0), '-')
  for (let flags = 0; flags < 256; flags++) t.equal(flagsOf(flagsText(flags)), flags)
  t.throws(() => flagsOf('Q'), { message: /no control bit/ })
})
