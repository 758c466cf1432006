import { featureNamesIn } from '../model/features-read.ts'
import { type Feature, isRunning, type RuleSet } from '../model/rule.ts'

/**
 * How much longer than the longest window events are held, so that all that features published over that window, and
 * what was asked of them as events were read, can be published again.
 */
export function featureReachMs({ rules, sequences, rankings, features }: RuleSet): number {
  const own = new Map(features.map((f) => [f.id, f]))
  const known = new Map<string, number>()
  const reachOf = (tree: unknown): number =>
    Math.max(0, ...[...featureNamesIn(tree)].flatMap((id) => (own.has(id) ? spanOf(own.get(id)!) : [])))
  const spanOf = (feature: Feature): number => {
    const span = known.get(feature.id) ?? windowMs(feature) + feature.everyMs + reachOf(feature)
    known.set(feature.id, span)
    return span
  }
  const published = features.filter(({ fixed }) => !fixed).map((f) => f.everyMs + reachOf(f))
  return Math.max(0, reachOf([rules, sequences, rankings]), ...published)
}

function windowMs({ windowMs, measures, fixed }: Feature): number {
  return fixed ? 0 : Math.max(windowMs, ...measures.filter(isRunning).map((m) => m.windowMs)) + 1
}
