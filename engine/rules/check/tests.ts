import { bare } from '../../kit/own.ts'
import type { ColumnValue, MeasureValue } from '../../model/output.ts'
import { type Scalar, SEVERITIES } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { FeatureNames, Type } from '../expression/names.ts'
import { aType } from '../expression/wording.ts'
import { ALL_TEST_EVENTS_MAX, COUNT_MAX, TESTS_MAX } from '../shape/limits.ts'
import { EXPECTATION_KEYS, SUSPECT_KEYS, TEST_KEYS, type TestedKind } from '../shape/tests.ts'
import type { Reporter } from '../source/issues.ts'
import { firstLine, Reader } from '../source/read.ts'
import { didYouMean } from '../source/suggest.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import { dateOf, offsetOf } from '../source/values.ts'
import { type Expectation, type ExpectedItem, type FieldValue, type RuleTest, TEST_START_MS } from '../tests.ts'
import type { TestNames } from './rule.ts'
import { checkEvents } from './test-events.ts'
import { checkTestFeatures } from './test-features.ts'

/** The rule, sequence or ranking that tests are about. */
export interface Tested {
  readonly kind: TestedKind
  readonly id: string
  readonly version: number
  readonly names: TestNames
  readonly params: ReadonlyMap<string, Scalar>
  readonly streams: readonly Stream[]
  /** Those that the definition reads, where rows of types beside them are doubted; else none. */
  readonly types: readonly string[]
  readonly lists: ReadonlyMap<string, 'string' | 'number'>
  readonly features: ReadonlyMap<string, FeatureNames>
  readonly incomplete: boolean
}

export function checkTests(node: Node, tested: Tested, report: Reporter): RuleTest[] {
  const read = new Reader(report)
  const list = read.seq(node, 'tests')
  if (!list) return []
  if (list.items.length > TESTS_MAX) read.fault('too-many', list, `${list.items.length} tests; at most ${TESTS_MAX}`)
  const out: RuleTest[] = []
  const seen = new Set<string>()
  let events = 0
  for (const item of list.items) {
    const map = read.map(item, 'a test')
    const test = map && checkTest(read, map, tested)
    if (!test) continue
    if (seen.has(test.name))
      read.fault('duplicate-name', entryOf(map, 'name')!.value, `a second test ${JSON.stringify(test.name)}`)
    seen.add(test.name)
    out.push(test)
    events += test.eventCount
  }
  if (events > ALL_TEST_EVENTS_MAX)
    read.fault('too-many', list, `${events} events in all these tests; at most ${ALL_TEST_EVENTS_MAX}`)
  return out
}

function checkTest(read: Reader, map: MapNode, tested: Tested): RuleTest | null {
  const before = read.report.errorCount
  read.keys(map, Object.keys(TEST_KEYS), 'of a test')
  const at = firstLine(map)
  const nameNode = read.required(map, 'name', at, 'a test')
  const name = nameNode && read.text(nameNode, 'name')
  const startNode = entryOf(map, 'start')?.value
  const startMs = (startNode && dateOf(read, startNode, 'start')) ?? TEST_START_MS
  const eventsNode = read.required(map, 'events', at, 'a test')
  const events = eventsNode && checkEvents(read, eventsNode, startMs, tested)
  const expect = checkExpectations(read, map, 'expect', startMs, tested)
  const expectMuted = checkExpectations(read, map, 'expect_muted', startMs, tested)
  const abstainedNode = entryOf(map, 'expect_abstained')?.value
  const expectAbstained = abstainedNode ? read.integer(abstainedNode, 'expect_abstained', 0, COUNT_MAX) : null
  if (!entryOf(map, 'expect') && !entryOf(map, 'expect_muted') && !abstainedNode) {
    read.fault('missing-key', at, 'a test says what it expects', 'expect: [] is "nothing"')
  }
  const params = checkParams(read, map, tested)
  const lists = checkLists(read, map, tested)
  const features = checkTestFeatures(read, map, tested)
  if (read.report.errorCount > before || name === null || events === null) return null
  const { line, column } = read.report.source.position(at.start)
  return {
    rule: tested.id,
    version: tested.version,
    name,
    file: read.report.source.path,
    line,
    column,
    startMs,
    eventCount: events.count,
    events: events.writeOut,
    expect,
    expectMuted,
    expectAbstained,
    params,
    lists,
    features,
  }
}

