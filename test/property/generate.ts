// Makes random programs (program.ts) that TypeScript and the dialect accept: they end, every local is used, signs
// are never mixed without a conversion, no name is used before the declaration that it refers to.

import { Expressions, isSpelled } from './generate-expression.ts'
import { Random } from './random.ts'
import type { FunctionOf, ProgramOf, Sign, Statement, SwitchCase } from './program.ts'

const MOST_DEPTH = 3

/** Names of locals: few, so that they shadow, and some that mean something to a compiler further down. */
const NAMES = ['a', 'b', 'c', 'd', 'ga', 'gb', 't0', 'g_ga', 'Map', 'Math', 'constructor', 'main', 'printf', 'register', 'int', 'linux', 'f_f0', '__proto', 'f64', '$x']

const SPELLINGS: Record<Sign, readonly string[]> = { u32: ['u32', 'u16', 'u8', 'u32'], i32: ['i32', 'i16', 'i8', 'i32'] }

/** The program that belongs to `seed`. */
export function generateProgram(seed: number): ProgramOf {
  return new Generator(new Random(seed)).program()
}

class Generator {
  #expressions: Expressions
  #loops: (string | null)[] = []
  #counters = 0
  #sign: Sign = 'u32'

  constructor(readonly random: Random) { this.#expressions = new Expressions(random) }

  program(): ProgramOf {
    const { random } = this
    const e = this.#expressions
    const constants = ['CA', 'CB'].map((name, i): ProgramOf['constants'][number] => {
      const sign = i === 0 ? 'u32' : 'i32'
      const one = { name, sign, value: e.constant(sign, 2) } as const
      e.constants.push({ name, sign })
      return one
    })
    const globals: ProgramOf['globals'] = [
      { name: 'ga', sign: 'u32', initial: random.below(1000) },
      { name: 'gb', sign: 'i32', initial: random.below(1000) - 500 },
      { name: 'gc', sign: 'u32', initial: random.below(0xffffffff) },
    ]
    e.globals.push(...globals)
    const pair = [{ name: 'p', sign: 'u32' }, { name: 'q', sign: 'u32' }] as const
    const leaves = ['leafA', 'leafB'].map(name => this.#function(name, pair, 'u32'))
    e.callable.push(...leaves)
    const recursions = this.#recursions()
    e.recursive.push(...recursions.map(each => each.name))
    e.references = true
    const functions: FunctionOf[] = []
    for (let i = 0; i < 3; i += 1) {
      const last = i === 2
      const parameters = last ? pair : this.#parameters()
      const f = this.#function(`f${i}`, parameters, last || random.once(2) ? 'u32' : 'i32')
      functions.push(f)
      e.callable.push(f)
    }
    return { constants, globals, leaves, recursions, functions }
  }

  #recursions(): ProgramOf['recursions'] {
    const e = this.#expressions
    const scope = new Map<string, Sign>([['x', 'u32'], ['count', 'u32']])
    const pair = this.random.once(2) ? ['even', 'odd'] : ['down', 'down']
    return [...new Set(pair)].map((name, i, all) => {
      e.open(scope)
      const step = e.expression('u32', 2)
      e.close()
      return { name, other: all[(i + 1) % all.length]!, step, end: this.random.below(100) }
    })
  }

  #parameters(): FunctionOf['parameters'] {
    return ['p', 'q', 'r', 's', 'u'].slice(0, 1 + this.random.below(5))
      .map(name => ({ name, sign: this.random.once(2) ? 'u32' as const : 'i32' as const }))
  }

