// Statements to three-address code: loops become `loop` with a written-out test, `continue` repeats the update
// of its loop, every variable is a local of the function with a name of its own.

import type { Expression, ForStatement, LabeledStatement, Statement as Source, VariableDeclaration } from 'acorn'
import type { Builder } from './builder.ts'
import { branch } from './condition.ts'
import { evaluate } from './expression.ts'
import { literal } from './program.ts'
import { pinSwitch } from './switch.ts'

/** Emit what `node` does. `labels`: the labels that stand directly before it. */
export function pinStatement(f: Builder, node: Source, labels: readonly string[] = []): void {
  if (node.type !== 'BlockStatement' && node.type !== 'LabeledStatement') f.at(node)
  switch (node.type) {
    case 'EmptyStatement': return
    case 'BlockStatement': return block(f, node.body, labels)
    case 'VariableDeclaration': return declaration(f, node)
    case 'ExpressionStatement': return expression(f, node.expression)
    case 'IfStatement':
      return branch(f, node.test, () => f.scoped(() => pinStatement(f, node.consequent)),
        () => node.alternate != null && f.scoped(() => pinStatement(f, node.alternate!)))
    case 'LabeledStatement': return labeled(f, node, labels)
    case 'ForStatement': return f.scoped(() => forLoop(f, node, labels))
    case 'WhileStatement': return loop(f, labels, node.test, node.body, () => {}, false)
    case 'DoWhileStatement': return loop(f, labels, node.test, node.body, () => {}, true)
    case 'SwitchStatement': return pinSwitch(f, node, labels)
    case 'BreakStatement':
      return f.emit({ op: 'break', label: f.target(node, 'break', node.label?.name ?? null).label })
    case 'ContinueStatement': {
      const target = f.target(node, 'continue', node.label?.name ?? null)
      if (target.next === null) return f.refuse('PY2001', node, 'continue of something that is not a loop')
      target.next()
      return f.emit({ op: 'continue', label: target.label })
    }
    case 'ReturnStatement': return returns(f, node.argument ?? null)
    default: return f.refuse('PY2001', node, node.type)
  }
}

export function pinStatements(f: Builder, body: readonly Source[]): void {
  for (const each of body) pinStatement(f, each)
}

/** A block; one with a label is a loop that runs once, since the compiler gets labelled blocks wrong. */
function block(f: Builder, body: readonly Source[], labels: readonly string[]): void {
  if (labels.length === 0) return f.scoped(() => pinStatements(f, body))
  const label = f.label()
  const code = f.collect(() => f.within({ label, names: labels, kind: 'block', next: null }, () => {
    f.scoped(() => pinStatements(f, body))
    f.emit({ op: 'break', label })
  }))
  f.emit({ op: 'loop', label, body: code })
}

function labeled(f: Builder, node: LabeledStatement, labels: readonly string[]): void {
  const all = [...labels, node.label.name]
  const takesLabels = /^(Block|Labeled|For|While|DoWhile|Switch)Statement$/.test(node.body.type)
  if (!takesLabels) return f.refuse('PY2001', node, `a label before ${node.body.type}`)
  pinStatement(f, node.body, all)
}

function declaration(f: Builder, node: VariableDeclaration): void {
  for (const each of node.declarations) {
    if (each.id.type !== 'Identifier') return f.refuse('PY2001', each, 'destructuring')
    const into = f.variable(each.id.name)
    const value = each.init == null ? literal(0) : evaluate(f, each.init, into)
    if (node.kind === 'const' && value.kind !== 'local') f.declare(each.id.name, value)
    else {
      f.store(into, value)
      f.declare(each.id.name, { kind: 'local', name: into })
    }
  }
}

/** An expression for its effect: `a && f()` and `a ? f() : g()` are branches, and nobody wants their value. */
function expression(f: Builder, e: Expression): void {
  if (e.type !== 'LogicalExpression') {
    evaluate(f, e, null, false)
    return
  }
  const right = (): unknown => expression(f, e.right)
  if (e.operator === '&&') branch(f, e.left, right, () => {})
  else branch(f, e.left, () => {}, right)
}

function forLoop(f: Builder, node: ForStatement, labels: readonly string[]): void {
  if (node.init?.type === 'VariableDeclaration') declaration(f, node.init)
  else if (node.init != null) evaluate(f, node.init, null, false)
  loop(f, labels, node.test ?? null, node.body, () => {
    if (node.update == null) return
    f.at(node.update)
    expression(f, node.update)
  }, false)
}

/**
 * `loop { test or break; body; update }`; with `testLast` the test stands at the end, and `continue` repeats it
 * there.
 */
function loop(
  f: Builder, labels: readonly string[], test: Expression | null, body: Source, update: () => void, testLast: boolean,
): void {
  const label = f.label()
  const check = (): void => {
    if (test === null) return
    f.at(test)
    branch(f, test, () => {}, () => f.emit({ op: 'break', label }))
  }
  const next = testLast ? check : update
  const code = f.collect(() => f.within({ label, names: labels, kind: 'loop', next }, () => {
    if (!testLast) check()
    f.scoped(() => pinStatement(f, body))
    next()
  }))
  f.emit({ op: 'loop', label, body: code })
}

function returns(f: Builder, argument: Expression | null): void {
  const value = argument === null ? literal(0) : evaluate(f, argument, null, f.returnsValue)
  f.emit({ op: 'return', value: f.returnsValue ? f.plain(value) : null })
}
