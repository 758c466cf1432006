import type { ASTNode } from '@marcbachmann/cel-js'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import type { Checker } from './checker.ts'
import { featureHint, featureRead, inferFeature } from './feature.ts'
import { BASELINE_PARTS } from './names.ts'
import { spanIn } from './parse.ts'
import { leaf, type Typed, UNKNOWN } from './typed.ts'
import { shapeName } from './wording.ts'

export function inferName(checker: Checker, name: string, node: ASTNode): Typed {
  const { lets, measures, hidden, uses, fields, open, keys, noEvent } = checker.names
  const letType = lets.get(name)
  if (letType !== undefined) {
    uses.lets.add(name)
    uses.event ??= checker.span(node)
    return leaf('let', name, letType)
  }
  const measureType = measures.get(name)
  if (measureType !== undefined) {
    uses.measures.add(name)
    return leaf('measure', name, measureType)
  }
  if (measures.has(`${name}.mean`)) {
    const hint = `write ${name}.mean, ${name}.stddev or ${name}.points`
    return checker.fault('wrong-value', node, `"${name}" is a baseline: it has several values`, hint)
  }
  const why = hidden.get(name)
  if (why !== undefined) return checker.fault('not-in-scope', node, why)
  if (noEvent !== null && keys?.has(name)) {
    return checker.fault('unknown-name', node, `"${name}" is of the key`, `did you mean "key.${name}"?`)
  }
  if (isRoot(name)) return checker.fault('wrong-value', node, `"${name}" is not a value`, `name one, as in ${name}.x`)
  if (open.measures) return UNKNOWN
  if (fields.types.has(name)) {
    return checker.fault(
      'unknown-name',
      node,
      `"${name}" is a field: here it is read as event.${name}`,
      `did you mean "event.${name}"?`,
    )
  }
  if (checker.names.params.has(name)) {
    return checker.fault('unknown-name', node, `"${name}" is a param`, `did you mean "params.${name}"?`)
  }
  const scope = [...measures.keys(), ...lets.keys()]
  const what = measures.size > 0 ? 'neither a measure nor a let of this rule' : 'not a name that can be read here'
  const quoted = checker.names.place === 'explain' ? null : `text stands in quotes: "${name}"`
  const hint = didYouMean(name, scope) ?? quoted
  return checker.fault('unknown-name', node, `"${name}" is ${what}`, hint)
}

export function inferMember(checker: Checker, node: ASTNode & { op: '.' }): Typed {
  const [root, name] = node.args
  const span = spanIn(checker.source, node.pos, node.pos + name.length)
  if (root.op !== 'id') {
    const read = featureRead(node)
    if (read) return inferFeature(checker, read)
    if (root.op === '[]' || root.op === '.') return inferDeep(checker, root, node)
    checker.infer(root)
    return checker.faultAt('expression-syntax', span, `"${name}" cannot be taken of this`)
  }
  switch (root.args) {
    case 'event':
      return inferField(checker, name, span, node)
    case 'key':
      return inferKey(checker, name, span, node)
    case 'params':
      return inferParam(checker, name, span)
    case 'lists':
      return checker.faultAt(
        'wrong-value',
        span,
        'a list can only stand on the right of "in"',
        `as in event.shop_id in lists.${name}`,
      )
    case 'features':
      return checker.faultAt('wrong-value', span, 'a feature has measures, for each key', featureHint(checker, name))
    default:
      return inferBaselinePart(checker, root.args, name, root, span)
  }
}

export function inferIndexed(checker: Checker, node: ASTNode & { op: '[]' }): Typed {
  const [root] = node.args
  if (root.op === '.' && root.args[0].op === 'id' && root.args[0].args === 'features')
    return checker.fault('wrong-value', node, 'a feature has measures', featureHint(checker, root.args[1]))
  return checker.fault('expression-syntax', node, `${shapeName(node.op)} cannot be used here`)
}

