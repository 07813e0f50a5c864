// The fuzzer's corpus on both engines: no input is a fault, none keeps a packet. What once crashed is in it.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../engine.ts'
import { TARGETS, corpus } from '../../../fuzz/targets.ts'

const KERNEL_END = 0x82000000
const KEEPS = ['input', 'cpio', 'names']

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (const target of TARGETS) {
      t.test(target.name, async t => {
        const inputs = corpus(target)
        t.ok(inputs.length > 0)
        let machine = e.start()
        machine.call('fuzzStart')
        for (const [i, { name, data }] of inputs.entries()) {
          if (i > 0 && KEEPS.includes(target.name)) { // the others leave nothing behind
            machine = e.start()
            machine.call('fuzzStart')
          }
          const at = KERNEL_END - data.length
          machine.write(at, data)
          t.equal(machine.call('fuzzRun', target.number, at, data.length), 0, name)
        }
      })
    }
  })
}
