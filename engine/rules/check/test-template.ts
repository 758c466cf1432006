import type { ASTNode } from '@marcbachmann/cel-js'
import { showNumber } from '../evaluate/template.ts'
import { parseExpression, spanIn } from '../expression/parse.ts'
import type { Reporter } from '../source/issues.ts'
import type { ExpressionText } from '../source/tree.ts'
import { part, splitTemplate } from './template.ts'

/** A text of a test with `{n}`, `{n % 3}`, … -> the text for each n; null after a fault. */
export function testTemplate(source: ExpressionText, report: Reporter): ((n: number) => string) | null {
  const before = report.errorCount
  const writers: ((n: number) => string)[] = []
  for (const piece of splitTemplate(source, report)) {
    if (piece.kind === 'text') writers.push(() => piece.text)
    else {
      const inner = part(source, piece.start, piece.end)
      const tree = parseExpression(inner, report)
      const number = tree && arithmetic(tree, inner, report)
      if (number) writers.push((n) => showNumber(number(n)))
    }
  }
  if (report.errorCount > before) return null
  return (n) => writers.map((w) => w(n)).join('')
}

function arithmetic(node: ASTNode, source: ExpressionText, report: Reporter): ((n: number) => number) | null {
  switch (node.op) {
    case 'value': {
      const x = typeof node.args === 'bigint' ? Number(node.args) : node.args
      if (typeof x === 'number') return () => x
      break
    }
    case 'id':
      if (node.args === 'n') return (n) => n
      report.error(
        'bad-template',
        spanIn(source, node.start, node.end),
        `"${node.args}" is not known here: a test counts with n`,
      )
      return null
    case '-_': {
      const a = arithmetic(node.args, source, report)
      return a && ((n) => -a(n))
    }
    case '+':
    case '-':
    case '*':
    case '/':
    case '%': {
      const a = arithmetic(node.args[0], source, report)
      const b = arithmetic(node.args[1], source, report)
      return a && b && binary(node.op, a, b)
    }
  }
  report.error('bad-template', spanIn(source, node.start, node.end), 'only n, numbers and + - * / % can stand here')
  return null
}

function binary(op: string, a: (n: number) => number, b: (n: number) => number): (n: number) => number {
  if (op === '+') return (n) => a(n) + b(n)
  if (op === '-') return (n) => a(n) - b(n)
  if (op === '*') return (n) => a(n) * b(n)
  return op === '/' ? (n) => a(n) / b(n) : (n) => a(n) % b(n)
}
