import type { ASTNode } from '@marcbachmann/cel-js'
import { didYouMean } from '../source/suggest.ts'
import type { Checker } from './checker.ts'
import { featureRead, inferFeature } from './feature.ts'
import type { Type } from './names.ts'
import { spanIn } from './parse.ts'
import { call, comparable, leaf, type Typed, UNKNOWN } from './typed.ts'
import { aType, listHint } from './wording.ts'

/** `x in …`: a named list, a list measure, that of a feature, or written values. */
export function inferIn(checker: Checker, [needle, haystack]: readonly ASTNode[]): Typed {
  const value = checker.infer(needle)
  if (haystack.op === '.' && haystack.args[0].op === 'id' && haystack.args[0].args === 'lists') {
    return inferInList(checker, needle, value, haystack)
  }
  if (haystack.op === 'id' && checker.names.measures.get(haystack.args) === 'list') {
    return inferInMeasure(checker, needle, value, haystack)
  }
  const read = featureRead(haystack)
  const list = read && inferFeature(checker, read)
  if (read && list && (list.type === 'list' || list.type === 'unknown'))
    return inferInValues(
      checker,
      needle,
      value,
      list,
      read.measure,
      checker.names.features.get(read.feature)?.elements.get(read.measure),
    )
  if (haystack.op !== 'list') {
    const hint = 'as in lists.my_shops, ["a", "b"] or a "top" measure'
    checker.fault('wrong-value', haystack, '"in" needs a list on its right', hint)
    return { type: 'boolean', expression: UNKNOWN.expression }
  }
  if (value.type === 'list') return checker.fault('type-mismatch', needle, 'a list is in no list', listHint(value))
  const items: (number | string | boolean | null)[] = []
  for (const item of haystack.args) {
    const typed = checker.infer(item)
    const { expression } = typed
    if (expression.op === 'literal') items.push(expression.value)
    else if (typed.type !== 'unknown')
      checker.fault('wrong-value', item, 'a list in an expression holds written values only')
    if (!comparable(value.type, typed.type)) {
      checker.fault('type-mismatch', item, `${aType(value.type)} never equals ${aType(typed.type)}`)
    }
  }
  return { type: 'boolean', expression: { op: 'in', type: 'boolean', value: value.expression, items } }
}

function inferInList(checker: Checker, needle: ASTNode, value: Typed, haystack: ASTNode & { op: '.' }): Typed {
  const name = haystack.args[1]
  const { lists, uses, open } = checker.names
  const of = lists.get(name)
  uses.lists.add(name)
  if (of === undefined && !open.lists) {
    const span = spanIn(checker.source, haystack.pos, haystack.pos + name.length)
    checker.faultAt(
      'unknown-list',
      span,
      `there is no list "${name}" in the files given`,
      didYouMean(name, lists.keys()),
    )
  } else if (of !== undefined && value.type !== 'unknown' && value.type !== of) {
    checker.fault('type-mismatch', needle, `the list "${name}" holds ${of}s, but this is ${aType(value.type)}`)
  }
  return { type: 'boolean', expression: { op: 'inList', type: 'boolean', value: value.expression, list: name } }
}

function inferInMeasure(checker: Checker, needle: ASTNode, value: Typed, haystack: ASTNode & { op: 'id' }): Typed {
  const name = haystack.args
  checker.names.uses.measures.add(name)
  return inferInValues(checker, needle, value, leaf('measure', name, 'list'), name, checker.names.elements.get(name))
}

function inferInValues(
  checker: Checker,
  needle: ASTNode,
  value: Typed,
  list: Typed,
  name: string,
  of: Type = 'unknown',
): Typed {
  if (!comparable(value.type, of)) {
    checker.fault(
      'type-mismatch',
      needle,
      `"${name}" holds values that are ${aType(of)}, but this is ${aType(value.type)}`,
    )
  }
  return call('member', 'boolean', [value, list])
}
