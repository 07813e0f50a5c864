// What a random program does, by the rules of docs/dialect.md: values are 32 bits, comparison, division, remainder and
// right shift go by the sign of the operands, stores truncate, shift counts are masked, operands are evaluated from
// left to right. Written with BigInt and independently of every stage of the toolchain.

import {
  CELL_FIELDS, FRAME_FIELDS,
  type ArithmeticOperator, type Condition, type Expression, type Field, type FunctionOf, type Place, type ProgramOf,
  type Sign, type Statement, type Target,
} from './program.ts'

/** What the engines say, too. */
export class Fault extends Error {}
/** The program takes longer than a test should. */
export class TooLong extends Error {}

const MOST_STEPS = 60_000

interface Cell { readonly fields: Map<string, bigint>, flag: boolean, action: string | null }
interface Frame { readonly scopes: Map<string, bigint>[] }

class Jump { constructor(readonly kind: 'break' | 'continue', readonly label: string | null) {} }
class Return { constructor(readonly value: bigint) {} }
type Leaving = Jump | Return | null

const newCell = (): Cell => ({ fields: new Map(CELL_FIELDS.map(each => [each.name, 0n])), flag: false, action: null })

/** `value` as a number of this sign. */
function wrap(sign: Sign, value: bigint): bigint {
  return sign === 'u32' ? BigInt.asUintN(32, value) : BigInt.asIntN(32, value)
}

/** One instance of a program. */
export class Machine {
  #steps = 0
  #globals: Map<string, bigint>
  #constants = new Map<string, bigint>()
  #functions: Map<string, FunctionOf>
  #cells = { static: newCell(), inner: newCell(), row: [newCell(), newCell(), newCell()] }
  #frame = new Map(FRAME_FIELDS.map(each => [each.name, 0n]))
  #reference: string

  constructor(readonly program: ProgramOf) {
    this.#globals = new Map(program.globals.map(each => [each.name, BigInt(each.initial)]))
    this.#functions = new Map([...program.leaves, ...program.functions].map(each => [each.name, each]))
    this.#reference = program.leaves[0]!.name
    const nowhere = { scopes: [] }
    for (const each of program.constants) this.#constants.set(each.name, this.#evaluate(each.value, nowhere))
  }

  /** The result of a function, as an unsigned number. Throws Fault or TooLong. */
  call(name: string, ...args: number[]): number {
    this.#cells.static.action = this.program.leaves.at(-1)!.name
    const { parameters } = this.#functions.get(name)!
    return this.#unsigned(this.#call(name, args.map((each, i) => wrap(parameters[i]!.sign, BigInt(each)))))
  }

  /** Every variable and field, in the order that text.ts's `state` numbers them. */
  state(): number[] {
    const { static: own, inner, row } = this.#cells
    const cells = [own, inner, ...row].flatMap(each =>
      [...CELL_FIELDS.map(field => each.fields.get(field.name)!), BigInt(each.flag)])
    const frame = FRAME_FIELDS.map(each => this.#frame.get(each.name)!)
    return [...this.#globals.values(), ...cells, ...frame].map(each => this.#unsigned(each))
  }

  #unsigned(value: bigint): number { return Number(BigInt.asUintN(32, value)) }

  #tick(): void {
    this.#steps += 1
    if (this.#steps > MOST_STEPS) throw new TooLong()
  }

  #call(name: string, args: readonly bigint[]): bigint {
    this.#tick()
    const recursion = this.program.recursions.find(each => each.name === name)
    if (recursion !== undefined) {
      const [count, x] = args as [bigint, bigint]
      if (count === 0n) return wrap('u32', x + BigInt(recursion.end))
      const scope = new Map([['count', count], ['x', x]])
      return this.#call(recursion.other, [count - 1n, this.#evaluate(recursion.step, { scopes: [scope] })])
    }
    const f = this.#functions.get(name)!
    const scope = new Map(f.parameters.map((each, i) => [each.name, wrap(each.sign, args[i]!)]))
    const leaving = this.#run(f.body, { scopes: [scope] })
    if (!(leaving instanceof Return)) throw new Error(`${name} did not return`)
    return wrap(f.sign, leaving.value)
  }

  #cell(place: Place, frame: Frame): Cell {
    if (place.kind !== 'row') return this.#cells[place.kind]
    return this.#cells.row[Number(this.#evaluate(place.index, frame))]!
  }

