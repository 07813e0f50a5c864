// Lines of the serial log, taken apart.

import t from 'tap'
import { parseLine } from '../../serial-log.ts'

t.test('an event with fields', async t => {
  t.same(parseLine('[    0.004213] info  net: up if=eth0 mac=52:54:00:12:34:56 ip=10.0.2.15/24 mtu=1500'), {
    line: '[    0.004213] info  net: up if=eth0 mac=52:54:00:12:34:56 ip=10.0.2.15/24 mtu=1500',
    microseconds: 4213, level: 'info', subsystem: 'net', event: 'up',
    fields: { if: 'eth0', mac: '52:54:00:12:34:56', ip: '10.0.2.15/24', mtu: '1500' },
  })
})

t.test('quoted values, several words, later times', async t => {
  t.match(parseLine('[ 1234.000001] error selftest: fail name=swap why="read \\"back\\" differs"'),
    { microseconds: 1234000001, level: 'error', event: 'fail', fields: { name: 'swap', why: 'read "back" differs' } })
  t.match(parseLine('[    0.100000] warn  boot: unknown key key=colour'), { event: 'unknown key', fields: { key: 'colour' } })
  t.match(parseLine('[    0.100000] debug clock: calibrated'), { event: 'calibrated', fields: {} })
})

t.test('what is no event', async t => {
  for (const line of ['', 'SeaBIOS (version 1.16.2)', 'rax=00000000', '[1.5] info net: up', '[    0.004213] loud  net: up']) {
    t.equal(parseLine(line), undefined, line)
  }
})
