import type { ASTNode } from '@marcbachmann/cel-js'
import { parseDuration } from '../../kit/duration.ts'
import type { Expression, Operator, ValueType } from '../../model/expression.ts'
import { isZone } from '../evaluate/zone.ts'
import type { IssueCode, Reporter } from '../source/issues.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import type { ExpressionText } from '../source/tree.ts'
import { type FeatureRead, featureRead } from './feature.ts'
import { DURATION, FUNCTIONS, METHODS, type Signature } from './functions.ts'
import { BASELINE_PARTS, type Names, type Type } from './names.ts'
import { parseExpression, spanIn } from './parse.ts'
import { constantOf } from './ranges.ts'
import { compilePattern } from './regex.ts'
import { isWritten, type Typed, UNKNOWN } from './typed.ts'
import { aType, listHint, rangeHint, shapeName } from './wording.ts'

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
  const checker = new Checker(source, names, report)
  const typed = checker.infer(tree)
  if (expected !== null) checker.expect(tree, typed, expected, `${names.place} is ${aType(expected)}`)
  return report.errorCount === before ? typed : null
}

const COMPARISONS: Readonly<Record<string, Operator>> = { '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge' }
const ARITHMETIC: Readonly<Record<string, Operator>> = { '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod' }

class Checker {
  readonly #source: ExpressionText
  readonly #names: Names
  readonly #report: Reporter
  /** Conditions so far that are always the same. */
  #constants = 0

  constructor(source: ExpressionText, names: Names, report: Reporter) {
    this.#source = source
    this.#names = names
    this.#report = report
  }

  infer(node: ASTNode): Typed {
    const found = this.#constants
    const typed = this.#inferred(node)
    if (typed.type === 'boolean' && found === this.#constants) this.#warnConstant(node, typed)
    return typed
  }

  /** Parts that are constant have been said: what they make of the whole is not said again. */
  #warnConstant(node: ASTNode, { expression }: Typed): void {
    const { ranges } = this.#names
    const constant = ranges && constantOf(expression, ranges)
    if (constant === null) return
    this.#constants += 1
    const message = `this can never be ${!constant}`
    const hint = ranges && expression.op === 'call' ? rangeHint(expression.args, ranges) : null
    this.#report.warning('constant-condition', this.#span(node), message, hint)
  }

  #inferred(node: ASTNode): Typed {
    switch (node.op) {
      case 'value':
        return this.#literal(node)
      case 'id':
        return this.#name(node.args, node)
      case '.':
        return this.#member(node)
      case '||':
        return this.#logic('or', node.args, '||')
      case '&&':
        return this.#logic('and', node.args, '&&')
      case '!_': {
        const operand = this.infer(node.args)
        this.expect(node.args, operand, 'boolean', '"!" needs a condition')
        return call('not', 'boolean', [operand])
      }
      case '-_':
        return this.#negative(node.args)
      case '?:':
        return this.#conditional(node.args)
      case '==':
      case '!=':
        return this.#equality(node, node.op === '==' ? 'eq' : 'ne')
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#ordering(node, COMPARISONS[node.op])
      case '+':
        return this.#plus(node)
      case '-':
      case '*':
      case '/':
      case '%': {
        const [left, right] = node.args.map((n) => this.#number(n, `"${node.op}"`))
        return call(ARITHMETIC[node.op], 'number', [left, right])
      }
      case 'in':
        return this.#in(node.args)
      case 'call':
        return this.#call(node)
      case 'rcall':
        return this.#method(node)
      case '[]':
        return this.#indexed(node)
      default:
        return this.#fault('expression-syntax', node, `${shapeName(node.op)} cannot be used here`)
    }
  }

  expect(node: ASTNode, typed: Typed, type: ValueType, what: string): void {
    if (typed.type === type || typed.type === 'unknown') return
    this.#fault('type-mismatch', node, `${what}, but this is ${aType(typed.type)}`, listHint(typed))
  }

  #literal(node: ASTNode & { op: 'value' }): Typed {
    const value = node.args
    if (typeof value === 'bigint') {
      if (Number.isSafeInteger(Number(value))) return literal(Number(value), 'number')
      return this.#fault(
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
    return this.#fault('expression-syntax', node, 'only numbers, text, true, false and null can be written here')
  }

