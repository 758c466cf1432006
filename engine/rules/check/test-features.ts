import { bare } from '../../kit/own.ts'
import type { Cell, MeasureValue } from '../../model/output.ts'
import type { FixedValues } from '../../model/rule.ts'
import type { FeatureNames, Type } from '../expression/names.ts'
import { aType } from '../expression/wording.ts'
import type { Reader } from '../source/read.ts'
import { didYouMean } from '../source/suggest.ts'
import { type Entry, entryOf, type MapNode } from '../source/tree.ts'
import type { Tested } from './tests.ts'

/** `features: { market_price: { I1: { median: 10 } } }`: what they say, whatever they would publish. */
export function checkTestFeatures(
  read: Reader,
  test: MapNode,
  { features, incomplete }: Pick<Tested, 'features' | 'incomplete'>,
): Record<string, FixedValues[]> {
  const node = entryOf(test, 'features')?.value
  const map = node && read.map(node, 'features')
  const out = bare<FixedValues[]>()
  for (const { key: id, keySpan, value } of map ? map.entries : []) {
    const names = features.get(id)
    if (!names && !incomplete) {
      const message = `there is no feature "${id}" in the files given`
      read.fault('unknown-feature', keySpan, message, didYouMean(id, features.keys()))
      continue
    }
    const keys = read.map(value, `the feature "${id}"`)
    out[id] = names && keys ? keys.entries.flatMap((entry) => fixedValues(read, entry, id, names) ?? []) : []
  }
  return out
}

function fixedValues(read: Reader, entry: Entry, feature: string, names: FeatureNames): FixedValues | null {
  const key = cellOf(entry.key, names.key)
  if (key === undefined) {
    const message = `"${feature}" is read by ${names.by}, ${aType(names.key)}: ${JSON.stringify(entry.key)} is none`
    return read.fault('type-mismatch', entry.keySpan, message)
  }
  const map = read.map(entry.value, `what "${feature}" says of ${entry.key}`)
  const measures = bare<MeasureValue>()
  for (const { key: name, keySpan, value } of map ? map.entries : []) {
    const type = names.measures === null ? 'unknown' : names.measures.get(name)
    if (type === undefined) {
      const hint = didYouMean(name, names.measures!.keys())
      read.fault('unknown-measure', keySpan, `"${name}" is not a measure of the feature "${feature}"`, hint)
    } else if (value.kind === 'scalar' && value.value === null) measures[name] = null
    else if (type === 'list') {
      const list = read.seq(value, `the measure "${name}"`)
      measures[name] = list ? list.items.flatMap((item) => read.scalar(item, 'a value')?.value ?? []) : null
    } else {
      const scalar = read.scalar(value, `the measure "${name}"`)
      if (scalar && type !== 'unknown' && typeof scalar.value !== type)
        read.fault('type-mismatch', value, `the measure "${name}" is ${aType(type)}`)
      else if (scalar) measures[name] = scalar.value
    }
  }
  return { key, measures }
}

/** A key of a mapping is text: as the field has it. Undefined when it cannot be that. */
function cellOf(text: string, type: Type): Cell | undefined {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (type !== 'number') return text
  const number = Number(text)
  return text.trim() === '' || !Number.isFinite(number) ? undefined : number
}