/** `usual.mean` of a baseline; nothing else has parts. */
function inferBaselinePart(checker: Checker, whole: string, name: string, root: ASTNode, span: Span): Typed {
  const { measures, hidden, open, uses } = checker.names
  uses.measures.add(whole)
  const type = measures.get(`${whole}.${name}`)
  if (type !== undefined) return leaf('measure', `${whole}.${name}`, type)
  if (measures.get(whole) === 'unknown') return UNKNOWN
  if (measures.has(`${whole}.mean`)) {
    const hint = didYouMean(name, BASELINE_PARTS) ?? `a baseline has ${BASELINE_PARTS.join(', ')}`
    return checker.faultAt('unknown-measure', span, `"${name}" is not a part of the baseline "${whole}"`, hint)
  }
  const why = hidden.get(whole)
  if (why !== undefined) return checker.fault('not-in-scope', root, why)
  const baselines = [...measures.keys()].filter((m) => m.endsWith('.mean')).map((m) => m.slice(0, -'.mean'.length))
  const meant = didYouMean(whole, ['event', 'key', 'params', 'lists', ...baselines])
  if (open.measures && meant === null) return UNKNOWN
  return checker.fault('unknown-name', root, `"${whole}" has no parts`, meant)
}

function inferDeep(checker: Checker, root: ASTNode, node: ASTNode): Typed {
  let inner: ASTNode = root
  while (inner.op === '[]' || inner.op === '.') inner = inner.args[0]
  if (inner.op !== 'id' || inner.args !== 'features')
    return checker.fault('expression-syntax', node, 'fields have no parts of their own')
  const feature = root.op === '.' && root.args[0] === inner ? root.args[1] : null
  const hint = feature === null ? null : featureHint(checker, feature, node.op === '.' ? node.args[1] : undefined)
  return checker.fault('wrong-value', node, 'a feature is read for one key, in brackets, and one measure of it', hint)
}

function inferField(checker: Checker, name: string, span: Span, node: ASTNode): Typed {
  const { fields, lets, uses, noEvent } = checker.names
  if (noEvent !== null) return checker.fault('not-in-scope', node, noEvent)
  uses.event ??= checker.span(node)
  const type = fields.types.get(name)
  if (type !== undefined) return leaf('field', name, type)
  if (fields.open) return UNKNOWN
  const fault = fields.faults.get(name)
  if (fault) return checker.faultAt(fault.code, span, fault.message)
  if (lets.has(name))
    return checker.faultAt('unknown-field', span, `"${name}" is a let: it is read as ${name}, without event.`)
  return checker.faultAt(
    'unknown-field',
    span,
    `"${name}" is not a field of ${fields.label}`,
    didYouMean(name, fields.types.keys()),
  )
}

function inferKey(checker: Checker, name: string, span: Span, node: ASTNode): Typed {
  const { keys, place, keysAtReading, lets } = checker.names
  if (!keys)
    return checker.fault(
      'not-in-scope',
      node,
      `${place} is asked of each event: it cannot read "key"`,
      `write event.${name}`,
    )
  const type = keys.get(name)
  if (type === undefined) {
    return checker.faultAt('unknown-key-field', span, `"${name}" is not in "by"`, didYouMean(name, keys.keys()))
  }
  if (!keysAtReading) return leaf('key', name, type)
  return leaf(lets.has(name) ? 'let' : 'field', name, type)
}

function inferParam(checker: Checker, name: string, span: Span): Typed {
  const { params, uses, open } = checker.names
  uses.params.add(name)
  const type = params.get(name)
  if (type !== undefined) return leaf('param', name, type)
  if (open.params) return UNKNOWN
  return checker.faultAt('unknown-param', span, `"${name}" is not in "params"`, didYouMean(name, params.keys()))
}

function isRoot(name: string): boolean {
  return name === 'event' || name === 'key' || name === 'params' || name === 'lists' || name === 'features'
}
