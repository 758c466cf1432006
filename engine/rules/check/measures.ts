import type { Measure, RatioMeasure, RunningMeasure } from '../../model/rule.ts'
import { aType } from '../expression/check.ts'
import { nearest } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { type Entry, entryOf, type MapNode } from '../source/tree.ts'
import { goodName, windowOf } from '../source/values.ts'
import type { Draft } from './definition.ts'

const MEASURES_MAX = 64
const RUNNING = ['count', 'distinct', 'sum', 'avg', 'min', 'max', 'stddev'] as const
const NUMERIC = new Set<string>(['sum', 'avg', 'min', 'max', 'stddev'])
const KINDS: readonly string[] = [...RUNNING, 'ratio']
const LATER_KINDS: Readonly<Record<string, string>> = {
  last: 'the measure "last"',
  share: 'the measure "share"',
  top: 'the measure "top"',
  percentile: 'the measure "percentile"',
  baseline: 'the measure "baseline"',
}
const LATER_KEYS: Readonly<Record<string, string>> = {
  ...LATER_KINDS,
  prior: '"prior"',
  lower_bound: '"lower_bound"',
  k: '"k"',
  p: '"p"',
  over: '"over"',
  step: '"step"',
  min_points: '"min_points"',
}

/** `measure:` -> measures in the order of the file. `windowMs` is the rule's own window, 0 if it is faulty. */
export function checkMeasures(draft: Draft, windowMs: number): Measure[] {
  const { read } = draft
  const node = draft.required('measure')
  const map = node && read.map(node, 'measure')
  if (!map) return []
  if (map.entries.length === 0) read.fault('missing-key', map, 'a rule needs at least one measure')
  if (map.entries.length > MEASURES_MAX)
    read.fault('too-many', map, `${map.entries.length} measures; at most ${MEASURES_MAX}`)
  const out: Measure[] = []
  for (const entry of map.entries) {
    checkName(draft, entry)
    const spec = entry.value.kind === 'map' ? entry.value : null
    if (!spec) {
      if (entry.value.kind !== 'broken')
        read.fault('wrong-value', entry.value, `the measure "${entry.key}" is a mapping`, 'such as { count: events }')
      continue
    }
    const measure = checkMeasure(draft, entry, spec, windowMs, map)
    if (measure) out.push(measure)
  }
  return out
}

function checkName(draft: Draft, { key, keySpan }: Entry): void {
  goodName(draft.read, key, keySpan, 'a measure')
  if (draft.letTypes.has(key)) draft.read.fault('duplicate-name', keySpan, `"${key}" is a let already`)
}

function checkMeasure(draft: Draft, entry: Entry, spec: MapNode, windowMs: number, all: MapNode): Measure | null {
  const { read } = draft
  const kinds = spec.entries.filter((e) => KINDS.includes(e.key))
  const later = spec.entries.filter((e) => Object.hasOwn(LATER_KINDS, e.key))
  if (kinds.length === 0 && later.length > 0) {
    for (const e of later) read.later(e.keySpan, LATER_KINDS[e.key])
    return null
  }
  if (kinds.length === 0) {
    const guess = spec.entries.map((e) => nearest(e.key, KINDS)).find((k) => k !== null)
    const hint = guess ? `did you mean "${guess}"?` : null
    return read.fault('unknown-key', spec, `a measure says what it measures: one of ${KINDS.join(', ')}`, hint)
  }
  if (kinds.length > 1)
    return read.fault(
      'wrong-value',
      kinds[1].keySpan,
      `a measure is of one kind, and "${kinds[0].key}" stands there already`,
    )
  const kind = kinds[0]
  if (kind.key === 'ratio') return checkRatio(draft, entry, spec, kind, all)
  read.keys(spec, [kind.key, 'where', 'window'], LATER_KEYS, `of a ${kind.key} measure`)
  const of = measured(draft, kind)
  const where = draft.readingCondition(entryOf(spec, 'where')?.value, 'where')
  const own = entryOf(spec, 'window')
  if (own?.value.kind === 'map') {
    read.later(own.keySpan, 'a calendar window')
    return null
  }
  const ownMs = own ? windowOf(read, own.value, 'window') : windowMs
  if (of === undefined) return null
  return { kind: kind.key as RunningMeasure['kind'], name: entry.key, of, where, windowMs: ownMs ?? 0 }
}

/** What is measured; undefined after a fault. */
function measured(draft: Draft, kind: Entry): string | null | undefined {
  const { read } = draft
  const name = read.text(kind.value, `"${kind.key}"`)
  if (name === null) return undefined
  if (kind.key === 'count') {
    if (name === 'events') return null
    read.fault(
      'wrong-value',
      kind.value,
      'count counts events',
      name.length > 0 ? `write count: events, or distinct: ${name}` : null,
    )
    return undefined
  }
  const type = draft.fieldOrLet(name, kind.value.span)
  if (type === null) return undefined
  if (NUMERIC.has(kind.key) && type !== 'number' && type !== 'unknown') {
    read.fault('type-mismatch', kind.value, `${kind.key} needs numbers, but "${name}" is ${aType(type)}`)
    return undefined
  }
  return name
}

function checkRatio(draft: Draft, entry: Entry, spec: MapNode, ratio: Entry, all: MapNode): RatioMeasure | null {
  const { read } = draft
  for (const key of ['where', 'window']) {
    const misplaced = entryOf(spec, key)
    if (misplaced)
      read.fault(
        'unknown-key',
        misplaced.keySpan,
        `"${key}" is not a key of a ratio measure`,
        'give it to the two measures it divides',
      )
  }
  read.keys(spec, ['ratio', 'at_least', 'where', 'window'], LATER_KEYS, 'of a ratio measure')
  const parts = read.seq(ratio.value, '"ratio"')
  if (!parts) return null
  if (parts.items.length !== 2)
    return read.fault('wrong-value', parts, 'a ratio has two parts', 'such as ratio: [orders, buyers]')
  const names = parts.items.map((item) => {
    const name = read.text(item, 'a part of a ratio')
    return name !== null && isRunning(draft, name, item.span, all) ? name : null
  })
  const atLeast = checkAtLeast(draft, spec, all)
  const [numerator, denominator] = names
  if (numerator === null || denominator === null) return null
  return { kind: 'ratio', name: entry.key, numerator, denominator, atLeast }
}

function checkAtLeast(draft: Draft, spec: MapNode, all: MapNode): Record<string, number> {
  const { read } = draft
  const node = entryOf(spec, 'at_least')?.value
  const map = node && read.map(node, 'at_least')
  const out: Record<string, number> = {}
  for (const { key, keySpan, value } of map ? map.entries : []) {
    if (!isRunning(draft, key, keySpan, all)) continue
    const least = read.number(value, `at_least of "${key}"`)
    if (least !== null) out[key] = least
  }
  return out
}

/** Ratios are made of measures that are kept, not of ratios: so their order does not matter and nothing goes in circles. */
function isRunning(draft: Draft, name: string, span: Span, all: MapNode): boolean {
  const { read } = draft
  const other = entryOf(all, name)
  if (!other) {
    const hint = nearest(
      name,
      all.entries.map((e) => e.key),
    )
    read.fault(
      'unknown-measure',
      span,
      `"${name}" is not a measure of this rule`,
      hint ? `did you mean "${hint}"?` : null,
    )
    return false
  }
  if (other.value.kind !== 'map' || !entryOf(other.value, 'ratio')) return true
  read.fault('wrong-value', span, `"${name}" is a ratio itself`, 'name measures that are counted or summed')
  return false
}
