// kernel/net/dns/cache.ts: bounded, the least recently used first, against a model.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { randomFrom } from '../../../../wire/garbage.ts'
import { Stack } from '../../../../wire/stack.ts'

const LIMIT = 128, MISSING = 0xffffffff

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const names = new Map<string, number>()
    let stack = Stack.up(e)
    const begin = () => { stack = Stack.up(e); names.clear() }
    const text = (name: string) => {
      if (!names.has(name)) names.set(name, stack.m.cstring(name))
      return names.get(name)!
    }
    const store = (name: string, seconds: number, type = 1, status = 0) => stack.call('cacheStore', text(name), name.length, type, status, seconds)
    const find = (name: string, type = 1) => stack.call('cacheFind', text(name), name.length, type) >>> 0

    t.test('at the limit the least recently used goes', async t => {
      begin()
      for (let i = 0; i < LIMIT; i++) store(`n${i}.example`, 1000)
      t.equal(find('n0.example'), 1000)
      store('one.more', 1000)
      t.equal(stack.call('dnsCacheCount'), LIMIT)
      t.equal(find('n0.example'), 1000, 'was used')
      t.equal(find('n1.example'), MISSING, 'was not')
    })

    t.test('what is over goes when it is looked for, or all at once', async t => {
      begin()
      for (let i = 0; i < 10; i++) store(`n${i}.example`, 10 + i)
      stack.call('advanceSeconds', 12)
      t.equal(find('n0.example'), MISSING)
      t.equal(stack.call('dnsCacheCount'), 9)
      t.equal(find('n5.example'), 3)
      stack.call('dnsCacheCleanUp')
      t.equal(stack.call('dnsCacheCount'), 7)
      store('n5.example', 0)
      t.equal(find('n5.example'), MISSING, 'one that may not be kept replaces what was known')
    })

    t.test('10,000 random steps against a model', async t => {
      begin()
      const random = randomFrom(7)
      const model = new Map<string, number>() // in order of use
      let now = 0
      for (let step = 0; step < 10_000; step++) {
        const name = `n${random(200)}.example`
        const kind = random(10)
        if (kind < 4) {
          const seconds = random(50)
          store(name, seconds)
          model.delete(name)
          if (seconds > 0) {
            if (model.size === LIMIT) model.delete(model.keys().next().value!)
            model.set(name, now + seconds)
          }
        } else if (kind < 9) {
          const until = model.get(name)
          const left = until !== undefined && until > now ? until - now : MISSING
          if (find(name) !== left) t.fail(`${name} at step ${step}`)
          model.delete(name)
          if (left !== MISSING) model.set(name, until!)
        } else {
          stack.call('advanceSeconds', 1)
          now++
        }
      }
      t.equal(stack.call('dnsCacheCount'), model.size)
    })
  })
}
