// The pinned program: three-address code in which every value is a 32-bit integer, the order of evaluation is
// written out and every name is the compiler's own. docs/dialect.md, "The pinned form".
//
// Both printers (print-porffor.ts, print-javascript.ts) take this and nothing else, so the two engines run
// the same program. Nothing here knows TypeScript, Porffor or Node.

/** An address known when the program is laid out: as good as a literal wherever an intrinsic takes it. */
export type Address =
  | { readonly kind: 'static'; readonly offset: number } // bytes into the block of zeroed statics
  | { readonly kind: 'string'; readonly offset: number } // bytes into the block of string literals
  | { readonly kind: 'function'; readonly name: string } // C name of a function of the program
  | { readonly kind: 'symbol'; readonly name: string } // of the linker script or of assembly

export type Operand =
  | { readonly kind: 'literal'; readonly value: number } // an i32
  | { readonly kind: 'local'; readonly name: string }
  | Address

export type ArithmeticOperator = '+' | '-' | '*' | '&' | '|' | '^' | '<<' | '>>'
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>='

/** Where a statement comes from: a file relative to the project's root, a line from 1. */
export interface Position { readonly file: string; readonly line: number }

export type Statement =
  | { readonly op: 'at'; readonly position: Position } // what follows comes from there
  | { readonly op: 'copy'; readonly to: string; readonly value: Operand }
  | { readonly op: 'compute'; readonly to: string; readonly operator: ArithmeticOperator; readonly a: Operand; readonly b: Operand }
  | { readonly op: 'getGlobal'; readonly to: string; readonly global: string }
  | { readonly op: 'setGlobal'; readonly global: string; readonly value: Operand }
  | { readonly op: 'call'; readonly to: string | null; readonly name: string; readonly args: readonly Operand[] }
  | { readonly op: 'intrinsic'; readonly to: string | null; readonly name: string; readonly args: readonly Operand[] }
  | { readonly op: 'callReference'; readonly to: string | null; readonly callee: Operand; readonly args: readonly Operand[] }
  | {
    readonly op: 'if'
    readonly a: Operand
    readonly operator: ComparisonOperator
    readonly b: Operand
    readonly then: Statement[]
    readonly otherwise: Statement[]
  }
  | { readonly op: 'loop'; readonly label: string; readonly body: Statement[] } // for ever
  | { readonly op: 'switch'; readonly label: string; readonly value: Operand; readonly cases: readonly Case[] }
  | { readonly op: 'break'; readonly label: string } // of a loop or a switch
  | { readonly op: 'continue'; readonly label: string } // of a loop
  | { readonly op: 'return'; readonly value: Operand | null }

/** One body of a switch; control falls out of it into the next. Values null: the default, always the last. */
export interface Case { readonly values: readonly number[] | null; readonly body: Statement[] }

export interface PinnedFunction {
  readonly name: string // in C and in the printed JavaScript
  readonly position: Position
  readonly parameters: readonly string[]
  readonly locals: readonly string[]
  readonly returnsValue: boolean
  readonly body: readonly Statement[]
}

export interface PinnedGlobal { readonly name: string; readonly initial: Exclude<Operand, { kind: 'local' }> }

export interface PinnedProgram {
  readonly functions: readonly PinnedFunction[]
  readonly globals: readonly PinnedGlobal[]
  /** What the entry module exports: its name there to the name of the function here. */
  readonly exports: ReadonlyMap<string, string>
  /** Functions whose address is taken, in a fixed order: the host's function references are places in it. */
  readonly references: readonly string[]
  /** Symbols of assembly or of the linker script whose address is taken. */
  readonly symbols: readonly string[]
  /** All string literals, each ended by a zero byte. */
  readonly strings: Uint8Array
  /** Bytes of zeroed static memory; it begins on a multiple of `staticsAlignment`. */
  readonly staticsSize: number
  readonly staticsAlignment: number
}

export const literal = (value: number): Operand => ({ kind: 'literal', value: value | 0 })
export const local = (name: string): Operand => ({ kind: 'local', name })