function checkExpectations(
  read: Reader,
  test: MapNode,
  key: string,
  startMs: number,
  tested: Tested,
): Expectation[] | null {
  const node = entryOf(test, key)?.value
  const list = node && read.seq(node, key)
  if (!list) return null
  const out: Expectation[] = []
  for (const item of list.items) {
    const row = read.map(item, `a row of ${key}`)
    if (row) out.push(checkExpectation(read, row, startMs, tested))
  }
  return out
}

function checkExpectation(read: Reader, row: MapNode, startMs: number, tested: Tested): Expectation {
  const known: readonly string[] = EXPECTATION_KEYS[tested.kind]
  read.keys(row, known, `of an expectation about a ${tested.kind}`)
  const value = (key: string): Node | undefined => (known.includes(key) ? entryOf(row, key)?.value : undefined)
  const { line, column } = read.report.source.position(firstLine(row).start)
  const at = value('at')
  const offset = at ? offsetOf(read, at, 'at') : null
  const severity = value('severity')
  const folded = value('folded')
  const explain = value('explain_contains')
  return {
    line,
    column,
    atMs: offset === null ? null : startMs + offset,
    key: checkKey(read, value('key'), tested),
    severity: severity ? read.oneOf(severity, 'severity', SEVERITIES) : null,
    measure: checkMeasures(read, value('measure'), tested),
    violation: checkViolation(read, value('violation'), tested),
    folded: folded ? read.integer(folded, 'folded', 0, COUNT_MAX) : null,
    suspects: checkSuspects(read, value('suspects')),
    explainContains: explain ? read.text(explain, 'explain_contains') : null,
    items: checkItems(read, value('items'), tested),
  }
}

function checkKey(read: Reader, node: Node | undefined, { names, kind }: Tested): Expectation['key'] {
  const map = node && read.map(node, 'key')
  if (!map) return null
  const out = bare<FieldValue>()
  for (const { key, keySpan, value } of map.entries) {
    const type = names.by.get(key)
    if (type === undefined) {
      const where = kind === 'ranking' ? '"per"' : '"by"'
      read.fault('unknown-key-field', keySpan, `"${key}" is not in ${where}`, didYouMean(key, names.by.keys()))
      continue
    }
    const scalar = read.scalar(value, `the key "${key}"`)
    if (!scalar) continue
    if (fits(type, scalar.value)) out[key] = scalar.value
    else
      read.fault(
        'type-mismatch',
        value,
        `"${key}" is ${type === 'string' ? 'text' : `a ${type}`}`,
        type === 'string' ? 'put it in quotes' : null,
      )
  }
  return out
}

function fits(type: Type, value: FieldValue): boolean {
  return type === 'unknown' || type === 'null' || value === null || typeof value === type
}

function checkMeasures(read: Reader, node: Node | undefined, { names }: Tested): Expectation['measure'] {
  const map = node && read.map(node, 'measure')
  if (!map) return null
  const out = bare<MeasureValue>()
  for (const { key, keySpan, value } of map.entries) {
    const type = names.measures.get(key)
    if (type === undefined) {
      const hint = didYouMean(key, names.measures.keys())
      read.fault('unknown-measure', keySpan, `"${key}" is not a measure of this rule`, hint)
    } else if (value.kind === 'scalar' && value.value === null) out[key] = null
    else {
      const expected = type === 'list' ? checkValues(read, value, key) : checkValue(read, value, key, type)
      if (expected !== null) out[key] = expected
    }
  }
  return out
}

function checkValue(read: Reader, node: Node, measure: string, type: Type): FieldValue {
  if (type === 'number') return read.number(node, `the measure "${measure}"`)
  const scalar = read.scalar(node, `the measure "${measure}"`)
  if (!scalar) return null
  if (fits(type, scalar.value)) return scalar.value
  const hint = type === 'string' ? 'put it in quotes' : null
  return read.fault('type-mismatch', node, `the measure "${measure}" is ${aType(type)}`, hint)
}

/** All values of a `top` measure, in their order. */
function checkValues(read: Reader, node: Node, measure: string): (number | string | boolean)[] | null {
  const list = read.seq(node, `the measure "${measure}"`)
  return list ? list.items.flatMap((item) => read.scalar(item, 'a value')?.value ?? []) : null
}

function checkViolation(read: Reader, node: Node | undefined, { names }: Tested): string | null {
  const name = node ? read.text(node, 'violation') : null
  if (!node || name === null || names.violations.has(name)) return name
  const hint = didYouMean(name, names.violations)
  return read.fault('unknown-name', node, `"${name}" is not a violation or match of this rule`, hint)
}