  /** Find a target once: the place of a field is evaluated before the value that is stored. */
  #reach(target: Target, frame: Frame): { get(): bigint, set(value: bigint): void } {
    if (target.kind === 'cell') {
      const cell = this.#cell(target.place, frame)
      return this.#slot(cell.fields, target.field)
    }
    if (target.kind === 'frame') return this.#slot(this.#frame, target.field)
    const scope = target.kind === 'global' ? this.#globals
      : [...frame.scopes].reverse().find(each => each.has(target.name))!
    return { get: () => scope.get(target.name)!, set: value => scope.set(target.name, wrap(target.sign, value)) }
  }

  #slot(fields: Map<string, bigint>, { name, bits, sign }: Field): { get(): bigint, set(value: bigint): void } {
    const fit = sign === 'u32' ? BigInt.asUintN : BigInt.asIntN
    return { get: () => fields.get(name)!, set: value => fields.set(name, fit(bits, value)) }
  }

  #evaluate(e: Expression, frame: Frame): bigint {
    return wrap(e.sign, this.#value(e, frame))
  }

  #value(e: Expression, frame: Frame): bigint {
    this.#tick()
    switch (e.kind) {
      case 'literal': return BigInt(e.value)
      case 'constant': return this.#constants.get(e.name)!
      case 'read': return this.#reach(e.target, frame).get()
      case 'convert': return this.#evaluate(e.a, frame)
      case 'binary': {
        const a = this.#evaluate(e.a, frame)
        return operate(e.operator, e.sign, a, this.#evaluate(e.b, frame))
      }
      case 'unary': return e.operator === '-' ? -this.#evaluate(e.a, frame) : ~this.#evaluate(e.a, frame)
      case 'choice': return this.#evaluate(this.#holds(e.test, frame) ? e.yes : e.no, frame)
      case 'call': return this.#call(e.name, e.args.map(each => this.#evaluate(each, frame)))
      case 'callReference': {
        const callee = e.through === 'global' ? this.#reference : this.#cells.static.action
        return this.#call(callee!, e.args.map(each => this.#evaluate(each, frame)))
      }
      case 'intrinsic': return intrinsic(e.name, e.args.map(each => this.#evaluate(each, frame)))
      case 'total': {
        const { fields } = this.#cell(e.place, frame)
        return fields.get('wide')! + fields.get('half')! * 3n
      }
      case 'bump': {
        const { fields } = this.#cell(e.place, frame)
        const by = this.#evaluate(e.by, frame)
        fields.set('wide', wrap('u32', fields.get('wide')! + by))
        fields.set('byte', BigInt.asUintN(8, fields.get('byte')! + 1n))
        return fields.get('wide')!
      }
      case 'assign': return this.#assign(e.target, e.operator, e.value, frame)
      case 'step': {
        const at = this.#reach(e.target, frame)
        const before = at.get()
        at.set(before + BigInt(e.by))
        return e.prefix ? at.get() : before
      }
    }
  }

  #assign(target: Target, operator: ArithmeticOperator | null, value: Expression, frame: Frame): bigint {
    const at = this.#reach(target, frame)
    if (operator === null) at.set(this.#evaluate(value, frame))
    else {
      const before = at.get()
      at.set(operate(operator, target.sign, before, this.#evaluate(value, frame)))
    }
    return at.get()
  }

  #holds(c: Condition, frame: Frame): boolean {
    this.#tick()
    switch (c.kind) {
      case 'compare': {
        const a = this.#evaluate(c.a, frame)
        return compare(c.operator, a, this.#evaluate(c.b, frame))
      }
      case 'and': return this.#holds(c.a, frame) && this.#holds(c.b, frame)
      case 'or': return this.#holds(c.a, frame) || this.#holds(c.b, frame)
      case 'not': return !this.#holds(c.a, frame)
      case 'flag': return this.#cell(c.place, frame).flag
    }
  }

  #run(body: readonly Statement[], outer: Frame): Leaving {
    const frame = { scopes: [...outer.scopes, new Map<string, bigint>()] }
    for (const each of body) {
      const leaving = this.#step(each, frame)
      if (leaving !== null) return leaving
    }
    return null
  }

  #step(s: Statement, frame: Frame): Leaving {
    this.#tick()
    switch (s.kind) {
      case 'declare': frame.scopes.at(-1)!.set(s.name, wrap(s.sign, this.#evaluate(s.value, frame))); return null
      case 'assign': this.#assign(s.target, s.operator, s.value, frame); return null
      case 'setFlag': {
        const cell = this.#cell(s.place, frame)
        cell.flag = this.#holds(s.value, frame)
        return null
      }
      case 'setReference':
        if (s.through === 'global') this.#reference = s.name
        else this.#cells.static.action = s.name
        return null
      case 'evaluate': this.#evaluate(s.value, frame); return null
      case 'if': return this.#holds(s.test, frame) ? this.#run(s.then, frame) : s.otherwise === null ? null : this.#run(s.otherwise, frame)
      case 'block': return this.#run(s.body, frame)
      case 'for': case 'while': return this.#loop(s, frame)
      case 'switch': return this.#switch(s, frame)
      case 'break': case 'continue': return new Jump(s.kind, s.label)
      case 'return': return new Return(this.#evaluate(s.value, frame))
    }
  }

  #loop(s: Extract<Statement, { kind: 'for' | 'while' }>, outer: Frame): Leaving {
    const counter = new Map([[s.name, 0n]])
    const frame = { scopes: [...outer.scopes, counter] }
    const within = (): boolean => counter.get(s.name)! < BigInt(s.limit)
    // A `while` counts at the head of its body, so that `continue` counts as well.
    const goesOn = (): boolean => s.kind === 'for' ? within() : within() && this.#holds(s.test, frame)
    for (let first = s.kind === 'while' && !s.first; first || goesOn(); first = false) {
      this.#tick()
      if (s.kind === 'while') counter.set(s.name, counter.get(s.name)! + 1n)
      const leaving = this.#run(s.body, frame)
      const mine = leaving instanceof Jump && (leaving.label === null || leaving.label === s.label)
      if (mine && leaving.kind === 'break') return null
      if (leaving !== null && !mine) return leaving
      if (s.kind === 'for') counter.set(s.name, counter.get(s.name)! + 1n)
    }
    return null
  }

  #switch(s: Extract<Statement, { kind: 'switch' }>, frame: Frame): Leaving {
    const value = BigInt.asIntN(32, this.#evaluate(s.value, frame))
    const is = (each: number | null): boolean => each !== null && BigInt.asIntN(32, BigInt(each)) === value
    let start = s.cases.findIndex(each => each.values.some(is))
    if (start < 0) start = s.cases.findIndex(each => each.values.includes(null))
    if (start < 0) return null
    const leaving = this.#run(s.cases[start]!.body, frame)
    return leaving instanceof Jump && leaving.kind === 'break' && leaving.label === null ? null : leaving
  }
}

function operate(operator: ArithmeticOperator, sign: Sign, a: bigint, b: bigint): bigint {
  const count = BigInt.asUintN(5, b)
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b
    case '&': return a & b
    case '|': return a | b
    case '^': return a ^ b
    case '<<': return a << count
    case '>>': return wrap(sign, a) >> count
    case '>>>': return BigInt.asUintN(32, a) >> count
    case '/': case '%':
      if (b === 0n) throw new Fault('division by zero')
      return operator === '/' ? a / b : a % b
  }
}

function compare(operator: string, a: bigint, b: bigint): boolean {
  switch (operator) {
    case '==': return BigInt.asUintN(32, a) === BigInt.asUintN(32, b)
    case '!=': return BigInt.asUintN(32, a) !== BigInt.asUintN(32, b)
    case '<': return a < b
    case '<=': return a <= b
    case '>': return a > b
    default: return a >= b
  }
}

/** Of 32-bit values, by their definitions: kernel/lib/intrinsics.ts. */
function intrinsic(name: string, [a = 0n, b = 0n]: readonly bigint[]): bigint {
  const bits = a.toString(2).padStart(32, '0')
  switch (name) {
    case 'addEndAround': return a + b > 0xffffffffn ? a + b + 1n : a + b
    case 'multiplyHigh': return (a * b) >> 32n
    case 'countLeadingZeros': return BigInt(bits.padEnd(32).indexOf('1') < 0 ? 32 : bits.indexOf('1'))
    case 'countTrailingZeros': return BigInt(a === 0n ? 32 : 31 - bits.lastIndexOf('1'))
    case 'populationCount': return BigInt(bits.replaceAll('0', '').length)
    case 'rotateLeft': return BigInt(`0b${bits.slice(Number(b & 31n))}${bits.slice(0, Number(b & 31n))}`)
    case 'byteSwap32': return BigInt(`0x${a.toString(16).padStart(8, '0').match(/../g)!.reverse().join('')}`)
    default: throw new Error(name)
  }
}
