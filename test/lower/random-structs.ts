// Random struct classes, and functions in the dialect that read and change each of their fields; what memory must
// look like is worked out here, independently of the lowering.

/** A field that can be read and stored. */
export interface Member {
  /** How to reach it from a variable `x`: `.a`, `.inner.b`; with `index`, of the struct at that place of a row. */
  readonly path: string
  readonly row: string | null
  /** Bytes from the start of the struct; `stride` more for each place of the row. */
  readonly offset: number
  readonly stride: number
  readonly width: 1 | 2 | 4
  readonly signed: boolean
  readonly bigEndian: boolean
}

export interface RandomStruct {
  readonly name: string
  readonly size: number
  readonly align: number
  readonly members: readonly Member[]
  readonly text: string
}

/** Rows have this many structs. */
export const ROW = 3

const SCALARS = [
  ['u8', 1, false], ['i8', 1, true], ['u16', 2, false], ['i16', 2, true], ['u32', 4, false], ['i32', 4, true],
] as const

type Random = (below: number) => number

/** A sequence of numbers that is the same each time: Numerical Recipes' linear congruential generator. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 0x100000000 * below)
  }
}

/** `count` struct classes of all three kinds, the later ones holding earlier ones. */
export function randomStructs(random: Random, count: number): RandomStruct[] {
  const structs: RandomStruct[] = []
  for (let i = 0; i < count; i++) structs.push(randomStruct(random, `S${i}`, structs.slice(-4)))
  return structs
}

const WORDS = [
  'mmio', 'nth', 'sizeof', 'struct', 'wire', 'type Be', 'type Bytes', 'type Embed', 'type Le', 'type Row',
  'type i16', 'type i32', 'type i8', 'type u16', 'type u32', 'type u8',
]

/**
 * The module that exports, for struct S and its member number n: S_size(), S_get_n(x), S_set_n(x, value),
 * S_add_n(x, value), S_step_n(x); members of rows take the index of the struct after x.
 */
export function moduleOf(structs: readonly RandomStruct[], layout: string): string {
  const body = structs.map(each => [
    each.text,
    `export function ${each.name}_size(): u32 {\n  return sizeof<${each.name}>()\n}\n`,
    ...each.members.map((member, n) => accessors(each.name, member, n)),
  ].join('\n')).join('\n')
  const used = WORDS.filter(word => new RegExp(`\\b${word.replace('type ', '')}\\b`).test(body))
  return `import { ${used.join(', ')} } from '${layout}'\n\n${body}`
}

function accessors(struct: string, { path, row, signed }: Member, n: number): string {
  const place = row == null ? `x${path}` : `nth(x${row}, i)${path}`
  const object = row == null ? `x: ${struct}` : `x: ${struct}, i: u32`
  const type = signed ? 'i32' : 'u32'
  const head = (what: string): string => `export function ${struct}_${what}_${n}`
  return [
    `${head('get')}(${object}): ${type} {\n  return ${place}\n}`,
    `${head('set')}(${object}, value: ${type}): void {\n  ${place} = value\n}`,
    `${head('add')}(${object}, value: ${type}): void {\n  ${place} += value\n}`,
    `${head('step')}(${object}): void {\n  ${place}++\n}`, '',
  ].join('\n')
}

/** A struct under construction. */
interface Draft { offset: number; align: number; members: Member[]; lines: string[] }

function randomStruct(random: Random, name: string, earlier: readonly RandomStruct[]): RandomStruct {
  const kind = (['struct', 'wire', 'mmio'] as const)[random(3)]!
  const draft: Draft = { offset: 0, align: 1, members: [], lines: [] }
  for (let i = 0, count = 2 + random(6); i < count; i++) {
    const inner = earlier[random(earlier.length)]
    if (inner != null && random(4) === 0) addStructs(random, draft, `f${i}`, inner, kind !== 'wire')
    else if (random(8) === 0) addBytes(draft, `f${i}`, 1 + random(7))
    else addScalar(random, draft, `f${i}`, kind !== 'wire')
  }
  if (kind === 'struct') pad(draft, draft.align)
  const mark = kind === 'struct' ? '@struct' : `@${kind}(${draft.offset})`
  const text = `${mark}\nexport class ${name} {\n${draft.lines.join('\n')}\n}\n`
  return { name, size: draft.offset, align: kind === 'struct' ? draft.align : 1, members: draft.members, text }
}

/** Written padding, up to a multiple of `align`. */
function pad(draft: Draft, align: number): void {
  const bytes = (align - draft.offset % align) % align
  if (bytes > 0) addBytes(draft, `pad${draft.offset}`, bytes)
}

function addBytes(draft: Draft, name: string, bytes: number): void {
  draft.lines.push(`  ${name}: Bytes<${bytes}>`)
  draft.offset += bytes
}

function addScalar(random: Random, draft: Draft, name: string, aligned: boolean): void {
  const [type, width, signed] = SCALARS[random(SCALARS.length)]!
  if (aligned) pad(draft, width)
  const order = random(3)
  draft.lines.push(`  ${name}: ${order === 0 ? type : `${order === 1 ? 'Be' : 'Le'}<${type}>`}`)
  draft.members.push({ path: `.${name}`, row: null, offset: draft.offset, stride: 0, width, signed, bigEndian: order === 1 })
  draft.align = Math.max(draft.align, width)
  draft.offset += width
}

/** One struct held by value, or a row of them. */
function addStructs(random: Random, draft: Draft, name: string, inner: RandomStruct, aligned: boolean): void {
  if (aligned) pad(draft, inner.align)
  draft.align = Math.max(draft.align, inner.align)
  const isRow = random(2) === 0
  draft.lines.push(`  ${name}: ${isRow ? `Row<${inner.name}, ${ROW}>` : `Embed<${inner.name}>`}`)
  for (const member of inner.members) {
    if (member.row != null && isRow) continue // a row in a row would need two indices
    const outer = { offset: draft.offset + member.offset }
    if (isRow) draft.members.push({ ...member, ...outer, row: `.${name}`, stride: inner.size })
    else if (member.row == null) draft.members.push({ ...member, ...outer, path: `.${name}${member.path}` })
    else draft.members.push({ ...member, ...outer, row: `.${name}${member.row}` })
  }
  draft.offset += inner.size * (isRow ? ROW : 1)
}
