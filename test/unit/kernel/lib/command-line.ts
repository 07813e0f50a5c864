// The command line: what each key takes and refuses, which of two values counts, and that nothing breaks it.

import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const enum Service { Echo = 1, Discard = 2, Chargen = 4, Http = 8, Iperf3 = 16 }
const LIMIT = 2048

interface Parsed { m: Instance, log: string[] }

/** Parse a line in memory that ends where the line ends, so that reading on would be seen. */
function parse(e: Engine, line: string | Uint8Array, available?: number): Parsed {
  const m = e.start()
  m.call('keepLog')
  const bytes = typeof line === 'string' ? Buffer.from(`${line}\0`, 'latin1') : line
  const at = m.alloc(bytes.length)
  m.write(at, bytes)
  m.call('parse', at, available ?? bytes.length)
  return { m, log: log(m) }
}

const log = (m: Instance) =>
  Buffer.from(m.bytes(m.call('keptAddress'), m.call('keptBytes'))).toString('latin1').split('\n').slice(0, -1).map(line => line.slice(15))

/** The value for an interface, null if there is none. */
function eth(m: Instance, index: number, vlan = 0): string | null {
  const at = m.call('optionInterface', index, vlan)
  return at === 0 ? null : m.text(at)
}

const get = (m: Instance) => ({
  given: m.call('optionGivenBits'),
  services: m.call('optionServices'),
  memory: m.call('optionMemory') >>> 0,
  init: m.call('optionInit') === 0 ? null : m.text(m.call('optionInit')),
  forward: m.call('optionForward'),
  acd: m.call('optionAcd'),
  swap: m.call('optionSwap'),
  disk: m.call('optionSwapDisk'),
  selftest: m.call('optionSelftest'),
  log: m.call('optionLog'),
  panic: m.call('optionPanic'),
  replacement: m.call('optionReplacement'),
})
const DEFAULTS = {
  given: 0, services: Service.Echo | Service.Http, memory: 0, init: null, forward: 0, acd: 0, swap: 0, disk: 0,
  selftest: 0, log: 2, panic: 0, replacement: 0,
}

/** What a word changes. */
const TAKEN: [word: string, changes: Partial<typeof DEFAULTS> | { init: string, given: number }][] = [
  ['forward=0', { given: 4 }],
  ['forward=1', { given: 4, forward: 1 }],
  ['swap=none', { given: 8, swap: 2 }],
  ['swap=vda', { given: 8, swap: 1, disk: 0 }],
  ['swap=vdz', { given: 8, swap: 1, disk: 25 }],
  ['acd=optimistic', { given: 16, acd: 0 }],
  ['acd=strict', { given: 16, acd: 1 }],
  ['acd=off', { given: 16, acd: 2 }],
  ['mem=16M', { given: 32, memory: 16 << 20 }],
  ['mem=16m', { given: 32, memory: 16 << 20 }],
  ['mem=1G', { given: 32, memory: 1 << 30 }],
  ['mem=3g', { given: 32, memory: 3 * 2 ** 30 }],
  ['mem=4G', { given: 32, memory: 0xfffff000 }],
  ['mem=999999999G', { given: 32, memory: 0xfffff000 }],
  ['mem=16384K', { given: 32, memory: 16 << 20 }],
  ['mem=16777216', { given: 32, memory: 16 << 20 }],
  ['services=none', { given: 64, services: 0 }],
  ['services=echo', { given: 64, services: 1 }],
  ['services=echo,discard,chargen,http,iperf3', { given: 64, services: 31 }],
  ['services=iperf3,echo,echo', { given: 64, services: 17 }],
  ['init=/bin/app', { given: 128, init: '/bin/app' }],
  ['selftest=swap', { given: 256, selftest: 1 }],
  ['selftest=net', { given: 256, selftest: 2 }],
  ['selftest=mm', { given: 256, selftest: 3 }],
  ['selftest=all', { given: 256, selftest: 4 }],
  ['log=error', { given: 512, log: 0 }],
  ['log=warn', { given: 512, log: 1 }],
  ['log=info', { given: 512, log: 2 }],
  ['log=debug', { given: 512, log: 3 }],
  ['panic=halt', { given: 1024, panic: 1 }],
  ['panic=reboot', { given: 1024, panic: 2 }],
  ['panic=exit', { given: 1024, panic: 3 }],
  ['replacement=lru', { given: 2048 }],
  ['replacement=clock', { given: 2048, replacement: 1 }],
  ['replacement=fifo', { given: 2048, replacement: 2 }],
]

