// kernel/selftest/net.ts: ten echoes with the gateway, and each way that can fail.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { ethernet, icmp, ipv4 } from '../../../wire/frames.ts'
import { GATEWAY, GUEST, Stack } from '../../../wire/stack.ts'

const verdict = (stack: Stack) => stack.call('selftestVerdict')
const reason = (stack: Stack) => stack.m.text(stack.call('selftestReason') >>> 0)

/** The gateway: answers ARP, and as many echoes as it is told to. */
function serve(stack: Stack, echoes: number): number {
  let answered = 0
  for (let round = 0; round < 40; round++) {
    const frames = stack.sent()
    stack.forget()
    for (const frame of frames) {
      if (frame.arp?.targetIp === GATEWAY.ip) {
        stack.receive(stack.arp({ operation: 2, senderIp: GATEWAY.ip, senderMac: GATEWAY.mac, targetMac: GUEST.mac }, GUEST.mac))
      }
      if (frame.icmp?.type === 8 && answered < echoes) {
        answered++
        const payload = icmp({ type: 0, id: frame.icmp.id, sequence: frame.icmp.sequence }, frame.icmp.payload)
        stack.receive(ethernet({ destination: GUEST.mac, source: GATEWAY.mac, type: 0x0800 },
          ipv4({ source: GATEWAY.ip, destination: GUEST.ip, protocol: 1 }, payload)))
      }
    }
  }
  return answered
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('passes when ten echoes came back', async t => {
      const stack = Stack.up(e)
      stack.call('selftestBegin')
      t.equal(verdict(stack), 2, 'not finished')
      t.equal(serve(stack, 100), 10)
      t.equal(verdict(stack), 1)
      t.equal(reason(stack), '')
    })

    t.test('waits for an address, as long as DHCP may take', async t => {
      const stack = new Stack(e)
      stack.call('selftestBegin')
      stack.advance(10_000)
      t.equal(verdict(stack), 2)
      stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`)
      stack.advance(20)
      serve(stack, 10)
      t.equal(verdict(stack), 1)
    })

    t.test('fails without a gateway, after fifteen seconds', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24` })
      stack.call('selftestBegin')
      stack.advance(14_900)
      t.equal(verdict(stack), 2)
      stack.advance(200)
      t.equal(verdict(stack), 0)
      t.equal(reason(stack), 'no interface with a gateway within 15 seconds')
    })

    t.test('fails when nobody answers ARP', async t => {
      const stack = Stack.up(e)
      stack.call('selftestBegin')
      stack.advance(4000)
      t.equal(verdict(stack), 0)
      t.equal(reason(stack), 'the gateway does not answer ARP')
    })

    t.test('fails when the ninth echo is lost', async t => {
      const stack = Stack.up(e)
      stack.call('selftestBegin')
      t.equal(serve(stack, 8), 8)
      t.equal(verdict(stack), 2)
      stack.advance(4000)
      t.equal(verdict(stack), 0)
      t.equal(reason(stack), 'the gateway does not answer an echo request')
    })

    t.test('fails when no echo session is free', async t => {
      const stack = Stack.up(e)
      for (let i = 0; i < 16; i++) stack.call('pingOpen')
      stack.call('selftestBegin')
      t.equal(verdict(stack), 0)
      t.equal(reason(stack), 'no echo session is free')
    })
  })
}
