// Random programs in the dialect, as trees. text.ts writes one as source, meaning.ts says what it does, by the rules
// of docs/dialect.md and nothing of the toolchain: both start from here, so a program that runs differently has
// met a defect of a stage.

export type Sign = 'u32' | 'i32'

/** A struct of the program: a static, the one inside `outer`, one of the row in `outer`. */
export type Place =
  | { readonly kind: 'static' }
  | { readonly kind: 'inner' }
  | { readonly kind: 'row', readonly index: Expression }

export interface Field {
  readonly name: string
  readonly type: string // as it is declared
  readonly bits: 8 | 16 | 32
  readonly sign: Sign
}

/** Fields of Cell, a @struct of 20 bytes; `action` and `flag` besides. */
export const CELL_FIELDS: readonly Field[] = [
  { name: 'wide', type: 'u32', bits: 32, sign: 'u32' },
  { name: 'signed', type: 'i32', bits: 32, sign: 'i32' },
  { name: 'half', type: 'u16', bits: 16, sign: 'u32' },
  { name: 'signedHalf', type: 'i16', bits: 16, sign: 'i32' },
  { name: 'byte', type: 'u8', bits: 8, sign: 'u32' },
  { name: 'signedByte', type: 'i8', bits: 8, sign: 'i32' },
]

/** Fields of Frame, a @wire of 17 bytes. */
export const FRAME_FIELDS: readonly Field[] = [
  { name: 'kind', type: 'u8', bits: 8, sign: 'u32' },
  { name: 'wideBe', type: 'Be<u32>', bits: 32, sign: 'u32' },
  { name: 'halfBe', type: 'Be<u16>', bits: 16, sign: 'u32' },
  { name: 'wideLe', type: 'Le<u32>', bits: 32, sign: 'u32' },
  { name: 'signedBe', type: 'Be<i32>', bits: 32, sign: 'i32' },
  { name: 'signedHalfBe', type: 'Be<i16>', bits: 16, sign: 'i32' },
]

/** What is read and written: a local, a global, a field of a Cell or of the Frame. */
export type Target =
  | { readonly kind: 'local' | 'global', readonly name: string, readonly sign: Sign }
  | { readonly kind: 'cell', readonly place: Place, readonly field: Field, readonly sign: Sign }
  | { readonly kind: 'frame', readonly field: Field, readonly sign: Sign }

export type ArithmeticOperator = '+' | '-' | '*' | '&' | '|' | '^' | '<<' | '>>' | '>>>' | '/' | '%'
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>='

export type Expression = { readonly sign: Sign } & (
  | { readonly kind: 'literal', readonly value: number } // in the range of its sign
  | { readonly kind: 'constant', readonly name: string }
  | { readonly kind: 'read', readonly target: Target }
  | { readonly kind: 'binary', readonly operator: ArithmeticOperator, readonly a: Expression, readonly b: Expression }
  | { readonly kind: 'unary', readonly operator: '-' | '~', readonly a: Expression }
  | { readonly kind: 'choice', readonly test: Condition, readonly yes: Expression, readonly no: Expression }
  | { readonly kind: 'convert', readonly a: Expression }
  | { readonly kind: 'call', readonly name: string, readonly args: readonly Expression[] }
  | { readonly kind: 'callReference', readonly through: 'global' | 'cell', readonly args: readonly Expression[] }
  | { readonly kind: 'intrinsic', readonly name: string, readonly args: readonly Expression[] }
  | { readonly kind: 'total', readonly place: Place } // a getter of Cell
  | { readonly kind: 'bump', readonly place: Place, readonly by: Expression } // a method of Cell
  | { readonly kind: 'assign', readonly target: Target, readonly operator: ArithmeticOperator | null, readonly value: Expression }
  | { readonly kind: 'step', readonly target: Target, readonly by: 1 | -1, readonly prefix: boolean }
)

export type Condition =
  | { readonly kind: 'compare', readonly operator: ComparisonOperator, readonly a: Expression, readonly b: Expression }
  | { readonly kind: 'and' | 'or', readonly a: Condition, readonly b: Condition }
  | { readonly kind: 'not', readonly a: Condition }
  | { readonly kind: 'flag', readonly place: Place } // the boolean field of a Cell

export type Statement =
  | { readonly kind: 'declare', readonly name: string, readonly sign: Sign, readonly spelled: string, readonly constant: boolean, readonly value: Expression }
  | { readonly kind: 'assign', readonly target: Target, readonly operator: ArithmeticOperator | null, readonly value: Expression }
  | { readonly kind: 'setFlag', readonly place: Place, readonly value: Condition }
  | { readonly kind: 'setReference', readonly through: 'global' | 'cell', readonly name: string }
  | { readonly kind: 'evaluate', readonly value: Expression } // a call, a step
  | { readonly kind: 'if', readonly test: Condition, readonly then: readonly Statement[], readonly otherwise: readonly Statement[] | null }
  | { readonly kind: 'for', readonly label: string | null, readonly name: string, readonly limit: number, readonly body: readonly Statement[] }
  | { readonly kind: 'while', readonly label: string | null, readonly first: boolean, readonly name: string, readonly limit: number, readonly test: Condition, readonly body: readonly Statement[] }
  | { readonly kind: 'switch', readonly value: Expression, readonly cases: readonly SwitchCase[] }
  | { readonly kind: 'block', readonly body: readonly Statement[] }
  | { readonly kind: 'break' | 'continue', readonly label: string | null }
  | { readonly kind: 'return', readonly value: Expression }

/** Values null: default. The body ends by leaving the switch unless it is the last. */
export interface SwitchCase { readonly values: readonly (number | null)[], readonly body: readonly Statement[] }

export interface FunctionOf {
  readonly name: string
  readonly parameters: readonly { readonly name: string, readonly sign: Sign }[]
  readonly sign: Sign
  readonly body: readonly Statement[]
}

/** A function that calls itself, or another declared further down, with one less each time. */
export interface Recursion { readonly name: string, readonly other: string, readonly step: Expression, readonly end: number }

export interface ProgramOf {
  readonly constants: readonly { readonly name: string, readonly sign: Sign, readonly value: Expression }[]
  readonly globals: readonly { readonly name: string, readonly sign: Sign, readonly initial: number }[]
  /** Functions of two u32s that call nothing through a reference: what references refer to. */
  readonly leaves: readonly FunctionOf[]
  readonly recursions: readonly Recursion[]
  readonly functions: readonly FunctionOf[] // the last one is called by the test, with two u32s
}