/** Words with a bad value, and what the warning asks for. */
const REFUSED: [word: string, want: string][] = [
  ...['forward=2', 'forward=', 'forward', 'forward=01', 'forward=yes'].map(word => [word, '0 or 1'] as [string, string]),
  ...['swap=', 'swap=vd', 'swap=vdA', 'swap=vda1', 'swap=sda', 'swap=None', 'swap=vd`', 'swap=vd{']
    .map(word => [word, 'vda to vdz, or none'] as [string, string]),
  ...['acd=', 'acd=on', 'acd=Strict'].map(word => [word, 'optimistic, strict or off'] as [string, string]),
  ...['mem=', 'mem=M', 'mem=0', 'mem=15M', 'mem=16X', 'mem=-16M', 'mem=016M', 'mem=1.5G', 'mem=0x1000000', 'mem=9999999999', 'mem=16MB']
    .map(word => [word, 'a size from 16M on, such as 512M or 1G'] as [string, string]),
  ...['services=', 'services=,', 'services=echo,', 'services=echo,none', 'services=ftp', 'services=Echo', 'services=echo,,http']
    .map(word => [word, 'any of echo,discard,chargen,http,iperf3, or none'] as [string, string]),
  ['init=', 'the path of a program'],
  ['init', 'the path of a program'],
  ...['selftest=', 'selftest=swap,mm', 'selftest=1'].map(word => [word, 'swap, net, mm or all'] as [string, string]),
  ...['log=', 'log=loud', 'log=INFO'].map(word => [word, 'error, warn, info or debug'] as [string, string]),
  ...['replacement=', 'replacement=LRU'].map(word => [word, 'lru, clock or fifo'] as [string, string]),
  ...['panic=', 'panic=now'].map(word => [word, 'halt, reboot or exit'] as [string, string]),
  ...['eth8=dhcp', 'eth00=dhcp', 'eth1x=dhcp', 'eth4294967296=dhcp'].map(word => [word, 'an interface from eth0 to eth7'] as [string, string]),
  ...['eth0=', 'eth0'].map(word => [word, 'dhcp, off or A.B.C.D/N'] as [string, string]),
  ...['eth0.0=dhcp', 'eth0.4095=dhcp', 'eth0.=dhcp', 'eth0.07=dhcp', 'eth0.1.2=dhcp'].map(word => [word, 'a VLAN from 1 to 4094'] as [string, string]),
]

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: an empty line, and one of nothing but spaces, are the defaults`, t => {
    for (const line of ['', ' ', '  \t \n ']) {
      const { m, log } = parse(e, line)
      t.same(get(m), DEFAULTS)
      t.same(log, [])
    }
    t.end()
  })

  t.test(`${e.kind}: what each key takes`, t => {
    for (const [word, changes] of TAKEN) {
      const { m, log } = parse(e, word)
      t.same(get(m), { ...DEFAULTS, ...changes }, word)
      t.same(log, [], `${word}: nothing to say`)
    }
    t.end()
  })

  t.test(`${e.kind}: a bad value is one warning that says what it should be, and changes nothing`, t => {
    for (const [word, want] of REFUSED) {
      const { m, log } = parse(e, word)
      const [key, value = ''] = word.split('=')
      t.same(get(m), DEFAULTS, word)
      t.same(log, [`warn  boot: option-bad key=${key} value="${value}" want="${want}"`])
    }
    t.end()
  })

  t.test(`${e.kind}: an unknown key is one warning`, t => {
    const { m, log } = parse(e, 'quiet root=/dev/vda1 Forward=1 ethernet=x =x eth=dhcp')
    t.same(get(m), DEFAULTS)
    t.same(log, ['quiet', 'root', 'Forward', 'ethernet', '', 'eth'].map(key => `warn  boot: option-unknown key="${key}"`))
    t.end()
  })

  t.test(`${e.kind}: of a key given twice the later value counts; a bad one does not undo a good one`, t => {
    const { m, log } = parse(e, 'log=debug forward=1 log=warn eth0=dhcp eth0=off forward=x')
    t.equal(get(m).log, 1)
    t.equal(get(m).forward, 1)
    t.equal(eth(m, 0), 'off')
    t.equal(m.call('optionInterfaceCount'), 1)
    t.equal(log.length, 1)
    t.end()
  })

  t.test(`${e.kind}: interfaces and VLANs keep their value as text`, t => {
    const { m, log } = parse(e, 'eth0=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3,mtu=1400,promisc eth7=off eth0.1=dhcp eth0.4094=10.1.0.1/8')
    t.equal(eth(m, 0), '10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3,mtu=1400,promisc')
    t.equal(eth(m, 7), 'off')
    t.equal(eth(m, 0, 1), 'dhcp')
    t.equal(eth(m, 0, 4094), '10.1.0.1/8')
    t.equal(eth(m, 1), null)
    t.equal(get(m).given, 3)
    t.same(log, [])
    t.end()
  })

  t.test(`${e.kind}: the seventeenth interface is refused, a known one still takes a value`, t => {
    const words = Array.from({ length: 17 }, (_, i) => `eth0.${i + 1}=dhcp`)
    const { m, log } = parse(e, [...words, 'eth0.3=off'].join(' '))
    t.equal(m.call('optionInterfaceCount'), 16)
    t.equal(eth(m, 0, 3), 'off')
    t.same(log, ['warn  boot: option-bad key=eth0.17 value="dhcp" want="no more than 16 interfaces"'])
    t.end()
  })

  t.test(`${e.kind}: init takes the rest of the line, without the spaces at its end`, t => {
    const { m, log } = parse(e, 'log=warn init=/bin/app  --port=80 log=debug \n')
    t.equal(get(m).init, '/bin/app  --port=80 log=debug')
    t.equal(get(m).log, 1)
    t.same(log, [])
    t.end()
  })

  t.test(`${e.kind}: tabs and line ends separate too`, t => {
    const { m, log } = parse(e, 'log=warn\tforward=1\r\nswap=none')
    t.same([get(m).log, get(m).forward, get(m).swap], [1, 1, 2])
    t.same(log, [])
    t.end()
  })

  t.test(`${e.kind}: the line ends where the loader says, without a zero byte`, t => {
    const { m, log } = parse(e, Buffer.from('log=warn forward=1', 'latin1'), 8)
    t.same([get(m).log, get(m).forward], [1, 0])
    t.same(log, [])
    t.end()
  })

  t.test(`${e.kind}: a line of 2,048 bytes is read whole, a longer one up to its last whole word`, t => {
    const filler = (n: number) => `${'log=info '.repeat(Math.ceil(n / 9))}`.slice(0, n - 1) + ' '
    const whole = parse(e, filler(LIMIT - 8) + 'swap=vdb')
    t.same([get(whole.m).swap, get(whole.m).disk], [1, 1])
    const cut = parse(e, `${'panic=halt '.repeat(185)}log=warn swap=vdab`)
    t.equal(get(cut.m).swap, 0, 'half a value is not taken')
    t.match(cut.log, [/^warn {2}boot: options-cut bytes=\d+ limit=2048$/])
    const one = parse(e, `log=${'x'.repeat(5000)}`)
    t.same(one.log, ['warn  boot: options-cut bytes=0 limit=2048'])
    t.end()
  })

  t.test(`${e.kind}: a value from outside can not break the log`, t => {
    const { log } = parse(e, Buffer.from('log="\x1b[2J\x01\xff\\" \x07bell=1\0', 'latin1'))
    t.same(log, [
      'warn  boot: option-bad key=log value="\\"\\x1b[2J\\x01\\xff\\\\\\"" want="error, warn, info or debug"',
      'warn  boot: option-unknown key="\\x07bell"',
    ])
    t.end()
  })

  t.test(`${e.kind}: random bytes: every word is taken, or warned of once, and no line is broken`, t => {
    let x = 20260101
    const next = (below: number) => { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; return (x >>> 0) % below }
    const pieces = ['log', 'swap', 'eth0', 'eth0.', 'mem', 'services', '=', '=', ' ', ' ', ',', 'vda', '16M', 'echo', '.', '\x80', '"', '\x00'.slice(1), 'init']
    for (let round = 0; round < 300; round++) {
      const line = Array.from({ length: next(60) }, () => next(4) === 0 ? String.fromCharCode(1 + next(255)) : pieces[next(pieces.length)]).join('')
      const { log } = parse(e, line)
      const words = line.split(/[ \t-\r]+/).filter(word => word !== '').length
      if (log.length > words || !log.every(each => /^warn {2}boot: option-(bad|unknown) [ -~]+$/.test(each))) t.fail(JSON.stringify({ line, log }))
    }
    t.end()
  })
}
