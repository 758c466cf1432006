import type { Measure } from '../../model/rule.ts'
import { BASELINE_PARTS, type Type } from '../expression/names.ts'
import type { Ranges } from '../expression/ranges.ts'
import { MEASURES_MAX } from '../shape/limits.ts'
import { RUNNING_KINDS } from '../shape/measures.ts'
import type { Reader } from '../source/read.ts'
import { nearest } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import type { Entry, MapNode } from '../source/tree.ts'
import { goodName } from '../source/values.ts'
import { checkBaseline } from './baseline.ts'
import type { Draft } from './definition.ts'
import { MeasureNames, type Spec } from './measure-names.ts'
import { measureRanges, partsOf } from './measure-ranges.ts'
import { checkRatio } from './ratio.ts'
import { checkRunning } from './running.ts'
import type { Window } from './window.ts'

const KINDS: readonly string[] = [...Object.keys(RUNNING_KINDS), 'ratio', 'baseline']

export interface CheckedMeasures {
  /** In the order of the file; faulty ones are left out. */
  readonly measures: readonly Measure[]
  /** What conditions and tests may read, by the names that they use: `orders`, `usual.mean`. */
  readonly types: ReadonlyMap<string, Type>
  /** What the values of a list measure are. */
  readonly elements: ReadonlyMap<string, Type>
  /** What the numbers among them can come to. */
  readonly ranges: Ranges
  /** The first `prior: true`. */
  readonly prior: Span | null
}

/** `measure:` -> measures in the order of the file. `window` is the rule's own, null if it is faulty. */
export function checkMeasures(draft: Draft, window: Window | null): CheckedMeasures {
  const { read } = draft
  const names = new MeasureNames(draft)
  const node = draft.required('measure')
  const map = node && read.map(node, 'measure')
  if (!map) return { measures: [], types: names.types, elements: names.elements, ranges: new Map(), prior: null }
  if (map.entries.length === 0) read.fault('missing-key', map, `a ${draft.kind} needs at least one measure`)
  if (map.entries.length > MEASURES_MAX)
    read.fault('too-many', map, `${map.entries.length} measures; at most ${MEASURES_MAX}`)
  const specs = map.entries.flatMap((entry) => readSpec(names, entry) ?? [])
  const found = new Map<string, Measure>()
  const take = (measure: Measure | null) => {
    if (measure) found.set(measure.name, measure)
  }
  // What others are made of comes first, so that their order in the file does not matter.
  for (const spec of specs) if (Object.hasOwn(RUNNING_KINDS, spec.kind.key)) take(checkRunning(names, spec, window))
  for (const spec of specs) if (spec.kind.key === 'ratio') take(checkRatio(names, spec))
  for (const spec of specs) if (spec.kind.key === 'baseline') take(checkBaseline(names, spec))
  const measures = specs.flatMap(({ name }) => found.get(name) ?? [])
  const parts = new Set(measures.flatMap(partsOf))
  for (const { name, span } of specs) if (!parts.has(name)) draft.measureSpans.set(name, span)
  return { measures, types: names.types, elements: names.elements, ranges: measureRanges(measures), prior: names.prior }
}

function readSpec(names: MeasureNames, { key: name, keySpan: span, value }: Entry): Spec | null {
  const { read, letTypes } = names.draft
  goodName(read, name, span, 'a measure')
  if (letTypes.has(name)) read.fault('duplicate-name', span, `"${name}" is a let already`)
  names.kinds.set(name, null)
  names.types.set(name, 'unknown')
  if (value.kind !== 'map') {
    if (value.kind !== 'broken')
      read.fault('wrong-value', value, `the measure "${name}" is a mapping`, 'such as { count: events }')
    return null
  }
  const kind = kindOf(names.draft.read, value, KINDS, 'a measure')
  if (!kind) return null
  if (kind.key === 'baseline' && names.draft.kind === 'feature')
    return read.fault(
      'wrong-value',
      kind.keySpan,
      'a feature has no baselines',
      'a rule may take one of its own measures',
    )
  names.kinds.set(name, kind.key)
  if (kind.key === 'baseline') {
    names.types.delete(name)
    for (const part of BASELINE_PARTS) names.types.set(`${name}.${part}`, 'number')
  } else if (kind.key === 'top') names.types.set(name, 'list')
  else if (kind.key !== 'last') names.types.set(name, 'number')
  return { name, span, kind, node: value }
}

/** The entry that says what is measured. */
export function kindOf(read: Reader, node: MapNode, kinds: readonly string[], what: string): Entry | null {
  const [kind, second] = node.entries.filter((e) => kinds.includes(e.key))
  if (!kind) {
    const guess = node.entries.map((e) => nearest(e.key, kinds)).find((k) => k !== null)
    const hint = guess ? `did you mean "${guess}"?` : null
    return read.fault('unknown-key', node, `${what} says what it measures: one of ${kinds.join(', ')}`, hint)
  }
  if (!second) return kind
  const message = `${what} is of one kind, and "${kind.key}" stands there already`
  return read.fault('wrong-value', second.keySpan, message)
}
