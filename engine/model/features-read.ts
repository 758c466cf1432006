import type { Definition, Feature } from './rule.ts'

/** Ids of the features that expressions of `tree` read. */
export function featureNamesIn(tree: unknown): Set<string> {
  const names = new Set<string>()
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { op, feature } = node as { op?: unknown; feature?: unknown }
    if (op === 'feature' && typeof feature === 'string') names.add(feature)
    for (const inner of Object.values(node)) walk(inner)
  }
  walk(tree)
  return names
}

/** Those of `features` that the definitions read, and that those read in turn, in their order. */
export function featuresRead(definitions: readonly Definition[], features: readonly Feature[]): Feature[] {
  const wanted = featureNamesIn(definitions)
  for (const id of wanted)
    for (const other of featureNamesIn(features.find((f) => f.id === id) ?? null)) wanted.add(other)
  return features.filter(({ id }) => wanted.has(id))
}
