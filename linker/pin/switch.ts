// Switches, in the three forms that are safe with the compiler (docs/dialect.md, "The pinned form"): `default`
// is last, no switch has more than 200 cases, nothing falls into or out of a default that was moved.
//
// A switch that does not fit is done in two steps: the first finds the number of the body to begin with, by
// switches over ranges of the values; the second runs the bodies, in the order of the source.

import type { Expression, Statement as Source, SwitchStatement } from 'acorn'
import type { Builder } from './builder.ts'
import { evaluate } from './expression.ts'
import { pinStatements } from './statement.ts'
import { literal, local, type Case, type Operand, type Statement } from './program.ts'

/** Most values in one switch: a jump out of it crosses one level for each. */
const MOST_VALUES = 200

interface Group {
  readonly values: number[]
  readonly isDefault: boolean
  readonly source: readonly Source[]
  readonly fallsOut: boolean
  readonly isLast: boolean // in the source: falling out of it leaves the switch
}

export function pinSwitch(f: Builder, node: SwitchStatement, labels: readonly string[]): void {
  const given = tested(f, node.discriminant)
  const groups = readGroups(f, node)
  f.scoped(() => {
    const count = groups.reduce((sum, each) => sum + each.values.length, 0)
    const order = defaultLast(groups)
    if (order !== null && count <= MOST_VALUES) oneSwitch(f, given, order, labels)
    else twoSteps(f, node, given, groups, labels)
  })
}

/** The value that is switched on, in a local that nothing else writes. */
function tested(f: Builder, e: Expression): Operand {
  const own = f.temporary()
  f.store(own, evaluate(f, e, own))
  return local(own)
}

/** The bodies of a switch, each with all its values; a body of a default has none of its own. */
function readGroups(f: Builder, node: SwitchStatement): Group[] {
  const groups: Group[] = []
  const seen = new Set<number>()
  let values: number[] = []
  let isDefault = false
  node.cases.forEach((each, i) => {
    if (each.test == null) isDefault = true
    else {
      const value = caseValue(f, each.test)
      if (!seen.has(value)) values.push(value)
      seen.add(value)
    }
    if (each.consequent.length === 0 && i + 1 < node.cases.length) return
    const isLast = i + 1 === node.cases.length
    const source = each.consequent
    groups.push({ values: isDefault ? [] : values, isDefault, source, fallsOut: fallsOut(source), isLast })
    values = []
    isDefault = false
  })
  return groups
}

function caseValue(f: Builder, e: Expression): number {
  const binding = e.type === 'Identifier' ? f.lookup(e.name) : undefined
  const value = binding ?? f.context.constants.evaluate(e)
  return value.kind === 'literal' ? value.value : f.refuse('PY2003', e, 'a case')
}

/** Whether control may reach the end of these statements; true if in doubt. */
function fallsOut(body: readonly Source[]): boolean {
  const last = body.at(-1)
  switch (last?.type) {
    case 'BreakStatement': case 'ContinueStatement': case 'ReturnStatement': return false
    case 'BlockStatement': return fallsOut(last.body)
    case 'IfStatement': return last.alternate == null || fallsOut([last.consequent]) || fallsOut([last.alternate])
    default: return true
  }
}

/** The groups with the default at the end; null if something falls into or out of it. */
function defaultLast(groups: readonly Group[]): Group[] | null {
  const at = groups.findIndex(each => each.isDefault)
  if (at < 0 || at === groups.length - 1) return [...groups]
  if (groups[at]!.fallsOut || (at > 0 && groups[at - 1]!.fallsOut)) return null
  return [...groups.slice(0, at), ...groups.slice(at + 1), groups[at]!]
}

function oneSwitch(f: Builder, value: Operand, groups: readonly Group[], labels: readonly string[]): void {
  const label = f.label()
  const cases: Case[] = []
  f.within({ label, names: labels, kind: 'switch', next: null }, () => {
    for (const each of groups) {
      const body = f.collect(() => pinStatements(f, each.source))
      if (each.isLast && each.fallsOut) body.push({ op: 'break', label })
      cases.push({ values: each.isDefault ? null : each.values, body })
    }
  })
  f.emit({ op: 'switch', label, value, cases })
}

function twoSteps(f: Builder, node: SwitchStatement, value: Operand, groups: readonly Group[], labels: readonly string[]): void {
  const chosen = f.temporary()
  const otherwise = groups.findIndex(each => each.isDefault)
  f.store(chosen, literal(otherwise < 0 ? groups.length : otherwise))
  const all = groups.flatMap((each, place) => each.values.map(of => ({ of, place }))).sort((a, b) => a.of - b.of)
  choose(f, value, chosen, all)
  let start = 0
  while (start < groups.length) {
    let end = Math.min(start + MOST_VALUES, groups.length)
    while (end < groups.length && end > start && groups[end - 1]!.fallsOut) end -= 1
    if (end === start) return f.refuse('PY2006', node, `${groups.length} bodies`)
    bodies(f, chosen, groups.slice(start, end), start, labels)
    start = end
  }
}

/** chosen = the place of the body for this value, by switches of at most 200 values each. */
function choose(f: Builder, value: Operand, chosen: string, all: readonly { of: number, place: number }[]): void {
  if (all.length > MOST_VALUES) {
    const middle = all.length >> 1
    const then = f.collect(() => choose(f, value, chosen, all.slice(0, middle)))
    const otherwise = f.collect(() => choose(f, value, chosen, all.slice(middle)))
    f.emit({ op: 'if', a: value, operator: '<', b: literal(all[middle]!.of), then, otherwise })
    return
  }
  const label = f.label()
  const cases = new Map<number, number[]>()
  for (const { of, place } of all) cases.set(place, [...cases.get(place) ?? [], of])
  f.emit({
    op: 'switch', label, value,
    cases: [...cases].map(([place, values]) => ({ values, body: found(chosen, place, label) })),
  })
}

function found(chosen: string, place: number, label: string): Statement[] {
  return [{ op: 'copy', to: chosen, value: literal(place) }, { op: 'break', label }]
}

/** Run the bodies from number `first` on, if one of these was chosen. */
function bodies(f: Builder, chosen: string, groups: readonly Group[], first: number, labels: readonly string[]): void {
  const label = f.label()
  const cases: Case[] = []
  f.within({ label, names: labels, kind: 'switch', next: null }, () => {
    groups.forEach((each, i) => {
      cases.push({ values: [first + i], body: f.collect(() => pinStatements(f, each.source)) })
    })
  })
  f.emit({ op: 'switch', label, value: local(chosen), cases })
}
