import type { ASTNode } from '@marcbachmann/cel-js'
import type { ValueType } from '../../model/expression.ts'
import type { Reporter } from '../source/issues.ts'
import type { ExpressionText } from '../source/tree.ts'
import { inferCall, inferMethod } from './calls.ts'
import { Checker } from './checker.ts'
import { inferIn } from './membership.ts'
import type { Names } from './names.ts'
import {
  inferArithmetic,
  inferConditional,
  inferEquality,
  inferLogic,
  inferNegative,
  inferNot,
  inferOrdering,
  inferPlus,
} from './operators.ts'
import { parseExpression } from './parse.ts'
import { inferIndexed, inferMember, inferName } from './references.ts'
import { literal, type Typed } from './typed.ts'
import { aType, shapeName } from './wording.ts'

/**
 * Text of an expression -> its checked tree, or null after reporting every fault in it. `expected` is what the place
 * needs; null = anything.
 */
export function checkExpression(
  source: ExpressionText,
  names: Names,
  report: Reporter,
  expected: ValueType | null,
): Typed | null {
  const tree = parseExpression(source, report)
  if (!tree) return null
  const before = report.errorCount
  const checker = new Checker(source, names, report, inferNode)
  const typed = checker.infer(tree)
  if (expected !== null) checker.expect(tree, typed, expected, `${names.place} is ${aType(expected)}`)
  return report.errorCount === before ? typed : null
}

function inferNode(checker: Checker, node: ASTNode): Typed {
  switch (node.op) {
    case 'value':
      return inferLiteral(checker, node)
    case 'id':
      return inferName(checker, node.args, node)
    case '.':
      return inferMember(checker, node)
    case '||':
      return inferLogic(checker, 'or', node.args, '||')
    case '&&':
      return inferLogic(checker, 'and', node.args, '&&')
    case '!_':
      return inferNot(checker, node.args)
    case '-_':
      return inferNegative(checker, node.args)
    case '?:':
      return inferConditional(checker, node.args)
    case '==':
    case '!=':
      return inferEquality(checker, node)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return inferOrdering(checker, node)
    case '+':
      return inferPlus(checker, node)
    case '-':
    case '*':
    case '/':
    case '%':
      return inferArithmetic(checker, node)
    case 'in':
      return inferIn(checker, node.args)
    case 'call':
      return inferCall(checker, node)
    case 'rcall':
      return inferMethod(checker, node)
    case '[]':
      return inferIndexed(checker, node)
    default:
      return checker.fault('expression-syntax', node, `${shapeName(node.op)} cannot be used here`)
  }
}

function inferLiteral(checker: Checker, node: ASTNode & { op: 'value' }): Typed {
  const value = node.args
  if (typeof value === 'bigint') {
    if (Number.isSafeInteger(Number(value))) return literal(Number(value), 'number')
    return checker.fault(
      'out-of-range',
      node,
      'a number this large loses its last digits',
      'if it is an id, put it in quotes',
    )
  }
  if (typeof value === 'number') return literal(value, 'number')
  if (typeof value === 'string') return literal(value, 'string')
  if (typeof value === 'boolean') return literal(value, 'boolean')
  if (value === null) return literal(null, 'null')
  return checker.fault('expression-syntax', node, 'only numbers, text, true, false and null can be written here')
}
