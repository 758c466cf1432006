import type { Feature } from '../../model/rule.ts'
import type { FeatureNames } from '../expression/names.ts'
import { FEATURE_KEYS } from '../shape/feature.ts'
import { FEATURE_BY_MAX } from '../shape/limits.ts'
import { DAY_MS, durationOf } from '../source/values.ts'
import type { Draft } from './definition.ts'
import { checkMeasures } from './measures.ts'
import { checkBy } from './rule.ts'
import { checkWindow } from './window.ts'

const EVERY_MIN_MS = 1_000

export interface CheckedFeature {
  /** Null when there is a fault. */
  readonly feature: Omit<Feature, 'hash'> | null
  readonly names: FeatureNames
}

export function checkFeature(draft: Draft): CheckedFeature {
  const { read } = draft
  read.keys(draft.node, Object.keys(FEATURE_KEYS), 'of a feature')
  const version = draft.version()
  const title = draft.title()
  const owner = draft.owner()
  const measureNode = draft.value('measure')
  for (const { key } of measureNode?.kind === 'map' ? measureNode.entries : [])
    draft.hide(key, `"${key}" is a measure: this is asked of each event, before anything is measured`)
  draft.readLets()
  const where = draft.readingCondition(draft.value('where'), 'where')
  const unless = draft.readingCondition(draft.value('unless'), 'unless')
  const by = checkBy(draft)
  if (by.size > FEATURE_BY_MAX)
    read.fault(
      'too-many',
      draft.value('by')!,
      'a feature is read by one value: "by" names one field or let',
      'a let can join two, as in unordered(event.buyer_id, event.shop_id)',
    )
  const windowNode = draft.required('window')
  const window = windowNode && checkWindow(read, windowNode)
  const measured = checkMeasures(draft, window)
  const everyNode = draft.required('every')
  const everyMs = everyNode && durationOf(read, everyNode, 'every', EVERY_MIN_MS, DAY_MS)
  draft.warnUnused()

  const [[name, key] = ['', 'unknown' as const]] = by
  const isSound = read.report.errorCount === 0 && version !== null && title !== null && window && everyMs
  const feature = isSound
    ? ({
        kind: 'feature',
        id: draft.id,
        version,
        title,
        owner,
        mode: 'live',
        on: draft.types,
        lets: draft.lets,
        where,
        unless,
        settleMs: 0,
        params: Object.fromEntries(draft.params),
        by: [...by.keys()],
        ...window,
        everyMs,
        measures: measured.measures,
      } as const)
    : null
  const names = { by: name, key, measures: feature && measured.types, elements: measured.elements }
  return { feature, names }
}
