import type { BaselineMeasure, Measure, RatioMeasure, RunningMeasure } from '../../model/rule.ts'
import { aType, BASELINE_PARTS } from '../expression/check.ts'
import type { Type } from '../expression/names.ts'
import { nearest } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { type Entry, entryOf, type MapNode } from '../source/tree.ts'
import { goodName } from '../source/values.ts'
import { checkBaseline } from './baseline.ts'
import type { Draft } from './definition.ts'
import { checkRatio } from './ratio.ts'
import { checkRunning, RUNNING_KINDS } from './running.ts'
import type { Window } from './window.ts'

const MEASURES_MAX = 64
const KINDS: readonly string[] = [...RUNNING_KINDS, 'ratio', 'baseline']

/** A measure as the file has it: its name, its kind with what it measures, and all of its keys. */
export interface Spec {
  readonly name: string
  readonly span: Span
  readonly kind: Entry
  readonly node: MapNode
}

export interface CheckedMeasures {
  /** In the order of the file; faulty ones are left out. */
  readonly measures: readonly Measure[]
  /** What conditions and tests may read, by the names that they use: `orders`, `usual.mean`. */
  readonly types: ReadonlyMap<string, Type>
  /** What the values of a list measure are. */
  readonly elements: ReadonlyMap<string, Type>
  /** The first `prior: true`. */
  readonly prior: Span | null
}

/** Measures of a rule while they are checked: what ratios and baselines can be made of. */
export class MeasureNames {
  readonly draft: Draft
  /** Every name of the file, with its kind; null where that is faulty. */
  readonly kinds = new Map<string, string | null>()
  readonly types = new Map<string, Type>()
  readonly elements = new Map<string, Type>()
  readonly running = new Map<string, RunningMeasure>()
  readonly ratios = new Map<string, RatioMeasure>()
  prior: Span | null = null

  constructor(draft: Draft) {
    this.draft = draft
  }

  /** The kind of the measure `name`; null after a fault, or where it has one of its own. */
  kindOf(name: string, span: Span): string | null {
    const kind = this.kinds.get(name)
    if (kind !== undefined) return kind
    const meant = nearest(name, this.kinds.keys())
    const hint = meant === null ? null : `did you mean "${meant}"?`
    return this.draft.read.fault('unknown-measure', span, `"${name}" is not a measure of this rule`, hint)
  }

  /** True for a measure that gives numbers. */
  isNumeric(name: string, span: Span, what: string): boolean {
    const type = this.types.get(name)
    if (type === 'number') return true
    if (type === 'unknown' || type === undefined) return false
    const { read } = this.draft
    read.fault('type-mismatch', span, `${what} needs numbers, but "${name}" is ${aType(type)}`)
    return false
  }
}

/** `measure:` -> measures in the order of the file. `window` is the rule's own, null if it is faulty. */
export function checkMeasures(draft: Draft, window: Window | null): CheckedMeasures {
  const { read } = draft
  const names = new MeasureNames(draft)
  const node = draft.required('measure')
  const map = node && read.map(node, 'measure')
  if (!map) return { ...names, measures: [] }
  if (map.entries.length === 0) read.fault('missing-key', map, 'a rule needs at least one measure')
  if (map.entries.length > MEASURES_MAX)
    read.fault('too-many', map, `${map.entries.length} measures; at most ${MEASURES_MAX}`)
  const specs = map.entries.flatMap((entry) => readSpec(names, entry) ?? [])
  const found = new Map<string, Measure>()
  const take = (measure: RunningMeasure | RatioMeasure | BaselineMeasure | null) => {
    if (measure) found.set(measure.name, measure)
  }
  // What others are made of comes first, so that their order in the file does not matter.
  for (const spec of specs) if (RUNNING_KINDS.some((k) => k === spec.kind.key)) take(checkRunning(names, spec, window))
  for (const spec of specs) if (spec.kind.key === 'ratio') take(checkRatio(names, spec))
  for (const spec of specs) if (spec.kind.key === 'baseline') take(checkBaseline(names, spec))
  const measures = specs.flatMap(({ name }) => found.get(name) ?? [])
  return { measures, types: names.types, elements: names.elements, prior: names.prior }
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
  const kind = kindOf(names, value)
  if (!kind) return null
  names.kinds.set(name, kind.key)
  if (kind.key === 'baseline') {
    names.types.delete(name)
    for (const part of BASELINE_PARTS) names.types.set(`${name}.${part}`, 'number')
  } else if (kind.key === 'top') names.types.set(name, 'list')
  else if (kind.key !== 'last') names.types.set(name, 'number')
  return { name, span, kind, node: value }
}

/** The entry that says what is measured. */
function kindOf({ draft }: MeasureNames, node: MapNode): Entry | null {
  const { read } = draft
  const [kind, second] = node.entries.filter((e) => KINDS.includes(e.key))
  if (!kind) {
    const guess = node.entries.map((e) => nearest(e.key, KINDS)).find((k) => k !== null)
    const hint = guess ? `did you mean "${guess}"?` : null
    return read.fault('unknown-key', node, `a measure says what it measures: one of ${KINDS.join(', ')}`, hint)
  }
  if (!second) return kind
  const message = `a measure is of one kind, and "${kind.key}" stands there already`
  return read.fault('wrong-value', second.keySpan, message)
}

/** A key that other measures have and this kind has not, with the reason. */
export function misplaced(names: MeasureNames, { node, kind }: Spec, keys: readonly string[], hint: string): void {
  for (const key of keys) {
    const entry = entryOf(node, key)
    const message = `"${key}" is not a key of a ${kind.key} measure`
    if (entry) names.draft.read.fault('unknown-key', entry.keySpan, message, hint)
  }
}
