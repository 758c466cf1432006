import type { RatioMeasure, RunningMeasure } from '../../model/rule.ts'
import type { Type } from '../expression/names.ts'
import { aType } from '../expression/wording.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { type Entry, entryOf, type MapNode } from '../source/tree.ts'
import type { Draft } from './definition.ts'

/** A measure as the file has it: its name, its kind with what it measures, and all of its keys. */
export interface Spec {
  readonly name: string
  readonly span: Span
  readonly kind: Entry
  readonly node: MapNode
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
    const hint = didYouMean(name, this.kinds.keys())
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

/** A key that other measures have and this kind has not, with the reason. */
export function misplaced(names: MeasureNames, { node, kind }: Spec, keys: readonly string[], hint: string): void {
  for (const key of keys) {
    const entry = entryOf(node, key)
    const message = `"${key}" is not a key of a ${kind.key} measure`
    if (entry) names.draft.read.fault('unknown-key', entry.keySpan, message, hint)
  }
}