  #function(name: string, parameters: FunctionOf['parameters'], sign: Sign): FunctionOf {
    const e = this.#expressions
    e.open(new Map(parameters.map(each => [each.name, each.sign])))
    this.#sign = sign
    this.#loops = []
    this.#counters = 0
    const body = this.#statements(MOST_DEPTH)
    body.push({ kind: 'return', value: e.expression(sign, 3) })
    e.close()
    return { name, parameters, sign, body }
  }

  #block(depth: number): Statement[] {
    this.#expressions.open(new Map())
    const body = this.#statements(depth)
    this.#expressions.close()
    return body
  }

  #statements(depth: number): Statement[] {
    const body: Statement[] = []
    for (let n = 1 + this.random.below(3); n > 0; n -= 1) body.push(...this.#statement(depth))
    return body
  }

  #statement(depth: number): Statement[] {
    const { random } = this
    const kind = random.below(depth > 0 ? 16 : 8)
    if (kind < 2) return this.#declare()
    if (kind < 5) return [this.#assign()]
    if (kind === 5) return [this.#change()]
    if (kind === 6) return [this.#effect()]
    if (kind === 7) return this.#jump()
    if (kind < 11) return [this.#if(depth)]
    if (kind < 12) return [{ kind: 'block', body: this.#block(depth - 1) }]
    if (kind < 14) return [this.#loop(depth)]
    return [this.#switch(depth)]
  }

  /** A local, and at once a use of it: one that nobody uses is an error. */
  #declare(): Statement[] {
    const e = this.#expressions
    const sign: Sign = this.random.once(2) ? 'u32' : 'i32'
    const value = e.expression(sign, 3)
    const name = e.freeName(NAMES)
    if (name === null) return []
    const constant = this.random.once(3) && isSpelled(value) // one of literals only would be a number to the lowering
    e.declare(name, sign, !constant)
    const use = e.use(name, sign)
    return [
      { kind: 'declare', name, sign, spelled: this.random.pick(SPELLINGS[sign]), constant, value },
      ...use === null ? [] : [use],
    ]
  }

  #assign(): Statement {
    const e = this.#expressions
    const target = e.target()
    const operator = e.assignmentOperator(target.sign)
    return { kind: 'assign', target, operator, value: e.assigned(operator, target) }
  }

  #change(): Statement {
    const e = this.#expressions
    const { random } = this
    if (e.references && random.once(3)) {
      return { kind: 'setReference', through: random.pick(['global', 'cell']), name: random.pick(['leafA', 'leafB']) }
    }
    return { kind: 'setFlag', place: e.place(1), value: e.condition(2) }
  }

  #effect(): Statement {
    const e = this.#expressions
    return { kind: 'evaluate', value: e.withEffect() }
  }

  /** break or continue under a condition, at times with a label; outside of loops a return. */
  #jump(): Statement[] {
    const e = this.#expressions
    const { random } = this
    const test = e.condition(1)
    const labels = this.#loops.filter(each => each !== null)
    const then: Statement = this.#loops.length === 0 || random.once(6)
      ? { kind: 'return', value: e.expression(this.#sign, 2) }
      : { kind: random.pick(['break', 'continue']), label: labels.length > 0 && random.once(2) ? random.pick(labels) : null }
    return [{ kind: 'if', test, then: [then], otherwise: null }]
  }

  #if(depth: number): Statement {
    const test = this.#expressions.condition(3)
    const then = this.#block(depth - 1)
    return { kind: 'if', test, then, otherwise: this.random.once(2) ? this.#block(depth - 1) : null }
  }

  #loop(depth: number): Statement {
    const { random } = this
    const e = this.#expressions
    const name = `k${this.#counters++}`
    const label = random.once(3) ? `loop${this.#counters}` : null
    const limit = 1 + random.below(4)
    e.open(new Map([[name, 'u32']]), false)
    const test = e.condition(2)
    this.#loops.push(label)
    const body = this.#block(depth - 1)
    this.#loops.pop()
    e.close()
    if (random.once(2)) return { kind: 'for', label, name, limit, body }
    return { kind: 'while', label, first: random.once(2), name, limit, test, body }
  }

  #switch(depth: number): Statement {
    const { random } = this
    const value = this.#expressions.switched()
    const values = [0, 1, 2, 3, 4, 5, 6, 7].filter(() => random.once(2))
    const groups: (number | null)[][] = values.length === 0 ? [[3]] : []
    for (const each of values) {
      if (groups.length > 0 && random.once(3)) groups.at(-1)!.push(each)
      else groups.push([each])
    }
    if (random.once(2)) groups.splice(random.below(groups.length + 1), 0, [null])
    else if (random.once(3)) random.pick(groups).push(null)
    const cases = groups.map((each): SwitchCase => ({ values: each, body: this.#caseBody(depth) }))
    return { kind: 'switch', value, cases }
  }

  /** A case ends by a jump: TypeScript takes no other. In a switch, only a labelled `continue` or `break` is the loop's. */
  #caseBody(depth: number): Statement[] {
    const e = this.#expressions
    e.open(new Map())
    const outer = this.#loops
    this.#loops = outer.filter(each => each !== null)
    const body = this.#statements(depth - 1)
    this.#loops = outer
    body.push(this.random.once(8) ? { kind: 'return', value: e.expression(this.#sign, 1) }
      : outer.length > 0 && this.random.once(6) ? { kind: 'continue', label: null } : { kind: 'break', label: null })
    e.close()
    return body
  }
}
