import { type ASTNode, ParseError, parse } from '@marcbachmann/cel-js'
import { EXPRESSION_LENGTH_MAX } from '../shape/limits.ts'
import type { Reporter } from '../source/issues.ts'
import type { Span } from '../source/text.ts'
import type { ExpressionText } from '../source/tree.ts'

const DEPTH_MAX = 40

/** Text -> CEL's tree, within the limits; a fault is reported where it stands in the file. */
export function parseExpression(source: ExpressionText, report: Reporter): ASTNode | null {
  const { text } = source
  if (text.length > EXPRESSION_LENGTH_MAX) {
    const span = spanIn(source, 0, 1)
    report.error(
      'expression-too-long',
      span,
      `the expression has ${text.length} characters; at most ${EXPRESSION_LENGTH_MAX}`,
    )
    return null
  }
  if (text.trim() === '') {
    report.error('expression-syntax', spanIn(source, 0, 1), 'the expression is empty')
    return null
  }
  let tree: ASTNode
  try {
    tree = parse(text).ast as ASTNode
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const range = error.range ?? { start: 0, end: text.length }
    syntaxFault(source, range.start, range.end, error.summary ?? error.message, report)
    return null
  }
  if (depthOf(tree) > DEPTH_MAX) {
    report.error(
      'expression-too-deep',
      spanIn(source, 0, 1),
      `the expression is nested more than ${DEPTH_MAX} levels deep`,
    )
    return null
  }
  return tree
}

export function spanIn(source: ExpressionText, start: number, end: number): Span {
  const from = source.offset(start)
  return { start: from, end: end > start ? source.offset(end - 1) + 1 : from + 1 }
}

/** What other languages write -> what CEL writes. */
const INSTEAD: Readonly<Record<string, string>> = {
  and: '&&',
  or: '||',
  not: '!',
  is: '==',
  '=': '==',
  '&': '&&',
  '|': '||',
  '=>': '>=',
  '=<': '<=',
  '<>': '!=',
  '===': '==',
}

function hintAt(text: string, start: number, token: string): string | null {
  const [before, after] = [text.slice(0, start), text.slice(start)]
  const digits = [/\d+$/.exec(before)?.[0], /^(?:[_,]\d+)+/.exec(after)?.[0]]
  if (digits[0] && digits[1]) return `write ${digits[0]}${digits[1].replace(/[_,]/g, '')}`
  if (/(^|[^\w.])not\s+$/i.test(before)) return 'write "!"'
  const isSign = /^[=<>]/.test(token)
  const written = isSign ? /[=<>]*$/.exec(before)![0] + /^[=<>]+/.exec(after)![0] : token.toLowerCase()
  return Object.hasOwn(INSTEAD, written) ? `write "${INSTEAD[written]}"` : null
}

function syntaxFault(source: ExpressionText, start: number, end: number, summary: string, report: Reporter): void {
  const { text } = source
  if (start >= text.trimEnd().length) {
    const last = Math.max(0, text.trimEnd().length - 1)
    report.error('expression-syntax', spanIn(source, last, last + 1), 'the expression ends too early')
    return
  }
  const word = /^\w+/.exec(text.slice(start))?.[0]
  const token = word ?? text.slice(start, Math.max(end, start + 1))
  const span = spanIn(source, start, start + token.length)
  const hint = hintAt(text, start, token)
  if (/^(Unexpected|Expected)/.test(summary)) {
    report.error('expression-syntax', span, `${JSON.stringify(token)} was not expected here`, hint)
  } else {
    const plain = summary.charAt(0).toLowerCase() + summary.slice(1)
    report.error('expression-syntax', span, plain.replace(/^exceeded \w+/, 'the expression is too large'), hint)
  }
}

/** Levels of nesting; a chain such as `a && b && c` is one level. */
function depthOf(root: ASTNode): number {
  let deepest = 0
  const stack: { node: ASTNode; depth: number }[] = [{ node: root, depth: 1 }]
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, depth } = top
    deepest = Math.max(deepest, depth)
    for (const child of childrenOf(node)) {
      const chain = child.op === node.op && (node.op === '&&' || node.op === '||' || node.op === '+' || node.op === '*')
      stack.push({ node: child, depth: chain ? depth : depth + 1 })
    }
  }
  return deepest
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args
  }
}
