import type { Value } from '../../model/expression.ts'
import { type Feature, isRunning } from '../../model/rule.ts'
import { FeatureBoard, type FeatureSource, FixedFeature } from '../feature-board.ts'
import { FeatureMirror } from '../feature-mirror.ts'
import { readRatio, scaleOfMeasure } from '../ratio.ts'
import type { Draft } from './draft.ts'
import { placeOf, slidingOf, tumblingOf } from './place.ts'
import { addCount, addRunning } from './readers.ts'

/** What a board reads its measures by; `space` is a number still. */
type FeatureDraft = Omit<FeatureSource, 'space'> & { readonly space: number }

/** Makes what others ask of the feature. Where several tasks share a rule set, those of this one ask its mirror. */
export function addFeature(draft: Draft, feature: Feature): void {
  const { context, columns, boards, limits } = draft
  if (feature.fixed) {
    context.features.set(feature.id, new FixedFeature(feature))
    return
  }
  const isBoolean = (name: string) => columns.isBoolean(feature, name)
  const { memory, strings, counters } = draft
  const board = new FeatureBoard(feature, isBoolean, { memory, context, strings, counters, keysMax: limits.keys })
  boards.push(board)
  if (!draft.set.shared) context.features.set(feature.id, board)
}

/** Makes what is asked of a feature that comes through its control topic. */
export function addMirror(draft: Draft, feature: Feature): void {
  const { context, columns, limits, memory, strings, counters } = draft
  const isBoolean = (name: string) => columns.isBoolean(feature, name)
  const mirror = new FeatureMirror(feature, isBoolean, { memory, context, strings, counters, keysMax: limits.keys })
  draft.mirrors.push(mirror)
  context.features.set(feature.id, mirror)
}

/** Makes room for the measures of a feature that is published. */
export function addFeatureMeasures(draft: Draft, board: FeatureBoard): FeatureDraft {
  const { feature } = board
  const { types, clocks, counters } = draft
  const scope = draft.scope(feature)
  const clock = clocks.of(feature.settleMs)
  const space = draft.spaces.of(feature, feature.by, '')
  const filter = draft.filters.of(feature, scope)
  const at = { space, clock, filter }
  const readers = new Map<string, () => Value>()
  for (const measure of feature.measures)
    if (isRunning(measure)) readers.set(measure.name, addRunning(draft, feature, scope, at, measure).read)
  for (const measure of feature.measures)
    if (measure.kind === 'ratio')
      readers.set(measure.name, readRatio(measure, readers, scope, scaleOfMeasure(draft.columns, feature)))
  const places = [feature, ...feature.measures.filter(isRunning)].map((w) => placeOf(clocks, at, w))
  const events = places.map((place) => addCount(draft, feature, place))
  const labels = { rule: feature.id }
  types.use(feature, {
    board,
    space,
    filter,
    nullKeys: counters.counter('null_keys_total', labels),
    keysRefused: counters.counter('keys_refused_total', labels),
  })
  clocks.watch(clock, types.of(feature), slidingOf(places), { baseline: board, space, filter })
  const measures = feature.measures.map((m) => readers.get(m.name) as () => Value)
  return { space, events, measures, tumbling: tumblingOf(places) }
}
