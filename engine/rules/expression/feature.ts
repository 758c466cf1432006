import type { ASTNode } from '@marcbachmann/cel-js'
import { didYouMean } from '../source/suggest.ts'
import type { Checker } from './checker.ts'
import { spanIn } from './parse.ts'
import { comparable, knownType, type Typed, UNKNOWN } from './typed.ts'
import { aType, listHint } from './wording.ts'

/** `features.market_price[event.item_id].median`, taken apart; offsets are those of the names. */
export interface FeatureRead {
  readonly feature: string
  readonly featureAt: number
  readonly key: ASTNode
  readonly measure: string
  readonly measureAt: number
}

/** Null when `node` is something else. */
export function featureRead(node: ASTNode): FeatureRead | null {
  if (node.op !== '.' || node.args[0].op !== '[]') return null
  const [indexed, measure] = node.args
  const [of, key] = indexed.args as [ASTNode, ASTNode]
  if (of.op !== '.' || of.args[0].op !== 'id' || of.args[0].args !== 'features') return null
  return { feature: of.args[1], featureAt: of.pos, key, measure, measureAt: node.pos }
}

export function inferFeature(checker: Checker, { feature, featureAt, key, measure, measureAt }: FeatureRead): Typed {
  const { features, uses, open } = checker.names
  const typed = checker.infer(key)
  uses.features.add(`${feature}.${measure}`)
  const known = features.get(feature)
  if (!known) {
    if (open.features) return UNKNOWN
    const span = spanIn(checker.source, featureAt, featureAt + feature.length)
    const message = `there is no feature "${feature}" in the files given`
    return checker.faultAt('unknown-feature', span, message, didYouMean(feature, features.keys()))
  }
  if (!comparable(known.key, typed.type)) {
    const message = `"${feature}" is read by ${known.by}, ${aType(known.key)}, but this is ${aType(typed.type)}`
    checker.fault('type-mismatch', key, message, listHint(typed))
  }
  if (!known.measures) return UNKNOWN
  const type = known.measures.get(measure)
  if (type === undefined) {
    const span = spanIn(checker.source, measureAt, measureAt + measure.length)
    const message = `"${measure}" is not a measure of the feature "${feature}"`
    return checker.faultAt('unknown-measure', span, message, didYouMean(measure, known.measures.keys()))
  }
  return { type, expression: { op: 'feature', type: knownType(type), feature, key: typed.expression, measure } }
}

export function featureHint(checker: Checker, feature: string, measure?: string): string {
  const known = checker.names.features.get(feature)
  const [first] = known?.measures?.keys() ?? []
  return `as in features.${feature}[event.${known?.by ?? 'item_id'}].${measure ?? first ?? 'median'}`
}
