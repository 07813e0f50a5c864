// Statements to lines of JavaScript, one statement to a line or more, each marked with where it comes from.

import ts from 'typescript'
import { condition, constantLabel, value } from './expressions.ts'
import { changeMember } from './fields.ts'
import { bare, isAssignment, isCallable, isNothing } from './model.ts'
import { isRefused } from './rules.ts'
import { mark, markEnd } from './text.ts'
import { report, type Unit } from './unit.ts'

/** Deeper than this is refused: the compiler's jumps reach 250 levels, and one of ours becomes up to two. */
export const MAXIMUM_NESTING = 60

/** The lines of the statements of a block, without its braces. */
export function statements(unit: Unit, block: ts.Block): string[] {
  return block.statements.flatMap(each => statement(unit, each))
}

export function indented(lines: string[]): string[] {
  return lines.map(each => `  ${each}`)
}

function statement(unit: Unit, s: ts.Statement): string[] {
  if (isRefused(unit.model, s)) return []
  const lines = lower(unit, s)
  return lines.length === 0 ? [] : [mark(s) + lines[0], ...lines.slice(1)]
}

function lower(unit: Unit, s: ts.Statement): string[] {
  switch (s.kind) {
    case ts.SyntaxKind.EmptyStatement: return []
    case ts.SyntaxKind.Block: return ['{', ...indented(statements(unit, s as ts.Block)), '}']
    case ts.SyntaxKind.VariableStatement: return variables(unit, (s as ts.VariableStatement).declarationList)
    case ts.SyntaxKind.ExpressionStatement: return effect(unit, (s as ts.ExpressionStatement).expression)
    case ts.SyntaxKind.ReturnStatement: return returned(unit, s as ts.ReturnStatement)
    case ts.SyntaxKind.BreakStatement: return [jump('break', s as ts.BreakStatement)]
    case ts.SyntaxKind.ContinueStatement: return [jump('continue', s as ts.ContinueStatement)]
    case ts.SyntaxKind.LabeledStatement: return labeled(unit, s as ts.LabeledStatement)
    case ts.SyntaxKind.FunctionDeclaration:
      report(unit, s, 'PY1004', (s as ts.FunctionDeclaration).name?.text ?? '')
      return []
    default: return nested(unit, s)
  }
}

/** Statements that hold others: they count as a level. */
function nested(unit: Unit, s: ts.Statement): string[] {
  unit.nesting++
  if (unit.nesting === MAXIMUM_NESTING + 1) report(unit, s, 'PY1305', functionName(s), unit.nesting, MAXIMUM_NESTING)
  const lines = control(unit, s)
  unit.nesting--
  return lines
}

function control(unit: Unit, s: ts.Statement): string[] {
  if (ts.isIfStatement(s)) return branch(unit, s)
  if (ts.isWhileStatement(s)) return [`while (${condition(unit, s.expression)}) {`, ...body(unit, s.statement), '}']
  if (ts.isDoStatement(s)) {
    const lines = body(unit, s.statement)
    return ['do {', ...lines, `} ${mark(s.expression)}while (${condition(unit, s.expression)})`]
  }
  if (ts.isForStatement(s)) return loop(unit, s)
  if (ts.isSwitchStatement(s)) return choice(unit, s)
  report(unit, s, 'PY1029', ts.SyntaxKind[s.kind])
  return []
}

function functionName(node: ts.Node): string {
  return ts.findAncestor(node, isCallable)?.name?.getText() ?? ''
}

/** What a loop or a branch does, indented; braces are the caller's. */
function body(unit: Unit, s: ts.Statement): string[] {
  return indented(ts.isBlock(s) ? statements(unit, s) : statement(unit, s))
}

function branch(unit: Unit, s: ts.IfStatement): string[] {
  const lines = [`if (${condition(unit, s.expression)}) {`, ...body(unit, s.thenStatement)]
  if (s.elseStatement == null) return [...lines, '}']
  if (!ts.isIfStatement(s.elseStatement)) return [...lines, '} else {', ...body(unit, s.elseStatement), '}']
  const [first, ...rest] = branch(unit, s.elseStatement)
  return [...lines, `} else ${mark(s.elseStatement)}${first}`, ...rest]
}

function loop(unit: Unit, s: ts.ForStatement): string[] {
  const { initializer, incrementor } = s
  const start = initializer == null ? '' : loopStart(unit, initializer)
  const test = s.condition == null ? '' : mark(s.condition) + condition(unit, s.condition)
  const update = incrementor == null ? '' : mark(incrementor) + single(unit, incrementor)
  return [`for (${start}; ${test}; ${update}) {`, ...body(unit, s.statement), '}']
}

function loopStart(unit: Unit, initializer: ts.ForInitializer): string {
  if (!ts.isVariableDeclarationList(initializer)) return single(unit, initializer)
  return variables(unit, initializer, true).join('')
}

