// The limits of the compiler behind the pinned form, measured: docs/dialect.md, "The pinned form".

import { PinError } from './diagnostics.ts'
import type { PinnedFunction, Position, Statement } from './program.ts'

/** Compile time grows with the square of a function's length. */
export const MOST_STATEMENTS = 2000
/** A jump across 256 levels goes to the wrong label. */
export const MOST_LEVELS = 250

/** Throws PY2004 or PY2005 if the function is beyond a limit. */
export function checkLimits(f: PinnedFunction): void {
  const count = countStatements(f.body)
  if (count > MOST_STATEMENTS) {
    throw new PinError('PY2004', f.position, `${f.name} has ${count}, at most ${MOST_STATEMENTS} are compiled`)
  }
  checkJumps(f, f.body, 0, new Map(), f.position)
}

export function countStatements(body: readonly Statement[]): number {
  let count = 0
  for (const each of body) {
    if (each.op !== 'at') count += 1
    for (const inner of nested(each)) count += countStatements(inner)
  }
  return count
}

/** The statement lists inside a statement. */
export function nested(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.op) {
    case 'if': return [statement.then, statement.otherwise]
    case 'loop': return [statement.body]
    case 'switch': return statement.cases.map(each => each.body)
    default: return []
  }
}

/** Levels of the compiled code that a statement puts around what it contains: 1 an if, 2 a loop, cases + 1 a switch. */
function levels(statement: Statement): number {
  switch (statement.op) {
    case 'if': return 1
    case 'loop': return 2
    case 'switch': return 1 + statement.cases.reduce((sum, each) => sum + Math.max(each.values?.length ?? 1, 1), 0)
    default: return 0
  }
}

function checkJumps(
  f: PinnedFunction, body: readonly Statement[], depth: number, labels: Map<string, number>, position: Position,
): void {
  let at = position
  for (const each of body) {
    if (each.op === 'at') at = each.position
    if (each.op === 'break' || each.op === 'continue') {
      const crossed = depth - labels.get(each.label)!
      if (crossed > MOST_LEVELS) throw new PinError('PY2005', at, `${crossed} levels, at most ${MOST_LEVELS}`)
    }
    if (each.op === 'loop' || each.op === 'switch') labels.set(each.label, depth)
    for (const inner of nested(each)) checkJumps(f, inner, depth + levels(each), labels, at)
  }
}
