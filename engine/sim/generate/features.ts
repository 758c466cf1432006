/** Parts of the semantics that rules can be generated without, for a fast engine that does not have them yet. */
export const FEATURES = [
  'last',
  'share',
  'top',
  'percentile',
  'lower_bound',
  'prior',
  'tumbling',
  'baseline',
  'sequences',
  'published',
] as const
export type Feature = (typeof FEATURES)[number]

export const ALL_FEATURES: ReadonlySet<Feature> = new Set(FEATURES)
/** `weight` when the feature is wanted, else 0. */
export function weigh(features: ReadonlySet<Feature>, feature: Feature, weight: number): number {
  return features.has(feature) ? weight : 0
}
