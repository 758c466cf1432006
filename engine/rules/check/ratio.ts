import { bare } from '../../kit/own.ts'
import type { RatioMeasure } from '../../model/rule.ts'
import type { Type } from '../expression/names.ts'
import { aType } from '../expression/wording.ts'
import { LOWER_BOUND_MIN, RATIO_PARTS } from '../shape/limits.ts'
import { RATIO_KEYS, RUNNING_KEYS } from '../shape/measures.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { type Entry, entryOf } from '../source/tree.ts'
import { type MeasureNames, misplaced, type Spec } from './measure-names.ts'
import { standardScore } from './standard-score.ts'

const NOT_OWN = Object.keys(RUNNING_KEYS)

export function checkRatio(names: MeasureNames, spec: Spec): RatioMeasure | null {
  const { read } = names.draft
  const { name, node, kind } = spec
  misplaced(names, spec, NOT_OWN, 'give it to the two measures it divides')
  read.keys(node, [...Object.keys(RATIO_KEYS), ...NOT_OWN], 'of a ratio measure')
  const atLeast = checkAtLeast(names, spec)
  const lowerBound = checkLowerBound(names, spec)
  const parts = read.seq(kind.value, '"ratio"')
  if (!parts) return null
  if (parts.items.length !== RATIO_PARTS)
    return read.fault('wrong-value', parts, 'a ratio has two parts', 'such as ratio: [orders, buyers]')
  const [numerator, denominator] = parts.items.map((item) => {
    const part = read.text(item, 'a part of a ratio')
    return part !== null && isRunning(names, part, item.span) ? part : null
  })
  if (numerator === null || denominator === null) return null
  const ratio = {
    kind: 'ratio',
    name,
    numerator,
    denominator,
    ...atLeast,
    ...lowerBound,
  } as const
  names.ratios.set(name, ratio)
  return ratio
}

function checkAtLeast(names: MeasureNames, { node }: Spec): Pick<RatioMeasure, 'atLeast' | 'atLeastParams'> {
  const { read, params } = names.draft
  const value = entryOf(node, 'at_least')?.value
  const map = value && read.map(value, 'at_least')
  const atLeast = bare<number>()
  const atLeastParams = bare<string>()
  for (const entry of map ? map.entries : []) {
    if (!isRunning(names, entry.key, entry.keySpan)) continue
    const param = paramOf(names, entry)
    const least = param === null ? read.number(entry.value, `at_least of "${entry.key}"`) : params.get(param)
    if (typeof least === 'number') atLeast[entry.key] = least
    if (param !== null) atLeastParams[entry.key] = param
  }
  return Object.keys(atLeastParams).length > 0 ? { atLeast, atLeastParams } : { atLeast }
}

/** `params.min` -> `min`, with a fault if that is no number; null = something else stands there. */
function paramOf({ draft: { read, params, conditionUses } }: MeasureNames, { key, value }: Entry): string | null {
  const [, name] = /^params\.(\w+)$/.exec(value.kind === 'scalar' ? value.text : '') ?? []
  if (name === undefined) return null
  conditionUses.params.add(name)
  const param = params.get(name)
  if (param === undefined)
    read.fault('unknown-param', value, `"${name}" is not in "params"`, didYouMean(name, params.keys()))
  else if (typeof param !== 'number')
    read.fault(
      'type-mismatch',
      value,
      `at_least of "${key}" is a number, but the param "${name}" is ${aType(typeof param as Type)}`,
    )
  return name
}

function checkLowerBound(names: MeasureNames, { node }: Spec): Pick<RatioMeasure, 'lowerBound' | 'lowerBoundZ'> | null {
  const { read } = names.draft
  const value = entryOf(node, 'lower_bound')?.value
  const confidence = value && read.number(value, 'lower_bound')
  if (!value || confidence === null || confidence === undefined) return null
  if (confidence >= LOWER_BOUND_MIN && confidence < 1)
    return { lowerBound: confidence, lowerBoundZ: standardScore(confidence) }
  const hint = confidence >= 50 && confidence < 100 ? `write ${confidence / 100}` : 'such as 0.95'
  return read.fault('out-of-range', value, 'lower_bound is a confidence from 0.5 to below 1', hint)
}

/** Ratios are made of measures that are kept, not of ratios: so their order does not matter and nothing goes in circles. */
function isRunning(names: MeasureNames, name: string, span: Span): boolean {
  const kind = names.kindOf(name, span)
  if (kind === null) return false
  if (kind !== 'ratio' && kind !== 'baseline') return names.isNumeric(name, span, 'a ratio')
  const what = kind === 'ratio' ? 'a ratio itself' : 'a baseline'
  names.draft.read.fault('wrong-value', span, `"${name}" is ${what}`, 'name measures that are counted or summed')
  return false
}
