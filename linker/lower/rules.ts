// The closed list, seen from outside: syntax that is refused wherever it stands, before anything is lowered.
// What is neither here nor known to the lowering of expressions and statements is refused there (PY1029).

import ts from 'typescript'
import type { RuleNumber } from './diagnostics.ts'
import type { Model } from './model.ts'

const K = ts.SyntaxKind

type Refusal = readonly [rule: RuleNumber, word?: string]

const REFUSED: ReadonlyMap<ts.SyntaxKind, Refusal> = new Map<ts.SyntaxKind, Refusal>([
  [K.ObjectLiteralExpression, ['PY1001']],
  [K.ArrayLiteralExpression, ['PY1002']],
  [K.ArrowFunction, ['PY1003']],
  [K.FunctionExpression, ['PY1003']],
  [K.ClassExpression, ['PY1029', 'a class expression']],
  [K.TemplateExpression, ['PY1005']],
  [K.NoSubstitutionTemplateLiteral, ['PY1005']],
  [K.TaggedTemplateExpression, ['PY1005']],
  [K.ThrowStatement, ['PY1006']],
  [K.TryStatement, ['PY1006']],
  [K.NewExpression, ['PY1007']],
  [K.ObjectBindingPattern, ['PY1008']],
  [K.ArrayBindingPattern, ['PY1008']],
  [K.SpreadElement, ['PY1009']],
  [K.BigIntLiteral, ['PY1012']],
  [K.BigIntKeyword, ['PY1012']],
  [K.TypeOfExpression, ['PY1015', 'typeof']],
  [K.DeleteExpression, ['PY1015', 'delete']],
  [K.VoidExpression, ['PY1015', 'void']],
  [K.AwaitExpression, ['PY1016', 'await']],
  [K.YieldExpression, ['PY1017']],
  [K.RegularExpressionLiteral, ['PY1018']],
  [K.AnyKeyword, ['PY1019']],
  [K.ForOfStatement, ['PY1021', 'for … of']],
  [K.ForInStatement, ['PY1021', 'for … in']],
  [K.ElementAccessExpression, ['PY1022']],
  [K.WithStatement, ['PY1029', "'with'"]],
  [K.DebuggerStatement, ['PY1029', "'debugger'"]],
  [K.MetaProperty, ['PY1029', "'import.meta'"]],
  [K.SatisfiesExpression, ['PY1029', "'satisfies'"]],
  [K.TypeAssertionExpression, ['PY1029', "'<T>value'"]],
  [K.ModuleDeclaration, ['PY1029', 'a namespace']],
])

const REFUSED_OPERATORS: ReadonlyMap<ts.SyntaxKind, Refusal> = new Map<ts.SyntaxKind, Refusal>([
  [K.QuestionQuestionToken, ['PY1011', '??']],
  [K.QuestionQuestionEqualsToken, ['PY1011', '??=']],
  [K.AsteriskAsteriskToken, ['PY1014']],
  [K.AsteriskAsteriskEqualsToken, ['PY1014']],
  [K.InstanceOfKeyword, ['PY1015', 'instanceof']],
  [K.InKeyword, ['PY1015', 'in']],
  [K.CommaToken, ['PY1024']],
  [K.AmpersandAmpersandEqualsToken, ['PY1025', '&&=']],
  [K.BarBarEqualsToken, ['PY1025', '||=']],
])

/** Complain about what is refused in `file`, and do not look inside what was complained about. */
export function checkSyntax(model: Model, file: ts.SourceFile): void {
  const visit = (node: ts.Node): void => {
    const refusal = refusalOf(model, node)
    if (refusal == null) ts.forEachChild(node, visit)
    else model.complaints.report(node, refusal[0], refusal[1] ?? '')
  }
  ts.forEachChild(file, visit)
}

/** Was this expression or statement refused by `checkSyntax`? Then the lowering says nothing more. */
export function isRefused(model: Model, node: ts.Node): boolean {
  return refusalOf(model, node) != null
}

function refusalOf(model: Model, node: ts.Node): Refusal | undefined {
  if (ts.isBinaryExpression(node)) return REFUSED_OPERATORS.get(node.operatorToken.kind)
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) {
    return node.questionDotToken == null ? undefined : ['PY1010']
  }
  if (ts.isNumericLiteral(node)) return refusedNumber(node)
  if (ts.isTypeReferenceNode(node)) return refusedType(model, node)
  if (ts.isInterfaceDeclaration(node)) return ['PY1108', node.name.text]
  return REFUSED.get(node.kind)
}

function refusedNumber(node: ts.NumericLiteral): Refusal | undefined {
  const value = Number(node.text)
  if (!Number.isInteger(value)) return ['PY1013', node.getText()]
  return value > 0xffffffff ? ['PY1105', node.getText()] : undefined
}

function refusedType(model: Model, node: ts.TypeReferenceNode): Refusal | undefined {
  const library = model.libraryType(model.symbolOf(node.typeName))
  return library == null ? undefined : ['PY1107', library]
}