/** An expression for its effect, where only one fits. */
function single(unit: Unit, e: ts.Expression): string {
  const lines = effect(unit, e)
  if (lines.length > 1) report(unit, e, 'PY1216')
  return lines[0] ?? ''
}

function choice(unit: Unit, s: ts.SwitchStatement): string[] {
  const lines = [`switch (${value(unit, s.expression)}) {`]
  for (const clause of s.caseBlock.clauses) {
    const label = ts.isDefaultClause(clause) ? 'default:' : `case ${constantLabel(unit, clause.expression)}:`
    const inside = clause.statements.flatMap(each => statement(unit, each))
    lines.push(`  ${mark(clause)}${label}`, ...indented(indented(inside)))
  }
  return [...lines, '}']
}

function labeled(unit: Unit, s: ts.LabeledStatement): string[] {
  const isLoop = ts.isWhileStatement(s.statement) || ts.isDoStatement(s.statement) || ts.isForStatement(s.statement)
  if (!isLoop) report(unit, s, 'PY1029', "a label on what is not a loop")
  const [first, ...rest] = statement(unit, s.statement)
  return first == null ? [] : [`${s.label.text}: ${first}`, ...rest]
}

function jump(word: string, s: ts.BreakOrContinueStatement): string {
  return s.label == null ? word : `${word} ${s.label.text}`
}

/** `return f()` of an f that returns nothing is a call, and a return. */
function returned(unit: Unit, s: ts.ReturnStatement): string[] {
  if (s.expression == null) return ['return']
  const isValue = !isNothing(unit.model.checker.getTypeAtLocation(s.expression))
  if (isValue) return [`return ${value(unit, s.expression)}`]
  return [...either(unit, s.expression), unit.hasValue ? 'return 0' : 'return']
}

/** A call that returns nothing, or one of two. */
function either(unit: Unit, expression: ts.Expression): string[] {
  const e = bare(expression)
  if (!ts.isConditionalExpression(e)) return effect(unit, expression)
  const [yes, no] = [e.whenTrue, e.whenFalse].map(each => indented(either(unit, each)))
  return [`if (${condition(unit, e.condition)}) {`, ...yes!, '} else {', ...no!, '}']
}

/** Declarations, a line each, or one line in the head of a for. */
function variables(unit: Unit, list: ts.VariableDeclarationList, isHead = false): string[] {
  const kind = list.flags & ts.NodeFlags.BlockScoped
  if (kind === 0) report(unit, list, 'PY1023')
  else if (kind !== ts.NodeFlags.Const && kind !== ts.NodeFlags.Let) report(unit, list, 'PY1029', "'using'")
  const word = kind === ts.NodeFlags.Const ? 'const' : 'let'
  const each = list.declarations.filter(d => ts.isIdentifier(d.name)).map(d =>
    `${mark(d.name)}${(d.name as ts.Identifier).text} = ${d.initializer == null ? '0' : value(unit, d.initializer)}`)
  return isHead ? [`${word} ${each.join(', ')}`] : each.map(text => `${word} ${text}`)
}

/** An expression for its effect: a call, an assignment, a step. PY1028 for anything else. */
function effect(unit: Unit, e: ts.Expression): string[] {
  if (isRefused(unit.model, e)) return []
  const change = changeMember(unit, e)
  if (change != null) return change
  const inner = bare(e)
  const isStep = (ts.isPrefixUnaryExpression(inner) || ts.isPostfixUnaryExpression(inner)) &&
    (inner.operator === ts.SyntaxKind.PlusPlusToken || inner.operator === ts.SyntaxKind.MinusMinusToken)
  if (isStep || isAssignment(inner)) return [value(unit, inner)]
  if (ts.isCallExpression(inner) && unit.model.vocabularyCall(inner) == null) return [value(unit, inner)]
  const hidden = hiddenBranch(inner)
  if (hidden != null) report(unit, e, 'PY1025', hidden)
  else report(unit, e, 'PY1028')
  return []
}

/** `ready && start()`, and the like. */
function hiddenBranch(e: ts.Expression): string | null {
  if (ts.isConditionalExpression(e)) return '?:'
  if (!ts.isBinaryExpression(e)) return null
  const text = e.operatorToken.getText()
  return text === '&&' || text === '||' ? text : null
}

/** The lines of a function's body; one that has a value ends in a return, as the compiler wants it. */
export function functionBody(unit: Unit, block: ts.Block, hasValue: boolean): string[] {
  unit.hasValue = hasValue
  const lines = indented(statements(unit, block))
  const last = block.statements.at(-1)
  if (hasValue && (last == null || !ts.isReturnStatement(last))) lines.push(`  ${markEnd(block)}return 0`)
  return lines
}
