import type { ASTNode } from '@marcbachmann/cel-js'
import type { Operator } from '../../model/expression.ts'
import type { Checker } from './checker.ts'
import { call, comparable, literal, type Typed } from './typed.ts'
import { aType, listHint } from './wording.ts'

const COMPARISONS: Readonly<Record<string, Operator>> = { '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge' }
const ARITHMETIC: Readonly<Record<string, Operator>> = { '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod' }

export function inferLogic(checker: Checker, fn: 'and' | 'or', args: readonly ASTNode[], symbol: string): Typed {
  const operands = args.map((n) => {
    const typed = checker.infer(n)
    checker.expect(n, typed, 'boolean', `"${symbol}" needs conditions on both sides`)
    return typed
  })
  return call(fn, 'boolean', operands)
}

export function inferNot(checker: Checker, node: ASTNode): Typed {
  const operand = checker.infer(node)
  checker.expect(node, operand, 'boolean', '"!" needs a condition')
  return call('not', 'boolean', [operand])
}

export function inferNegative(checker: Checker, node: ASTNode): Typed {
  const typed = checker.number(node, '"-"')
  const { expression } = typed
  if (expression.op === 'literal' && typeof expression.value === 'number') return literal(-expression.value, 'number')
  return call('neg', 'number', [typed])
}

export function inferConditional(checker: Checker, [condition, yes, no]: readonly ASTNode[]): Typed {
  const c = checker.infer(condition)
  checker.expect(condition, c, 'boolean', '"?" needs a condition before it')
  const a = checker.infer(yes)
  const b = checker.infer(no)
  if (a.type === 'list' || b.type === 'list') {
    const [node, typed] = a.type === 'list' ? [yes, a] : [no, b]
    return checker.fault('type-mismatch', node, 'a choice is not between lists', listHint(typed))
  }
  const type = a.type === 'null' || a.type === 'unknown' ? b.type : a.type
  if (type !== 'null' && type !== 'unknown' && b.type !== 'null') {
    checker.expect(no, b, type, `both sides of ":" are of one type, the left one is ${aType(type)}`)
  }
  return call('cond', type, [c, a, b])
}

export function inferEquality(checker: Checker, node: ASTNode & { op: '==' | '!=' }): Typed {
  const [left, right] = node.args.map((n) => checker.infer(n))
  const list = [left, right].findIndex((side) => side.type === 'list')
  if (list >= 0) {
    const hint = listHint([left, right][list])
    checker.fault('type-mismatch', node.args[list], `"${node.op}" does not compare lists`, hint)
  } else if (!comparable(left.type, right.type)) {
    const message = `${aType(left.type)} never equals ${aType(right.type)}`
    checker.fault('type-mismatch', node.args[1], message)
  }
  return call(node.op === '==' ? 'eq' : 'ne', 'boolean', [left, right])
}

export function inferOrdering(checker: Checker, node: ASTNode & { op: '<' | '<=' | '>' | '>=' }): Typed {
  const [left, right] = node.args.map((n) => checker.infer(n))
  const { type } = ordered(checker, node.op, node.args[0], left)
  if (type === 'unknown') ordered(checker, node.op, node.args[1], right)
  else checker.expect(node.args[1], right, type, `"${node.op}" needs ${aType(type)} on both sides`)
  return call(COMPARISONS[node.op], 'boolean', [left, right])
}

/** An operand that has an order; unknown after the fault that it has none. */
function ordered(checker: Checker, symbol: string, node: ASTNode, typed: Typed): Typed {
  const { type } = typed
  if (type === 'number' || type === 'string' || type === 'unknown') return typed
  const message = `"${symbol}" orders numbers or text, but this is ${aType(type)}`
  return checker.fault('type-mismatch', node, message, listHint(typed))
}

export function inferPlus(checker: Checker, node: ASTNode & { op: '+' }): Typed {
  const [left, right] = node.args.map((n) => checker.infer(n))
  const text = left.type === 'string' || (left.type === 'unknown' && right.type === 'string')
  const type = text ? 'string' : 'number'
  checker.expect(node.args[0], left, type, '"+" adds numbers or joins text')
  if (left.type === type || left.type === 'unknown') {
    checker.expect(node.args[1], right, type, `"+" needs ${aType(type)} on both sides`)
  }
  return call(text ? 'concat' : 'add', type, [left, right])
}

export function inferArithmetic(checker: Checker, node: ASTNode & { op: '-' | '*' | '/' | '%' }): Typed {
  const [left, right] = node.args.map((n) => checker.number(n, `"${node.op}"`))
  const isDivision = node.op === '/' || node.op === '%'
  if (isDivision && right.expression.op === 'literal' && right.expression.value === 0)
    checker.warnDoubtful(node, 'a division by zero always abstains')
  return call(ARITHMETIC[node.op], 'number', [left, right])
}