/** `[B0, B1]`, or `[{ value: B0, events: 3 }]`. */
function checkSuspects(read: Reader, node: Node | undefined): Expectation['suspects'] {
  const list = node && read.seq(node, 'suspects')
  if (!list) return null
  const out: { value: FieldValue; events: number | null }[] = []
  for (const item of list.items) {
    if (item.kind === 'map') {
      read.keys(item, Object.keys(SUSPECT_KEYS), 'of a suspect')
      const valueNode = read.required(item, 'value', firstLine(item), 'a suspect')
      const value = valueNode && read.scalar(valueNode, 'value')
      const eventsNode = entryOf(item, 'events')?.value
      const events = eventsNode ? read.integer(eventsNode, 'events', 1, COUNT_MAX) : null
      if (value) out.push({ value: value.value, events })
    } else {
      const scalar = read.scalar(item, 'a suspect')
      if (scalar) out.push({ value: scalar.value, events: null })
    }
  }
  return out
}

/** `[I1, I2]`, or `[{ id: I1, rank: 1, users: 3 }]`. */
function checkItems(read: Reader, node: Node | undefined, { names }: Tested): Expectation['items'] {
  const list = node && read.seq(node, 'items')
  if (!list) return null
  const out: ExpectedItem[] = []
  for (const item of list.items) {
    const idNode = item.kind === 'map' ? read.required(item, 'id', firstLine(item), 'an item') : item
    const id = idNode && read.scalar(idNode, 'an item')
    if (!id) continue
    if (typeof id.value === 'boolean' || id.value === null) read.fault('wrong-value', item, 'an item is its id')
    else out.push({ id: id.value, values: item.kind === 'map' ? checkColumns(read, item, names) : {} })
  }
  return out
}

function checkColumns(read: Reader, map: MapNode, { measures }: TestNames): Record<string, ColumnValue> {
  const out = bare<ColumnValue>()
  for (const { key, keySpan, value } of map.entries) {
    if (key === 'id' || value.kind === 'broken') continue
    if (!measures.has(key)) {
      const hint = didYouMean(key, measures.keys())
      read.fault('unknown-measure', keySpan, `"${key}" is not a column of this ranking`, hint)
    } else if (value.kind === 'map') read.fault('wrong-value', value, `the column "${key}" is a value or a list`)
    else if (value.kind === 'scalar') out[key] = value.value
    else {
      for (const v of value.items) if (v.kind !== 'scalar') read.scalar(v, 'a value')
      // only sparklines have nulls in their lists
      out[key] = value.items.map((v) => (v.kind === 'scalar' ? v.value : null)) as ColumnValue
    }
  }
  return out
}

function checkParams(read: Reader, test: MapNode, { params }: Tested): Record<string, Scalar> {
  const node = entryOf(test, 'params')?.value
  const map = node && read.map(node, 'params')
  const out = bare<Scalar>()
  for (const { key, keySpan, value } of map ? map.entries : []) {
    const now = params.get(key)
    if (now === undefined) {
      read.fault('unknown-param', keySpan, `"${key}" is not in "params"`, didYouMean(key, params.keys()))
      continue
    }
    const scalar = read.scalar(value, `the param "${key}"`)
    if (!scalar || scalar.value === null) continue
    if (typeof scalar.value === typeof now) out[key] = scalar.value
    else read.fault('type-mismatch', value, `the param "${key}" is a ${typeof now}`)
  }
  return out
}

function checkLists(read: Reader, test: MapNode, { lists, incomplete }: Tested): Record<string, (string | number)[]> {
  const node = entryOf(test, 'lists')?.value
  const map = node && read.map(node, 'lists')
  const out = bare<(string | number)[]>()
  for (const { key, keySpan, value } of map ? map.entries : []) {
    const of = lists.get(key)
    if (of === undefined && !incomplete) {
      read.fault('unknown-list', keySpan, `there is no list "${key}" in the files given`, didYouMean(key, lists.keys()))
    }
    const items: (string | number)[] = []
    for (const item of read.seq(value, `the list "${key}"`)?.items ?? []) {
      const scalar = read.scalar(item, 'an item')
      if (!scalar) continue
      const { value: id } = scalar
      if (typeof id === 'boolean' || id === null || (of !== undefined && typeof id !== of)) {
        read.fault(
          'type-mismatch',
          item,
          `the list "${key}" holds ${of ?? 'string'}s`,
          of === 'string' ? 'put it in quotes' : null,
        )
      } else items.push(id)
    }
    out[key] = items
  }
  return out
}
