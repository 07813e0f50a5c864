// Who may have which port, and which of several sockets a datagram is for. RFC 6056 §3, udp(7), RustOS's rules.

import fc from 'fast-check'
import t from 'tap'
import { engines } from '../../../../engine.ts'
import { Errno, Option, Rules, Sockets } from '../../../../wire/sockets.ts'
import { GUEST, ip } from '../../../../wire/stack.ts'

const ANY = '0.0.0.0'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('vector 7: a port is bound, and then in use', async t => {
      const stack = Sockets.up(e)
      const [first, second] = [stack.socket(), stack.socket()]
      t.equal(stack.bind(first, ANY, 5000), 0)
      t.equal(stack.bind(second, ANY, 5000), Errno.AddressInUse)
      t.equal(stack.bind(second, GUEST.ip, 5000), Errno.AddressInUse)
      t.equal(stack.bind(first, ANY, 5001), Errno.InvalidArgument, 'a socket is bound once')
      t.equal(stack.bind(second, ANY, 65536), Errno.InvalidArgument)
      t.equal(stack.bind(second, '10.0.0.99', 5001), Errno.AddressNotAvailable, 'not ours')
      t.equal(stack.bind(second, '10.0.0.255', 5001), 0, 'a broadcast address of ours')
      t.equal(stack.call('socketCounter', 3), 2, 'conflicts')
    })

    t.test('a port of the kernel\'s own is in use, for sockets; and the other way round', async t => {
      const stack = Sockets.up(e)
      stack.call('echoServiceStart')
      t.equal(stack.bind(stack.socket(), ANY, 7), Errno.AddressInUse)
      t.equal(stack.bind(stack.socket(), ANY, 68), Errno.AddressInUse, 'the DHCP client')
      stack.bound(9)
      t.equal(stack.call('discardServiceStart'), Errno.AddressInUse)
    })

    t.test('after close a port can be bound at once', async t => {
      const stack = Sockets.up(e)
      for (let i = 0; i < 5; i++) {
        const socket = stack.bound(5000)
        t.equal(stack.call('socketClose', socket), 0)
      }
    })

    t.test('RFC 6056 §3.3.1, RFC 8085 §5.1: a port 0 is a free one, from 32768 on, and not the next one', async t => {
      const stack = Sockets.up(e)
      const ports = Array.from({ length: 200 }, () => stack.field(stack.bound(0), 2))
      t.equal(new Set(ports).size, 200)
      t.ok(ports.every(port => port >= 32768 && port <= 65535))
      const steps = ports.slice(1).filter((port, i) => port === ports[i]! + 1).length
      t.ok(steps < 5, `${steps} of 200 are guessed by adding one`)
    })

    t.test('RFC 6056 §3.3.1: the only free port is found wherever the search begins; none is 0', async t => {
      const stack = Sockets.up(e)
      for (let i = 0; i < 20; i++) t.equal(stack.call('ephemeralBeyond', 32767), 65535)
      t.equal(stack.call('ephemeralBeyond', 32768), 0)
    })

    // rustos.md's table, row by row: [what is bound: address, reuseAddr, reusePort], [what is asked], RustOS, Linux.
    const rows: [[string, number, number], [string, number, number], boolean, boolean][] = []
    for (const bound of [ANY, GUEST.ip]) {
      for (const asked of [ANY, GUEST.ip, '10.0.0.77']) {
        for (const flags of Array.from({ length: 16 }, (_, i) => i)) {
          const [a1, p1, a2, p2] = [flags & 1, flags >> 1 & 1, flags >> 2 & 1, flags >> 3 & 1]
          const same = bound === asked
          const meet = same || bound === ANY || asked === ANY
          const rustos = !meet || (same ? a1 + a2 + p1 + p2 === 4 : a1 + a2 === 2)
          const linux = !meet || a1 + a2 === 2 || p1 + p2 === 2
          rows.push([[bound, a1, p1], [asked, a2, p2], rustos, linux])
        }
      }
    }
    t.test(`who may share: all ${rows.length} combinations of two sockets, by both sets of rules`, async t => {
      for (const [which, rules] of [['RustOS', Rules.RustOs], ['Linux', Rules.Linux]] as const) {
        const stack = Sockets.up(e)
        stack.call('addAddress', 0, ip('10.0.0.77'), 24)
        const wrong: unknown[] = []
        for (const row of rows) {
          const [[bound, a1, p1], [asked, a2, p2], rustos, linux] = row
          const first = stack.bound(5000, bound, ...(a1 ? [Option.ReuseAddr] : []), ...(p1 ? [Option.ReusePort] : []))
          const second = stack.socket()
          if (a2) stack.set(second, Option.ReuseAddr, 1)
          if (p2) stack.set(second, Option.ReusePort, 1)
          const allowed = stack.bind(second, asked, 5000, rules) === 0
          if (allowed !== (which === 'RustOS' ? rustos : linux)) wrong.push(row)
          if (stack.call('bindConflict', ip(asked), 5001, a2, p2, rules) !== 0) wrong.push('another port')
          stack.call('socketClose', first)
          stack.call('socketClose', second)
        }
        t.same(wrong, [], which)
      }
    })

    t.test('the address goes before any address, a peer before both', async t => {
      const stack = Sockets.up(e)
      const any = stack.bound(5000, ANY, Option.ReuseAddr)
      stack.hear('1', 5000)
      const exact = stack.bound(5000, GUEST.ip, Option.ReuseAddr)
      stack.hear('2', 5000)
      const peer = stack.bound(5000, GUEST.ip, Option.ReuseAddr)
      stack.connect(peer, '10.0.0.9', 4000)
      stack.hear('3', 5000)
      stack.hear('4', 5000, 4001)
      t.same([any, exact, peer].map(each => stack.texts(each).join()), ['1', '2,4', '3'])
      stack.call('socketClose', peer)
      stack.call('socketClose', exact)
      stack.hear('5', 5000)
      t.same(stack.texts(any), ['5'])
    })

    t.test('reuseAddr alone: the last one bound gets it, as on Linux', async t => {
      const stack = Sockets.up(e)
      const [first, last] = [stack.bound(5000, ANY, Option.ReuseAddr), stack.bound(5000, ANY, Option.ReuseAddr)]
      stack.hear('x', 5000)
      t.same([first, last].map(each => stack.texts(each)), [[], ['x']])
    })

    t.test('vector 30: the hash of a flow', async t => {
      const stack = Sockets.up(e)
      t.equal(stack.call('udpFlowHash', ip('10.0.0.1'), 1000, ip('10.0.0.2'), 2000) >>> 0, 3503662359)
      fc.assert(fc.property(fc.nat(0xffffffff), fc.nat(65535), fc.nat(0xffffffff), fc.nat(65535), (source, sport, destination, dport) => {
        const octets = (a: number) => [24, 16, 8, 0].map(shift => a >>> shift & 255)
        const wanted = [...octets(source), ...octets(destination), sport, dport].reduce((h, x) => Math.imul(h, 31) + x >>> 0, 0)
        return stack.call('udpFlowHash', source | 0, sport, destination | 0, dport) >>> 0 === wanted
      }))
    })

    t.test('vector 30: reusePort spreads flows over its sockets by that hash, and each flow stays with one', async t => {
      const stack = Sockets.up(e)
      const sockets = Array.from({ length: 5 }, () => stack.bound(5000, ANY, Option.ReusePort))
      const hash = (port: number) => stack.call('udpFlowHash', ip('10.0.0.9'), port, ip(GUEST.ip), 5000) >>> 0
      for (let port = 3000; port < 3040; port++) {
        for (let i = 0; i < 2; i++) stack.hear(`${port}`, 5000, port)
        const heard = sockets.map(each => stack.texts(each).length)
        t.same(heard, sockets.map((_, i) => i === hash(port) % 5 ? 2 : 0), `from port ${port}`)
      }
      stack.call('socketClose', sockets[2]!)
      stack.hear('after one left', 5000, 3000)
      const left = sockets.filter((_, i) => i !== 2)
      t.same(left.map(each => stack.texts(each).length), left.map((_, i) => i === hash(3000) % 4 ? 1 : 0))
    })

    t.test('any order of binding, connecting and closing: a datagram goes where a plain search would send it', async t => {
      const run = fc.array(fc.record({
        what: fc.constantFrom('bind', 'bind', 'connect', 'disconnect', 'close', 'hear'),
        port: fc.constantFrom(5000, 5001, 6024), from: fc.constantFrom(4000, 4001), exact: fc.boolean(), pick: fc.nat(20),
      }), { maxLength: 40 })
      t.doesNotThrow(() => fc.assert(fc.property(run, steps => {
        const stack = Sockets.up(e)
        const open: { handle: number, port: number, exact: boolean, peer: number }[] = []
        for (const step of steps) {
          const chosen = open[step.pick % (open.length || 1)]
          if (step.what === 'bind') {
            const handle = stack.bound(step.port, step.exact ? GUEST.ip : ANY, Option.ReuseAddr)
            open.push({ handle, port: step.port, exact: step.exact, peer: 0 })
          } else if (step.what === 'hear') {
            stack.hear('x', step.port, step.from)
            const able = open.filter(each => each.port === step.port)
            const tiers = [able.filter(each => each.peer === step.from), able.filter(each => each.exact && each.peer === 0), able.filter(each => !each.exact && each.peer === 0)]
            const tier = tiers.find(each => each.length > 0) ?? []
            const heard = open.filter(each => stack.texts(each.handle).length > 0)
            if (heard.length !== Math.min(tier.length, 1) || !heard.every(each => tier.includes(each))) return false
          } else if (chosen !== undefined && step.what === 'connect') {
            stack.connect(chosen.handle, '10.0.0.9', step.from)
            chosen.peer = step.from
          } else if (chosen !== undefined && step.what === 'disconnect') {
            stack.call('socketDisconnect', chosen.handle)
            chosen.peer = 0
          } else if (chosen !== undefined) {
            stack.call('socketClose', chosen.handle)
            open.splice(open.indexOf(chosen), 1)
          }
        }
        return true
      }), { numRuns: 60 }))
    })
  })
}