  #name(name: string, node: ASTNode): Typed {
    const { lets, measures, hidden, uses, fields, open, keys, noEvent } = this.#names
    const letType = lets.get(name)
    if (letType !== undefined) {
      uses.lets.add(name)
      uses.event ??= this.#span(node)
      return leaf('let', name, letType)
    }
    const measureType = measures.get(name)
    if (measureType !== undefined) {
      uses.measures.add(name)
      return leaf('measure', name, measureType)
    }
    if (measures.has(`${name}.mean`)) {
      const hint = `write ${name}.mean, ${name}.stddev or ${name}.points`
      return this.#fault('wrong-value', node, `"${name}" is a baseline: it has several values`, hint)
    }
    const why = hidden.get(name)
    if (why !== undefined) return this.#fault('not-in-scope', node, why)
    if (noEvent !== null && keys?.has(name)) {
      return this.#fault('unknown-name', node, `"${name}" is of the key`, `did you mean "key.${name}"?`)
    }
    if (isRoot(name)) return this.#fault('wrong-value', node, `"${name}" is not a value`, `name one, as in ${name}.x`)
    if (open.measures) return UNKNOWN
    if (fields.types.has(name)) {
      return this.#fault(
        'unknown-name',
        node,
        `"${name}" is a field: here it is read as event.${name}`,
        `did you mean "event.${name}"?`,
      )
    }
    if (this.#names.params.has(name)) {
      return this.#fault('unknown-name', node, `"${name}" is a param`, `did you mean "params.${name}"?`)
    }
    const scope = [...measures.keys(), ...lets.keys()]
    const what = measures.size > 0 ? 'neither a measure nor a let of this rule' : 'not a name that can be read here'
    return this.#fault('unknown-name', node, `"${name}" is ${what}`, didYouMean(name, scope))
  }

  #member(node: ASTNode & { op: '.' }): Typed {
    const [root, name] = node.args
    const span = spanIn(this.#source, node.pos, node.pos + name.length)
    if (root.op !== 'id') {
      const read = featureRead(node)
      if (read) return this.#feature(read)
      if (root.op === '[]' || root.op === '.') return this.#deep(root, node)
      this.infer(root)
      return this.#faultAt('expression-syntax', span, `"${name}" cannot be taken of this`)
    }
    switch (root.args) {
      case 'event':
        return this.#field(name, span, node)
      case 'key':
        return this.#key(name, span, node)
      case 'params':
        return this.#param(name, span)
      case 'lists':
        return this.#faultAt(
          'wrong-value',
          span,
          'a list can only stand on the right of "in"',
          `as in event.shop_id in lists.${name}`,
        )
      case 'features':
        return this.#faultAt('wrong-value', span, 'a feature has measures, for each key', this.#featureHint(name))
      default:
        return this.#part(root.args, name, root, span)
    }
  }

  /** `usual.mean` of a baseline; nothing else has parts. */
  #part(whole: string, name: string, root: ASTNode, span: Span): Typed {
    const { measures, hidden, open, uses } = this.#names
    uses.measures.add(whole)
    const type = measures.get(`${whole}.${name}`)
    if (type !== undefined) return leaf('measure', `${whole}.${name}`, type)
    if (measures.get(whole) === 'unknown') return UNKNOWN
    if (measures.has(`${whole}.mean`)) {
      const hint = didYouMean(name, BASELINE_PARTS) ?? `a baseline has ${BASELINE_PARTS.join(', ')}`
      return this.#faultAt('unknown-measure', span, `"${name}" is not a part of the baseline "${whole}"`, hint)
    }
    const why = hidden.get(whole)
    if (why !== undefined) return this.#fault('not-in-scope', root, why)
    const baselines = [...measures.keys()].filter((m) => m.endsWith('.mean')).map((m) => m.slice(0, -'.mean'.length))
    const meant = didYouMean(whole, ['event', 'key', 'params', 'lists', ...baselines])
    if (open.measures && meant === null) return UNKNOWN
    return this.#fault('unknown-name', root, `"${whole}" has no parts`, meant)
  }

  #deep(root: ASTNode, node: ASTNode): Typed {
    let inner: ASTNode = root
    while (inner.op === '[]' || inner.op === '.') inner = inner.args[0]
    if (inner.op !== 'id' || inner.args !== 'features')
      return this.#fault('expression-syntax', node, 'fields have no parts of their own')
    const feature = root.op === '.' && root.args[0] === inner ? root.args[1] : null
    const hint = feature === null ? null : this.#featureHint(feature, node.op === '.' ? node.args[1] : undefined)
    return this.#fault('wrong-value', node, 'a feature is read for one key, in brackets, and one measure of it', hint)
  }

  #indexed(node: ASTNode & { op: '[]' }): Typed {
    const [root] = node.args
    if (root.op === '.' && root.args[0].op === 'id' && root.args[0].args === 'features')
      return this.#fault('wrong-value', node, 'a feature has measures', this.#featureHint(root.args[1]))
    return this.#fault('expression-syntax', node, `${shapeName(node.op)} cannot be used here`)
  }

  #feature({ feature, featureAt, key, measure, measureAt }: FeatureRead): Typed {
    const { features, uses, open } = this.#names
    const typed = this.infer(key)
    uses.features.add(`${feature}.${measure}`)
    const known = features.get(feature)
    if (!known) {
      if (open.features) return UNKNOWN
      const span = spanIn(this.#source, featureAt, featureAt + feature.length)
      const message = `there is no feature "${feature}" in the files given`
      return this.#faultAt('unknown-feature', span, message, didYouMean(feature, features.keys()))
    }
    if (!comparable(known.key, typed.type)) {
      const message = `"${feature}" is read by ${known.by}, ${aType(known.key)}, but this is ${aType(typed.type)}`
      this.#fault('type-mismatch', key, message, listHint(typed))
    }
    if (!known.measures) return UNKNOWN
    const type = known.measures.get(measure)
    if (type === undefined) {
      const span = spanIn(this.#source, measureAt, measureAt + measure.length)
      const message = `"${measure}" is not a measure of the feature "${feature}"`
      return this.#faultAt('unknown-measure', span, message, didYouMean(measure, known.measures.keys()))
    }
    return { type, expression: { op: 'feature', type: knownType(type), feature, key: typed.expression, measure } }
  }

  #featureHint(feature: string, measure?: string): string {
    const known = this.#names.features.get(feature)
    const [first] = known?.measures?.keys() ?? []
    return `as in features.${feature}[event.${known?.by ?? 'item_id'}].${measure ?? first ?? 'median'}`
  }

  #field(name: string, span: Span, node: ASTNode): Typed {
    const { fields, lets, uses, noEvent } = this.#names
    if (noEvent !== null) return this.#fault('not-in-scope', node, noEvent)
    uses.event ??= this.#span(node)
    const type = fields.types.get(name)
    if (type !== undefined) return leaf('field', name, type)
    if (fields.open) return UNKNOWN
    const fault = fields.faults.get(name)
    if (fault) return this.#faultAt(fault.code, span, fault.message)
    if (lets.has(name))
      return this.#faultAt('unknown-field', span, `"${name}" is a let: it is read as ${name}, without event.`)
    return this.#faultAt(
      'unknown-field',
      span,
      `"${name}" is not a field of ${fields.label}`,
      didYouMean(name, fields.types.keys()),
    )
  }

  #key(name: string, span: Span, node: ASTNode): Typed {
    const { keys, place, keysAtReading, lets } = this.#names
    if (!keys)
      return this.#fault(
        'not-in-scope',
        node,
        `${place} is asked of each event: it cannot read "key"`,
        `write event.${name}`,
      )
    const type = keys.get(name)
    if (type === undefined) {
      return this.#faultAt('unknown-key-field', span, `"${name}" is not in "by"`, didYouMean(name, keys.keys()))
    }
    if (!keysAtReading) return leaf('key', name, type)
    return leaf(lets.has(name) ? 'let' : 'field', name, type)
  }

  #param(name: string, span: Span): Typed {
    const { params, uses, open } = this.#names
    uses.params.add(name)
    const type = params.get(name)
    if (type !== undefined) return leaf('param', name, type)
    if (open.params) return UNKNOWN
    return this.#faultAt('unknown-param', span, `"${name}" is not in "params"`, didYouMean(name, params.keys()))
  }

  #logic(fn: 'and' | 'or', args: readonly ASTNode[], symbol: string): Typed {
    const operands = args.map((n) => {
      const typed = this.infer(n)
      this.expect(n, typed, 'boolean', `"${symbol}" needs conditions on both sides`)
      return typed
    })
    return call(fn, 'boolean', operands)
  }

  #number(node: ASTNode, what: string): Typed {
    const typed = this.infer(node)
    this.expect(node, typed, 'number', `${what} needs numbers`)
    return typed
  }

  #negative(node: ASTNode): Typed {
    const typed = this.#number(node, '"-"')
    const { expression } = typed
    if (expression.op === 'literal' && typeof expression.value === 'number') return literal(-expression.value, 'number')
    return call('neg', 'number', [typed])
  }

  #conditional([condition, yes, no]: readonly ASTNode[]): Typed {
    const c = this.infer(condition)
    this.expect(condition, c, 'boolean', '"?" needs a condition before it')
    const a = this.infer(yes)
    const b = this.infer(no)
    if (a.type === 'list' || b.type === 'list') {
      const [node, typed] = a.type === 'list' ? [yes, a] : [no, b]
      return this.#fault('type-mismatch', node, 'a choice is not between lists', listHint(typed))
    }
    const type = a.type === 'null' || a.type === 'unknown' ? b.type : a.type
    if (type !== 'null' && type !== 'unknown' && b.type !== 'null') {
      this.expect(no, b, type, `both sides of ":" are of one type, the left one is ${aType(type)}`)
    }
    return call('cond', type, [c, a, b])
  }

  #equality(node: ASTNode & { op: '==' | '!=' }, fn: 'eq' | 'ne'): Typed {
    const [left, right] = node.args.map((n) => this.infer(n))
    const list = [left, right].findIndex((side) => side.type === 'list')
    if (list >= 0) {
      const hint = listHint([left, right][list])
      this.#fault('type-mismatch', node.args[list], `"${node.op}" does not compare lists`, hint)
    } else if (!comparable(left.type, right.type)) {
      const message = `${aType(left.type)} never equals ${aType(right.type)}`
      this.#fault('type-mismatch', node.args[1], message)
    }
    return call(fn, 'boolean', [left, right])
  }

  #ordering(node: ASTNode & { op: '<' | '<=' | '>' | '>=' }, fn: Operator): Typed {
    const [left, right] = node.args.map((n) => this.infer(n))
    const type = left.type === 'unknown' ? right.type : left.type
    if (type !== 'unknown') {
      if (type !== 'number' && type !== 'string') {
        const at = left.type === 'unknown' ? node.args[1] : node.args[0]
        const typed = at === node.args[0] ? left : right
        const message = `"${node.op}" orders numbers or text, but this is ${aType(type)}`
        this.#fault('type-mismatch', at, message, listHint(typed))
      } else this.expect(node.args[1], right, type, `"${node.op}" needs ${aType(type)} on both sides`)
    }
    return call(fn, 'boolean', [left, right])
  }

  #plus(node: ASTNode & { op: '+' }): Typed {
    const [left, right] = node.args.map((n) => this.infer(n))
    const text = left.type === 'string' || (left.type === 'unknown' && right.type === 'string')
    const type = text ? 'string' : 'number'
    this.expect(node.args[0], left, type, '"+" adds numbers or joins text')
    if (left.type === type || left.type === 'unknown') {
      this.expect(node.args[1], right, type, `"+" needs ${aType(type)} on both sides`)
    }
    return call(text ? 'concat' : 'add', type, [left, right])
  }

  #in([needle, haystack]: readonly ASTNode[]): Typed {
    const value = this.infer(needle)
    if (haystack.op === '.' && haystack.args[0].op === 'id' && haystack.args[0].args === 'lists') {
      return this.#inList(needle, value, haystack)
    }
    if (haystack.op === 'id' && this.#names.measures.get(haystack.args) === 'list') {
      return this.#inMeasure(needle, value, haystack)
    }
    const read = featureRead(haystack)
    const list = read && this.#feature(read)
    if (read && list && (list.type === 'list' || list.type === 'unknown'))
      return this.#inValues(
        needle,
        value,
        list,
        read.measure,
        this.#names.features.get(read.feature)?.elements.get(read.measure),
      )
    if (haystack.op !== 'list') {
      const hint = 'as in lists.my_shops, ["a", "b"] or a "top" measure'
      this.#fault('wrong-value', haystack, '"in" needs a list on its right', hint)
      return { type: 'boolean', expression: UNKNOWN.expression }
    }
    if (value.type === 'list') return this.#fault('type-mismatch', needle, 'a list is in no list', listHint(value))
    const items: (number | string | boolean | null)[] = []
    for (const item of haystack.args) {
      const typed = this.infer(item)
      const { expression } = typed
      if (expression.op === 'literal') items.push(expression.value)
      else if (typed.type !== 'unknown')
        this.#fault('wrong-value', item, 'a list in an expression holds written values only')
      if (!comparable(value.type, typed.type)) {
        this.#fault('type-mismatch', item, `${aType(value.type)} never equals ${aType(typed.type)}`)
      }
    }
    return { type: 'boolean', expression: { op: 'in', type: 'boolean', value: value.expression, items } }
  }

  #inList(needle: ASTNode, value: Typed, haystack: ASTNode & { op: '.' }): Typed {
    const name = haystack.args[1]
    const { lists, uses, open } = this.#names
    const of = lists.get(name)
    uses.lists.add(name)
    if (of === undefined && !open.lists) {
      const span = spanIn(this.#source, haystack.pos, haystack.pos + name.length)
      this.#faultAt(
        'unknown-list',
        span,
        `there is no list "${name}" in the files given`,
        didYouMean(name, lists.keys()),
      )
    } else if (of !== undefined && value.type !== 'unknown' && value.type !== of) {
      this.#fault('type-mismatch', needle, `the list "${name}" holds ${of}s, but this is ${aType(value.type)}`)
    }
    return { type: 'boolean', expression: { op: 'inList', type: 'boolean', value: value.expression, list: name } }
  }

  #inMeasure(needle: ASTNode, value: Typed, haystack: ASTNode & { op: 'id' }): Typed {
    const name = haystack.args
    this.#names.uses.measures.add(name)
    return this.#inValues(needle, value, leaf('measure', name, 'list'), name, this.#names.elements.get(name))
  }

  #inValues(needle: ASTNode, value: Typed, list: Typed, name: string, of: Type = 'unknown'): Typed {
    if (!comparable(value.type, of)) {
      this.#fault(
        'type-mismatch',
        needle,
        `"${name}" holds values that are ${aType(of)}, but this is ${aType(value.type)}`,
      )
    }
    return call('member', 'boolean', [value, list])
  }

  #call(node: ASTNode & { op: 'call' }): Typed {
    const [name, args] = node.args
    const span = spanIn(this.#source, node.start, node.start + name.length)
    if (name === DURATION) return this.#duration(node, args)
    const signature = FUNCTIONS.get(name)
    if (signature) return this.#apply(signature, args, span)
    for (const a of args) this.infer(a)
    if (name === 'now')
      return this.#faultAt('unknown-function', span, 'there is no now(): time is the time of the events')
    const method = METHODS.get(name)
    if (method) return this.#faultAt('unknown-function', span, `"${name}" stands after a dot`, `write ${method.usage}`)
    const hint = didYouMean(name, [...FUNCTIONS.keys(), DURATION])
    return this.#faultAt('unknown-function', span, `there is no function "${name}"`, hint)
  }

  #method(node: ASTNode & { op: 'rcall' }): Typed {
    const [name, receiver, args] = node.args
    const at = this.#source.text.lastIndexOf(`.${name}`, node.end)
    const before = this.#source.text.indexOf(name, receiver.end)
    const start = before === -1 ? at + 1 : before
    const span = spanIn(this.#source, start, start + name.length)
    const signature = METHODS.get(name)
    if (signature) return this.#apply(signature, [receiver, ...args], span)
    const plainFunction = FUNCTIONS.get(name)
    if (plainFunction) {
      return this.#faultAt(
        'unknown-function',
        span,
        `"${name}" does not stand after a dot`,
        `write ${plainFunction.usage}`,
      )
    }
    this.infer(receiver)
    return this.#faultAt('unknown-function', span, `there is no function "${name}"`, didYouMean(name, METHODS.keys()))
  }

  #apply(signature: Signature, args: readonly ASTNode[], span: Span): Typed {
    const { takes, most, fn, gives, usage } = signature
    const typed = args.map((n) => this.infer(n))
    if (args.length < takes.length || args.length > most) {
      const n = METHODS.get(signature.fn) === signature ? args.length - 1 : args.length
      const message = `${n} ${n === 1 ? 'argument is' : 'arguments are'} too ${args.length > most ? 'many' : 'few'}`
      return this.#faultAt('wrong-arguments', span, message, `write ${usage}`)
    }
    typed.forEach((t, i) => {
      const wanted = takes[Math.min(i, takes.length - 1)]
      if (wanted === 'sized') {
        if (t.type !== 'list') this.expect(args[i], t, 'string', `${usage} needs text or a list here`)
      } else if (wanted !== 'scalar') this.expect(args[i], t, wanted, `${usage} needs ${aType(wanted)} here`)
      else if (t.type === 'boolean' || t.type === 'null' || t.type === 'list') {
        const message = `${usage} needs text or numbers, but this is ${aType(t.type)}`
        this.#fault('type-mismatch', args[i], message, listHint(t))
      }
    })
    if (fn === 'matches') this.#pattern(args[1], typed[1])
    if (fn === 'hour' || fn === 'weekday') this.#zone(args[1], typed[1])
    if (fn === 'subnet') this.#bits(args[1], typed[1])
    return call(fn, gives, typed)
  }

  #duration(node: ASTNode, args: readonly ASTNode[]): Typed {
    const text = args.length === 1 && args[0].op === 'value' ? args[0].args : undefined
    const ms = typeof text === 'string' ? parseDuration(text) : null
    if (ms !== null) return literal(ms, 'number')
    return this.#fault('bad-duration', args[0] ?? node, 'duration() takes a written duration', 'as in duration("15m")')
  }

  #pattern(node: ASTNode, typed: Typed): void {
    if (typed.type !== 'string') return
    if (!isWritten(typed)) {
      this.#fault('unsafe-regex', node, 'the pattern of matches() must be written out, so that it can be checked')
      return
    }
    const pattern = compilePattern(typed.expression.value as string)
    if (!pattern.ok) this.#fault('unsafe-regex', node, pattern.fault)
  }

  #zone(node: ASTNode, typed: Typed): void {
    if (typed.type !== 'string') return
    if (!isWritten(typed)) {
      this.#fault('bad-zone', node, 'the time zone must be written out', 'as in "Asia/Shanghai" or "UTC"')
    } else if (!isZone(typed.expression.value as string)) {
      this.#fault(
        'bad-zone',
        node,
        `there is no time zone ${JSON.stringify(typed.expression.value)}`,
        'such as "Asia/Shanghai" or "UTC"',
      )
    }
  }

  #bits(node: ASTNode, { expression }: Typed): void {
    if (expression.op !== 'literal' || typeof expression.value !== 'number') return
    if (Number.isInteger(expression.value) && expression.value >= 0 && expression.value <= 128) return
    this.#fault('out-of-range', node, 'a subnet has from 0 to 128 bits')
  }

  #span(node: ASTNode): Span {
    return spanIn(this.#source, node.start, node.end)
  }

  #fault(code: IssueCode, node: ASTNode, message: string, suggestion: string | null = null): Typed {
    return this.#faultAt(code, this.#span(node), message, suggestion)
  }

  #faultAt(code: IssueCode, span: Span, message: string, suggestion: string | null = null): Typed {
    this.#report.error(code, span, message, suggestion)
    return UNKNOWN
  }
}

function literal(value: number | string | boolean | null, type: ValueType): Typed {
  return { type, expression: { op: 'literal', type, value } }
}

function leaf(op: 'field' | 'let' | 'measure' | 'key' | 'param', name: string, type: Type): Typed {
  return { type, expression: { op, type: knownType(type), name } }
}

function call(fn: Operator, type: Type, args: readonly Typed[]): Typed {
  const expression: Expression = { op: 'call', type: knownType(type), fn, args: args.map((a) => a.expression) }
  return { type, expression }
}

function knownType(type: Type): ValueType {
  return type === 'unknown' ? 'null' : type
}

function comparable(a: Type, b: Type): boolean {
  return a === b || a === 'unknown' || b === 'unknown' || a === 'null' || b === 'null'
}

function isRoot(name: string): boolean {
  return name === 'event' || name === 'key' || name === 'params' || name === 'lists' || name === 'features'
}
