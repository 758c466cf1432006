import { isFed, type Rule, type RuleSet, type SequenceRule } from '../../model/rule.ts'

/** Live rules whose alerts feed lists that `definition` reads, directly or by way of others. */
export function feedersOf(definition: Rule | SequenceRule, set: RuleSet): (Rule | SequenceRule)[] {
  const live = [...set.rules, ...set.sequences].filter((d) => d.mode === 'live')
  const feeders = new Set<Rule | SequenceRule>()
  const waiting: object[] = [definition, ...set.features]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const read = listsIn(next)
    const rules = set.lists.flatMap((list) => (read.has(list.id) && isFed(list) ? [list.source.rule] : []))
    for (const feeder of live) {
      if (feeder === definition || !rules.includes(feeder.id) || feeders.has(feeder)) continue
      feeders.add(feeder)
      waiting.push(feeder)
    }
  }
  return [...feeders]
}

function listsIn(tree: unknown, names = new Set<string>()): Set<string> {
  if (typeof tree !== 'object' || tree === null) return names
  const { op, list } = tree as { op?: unknown; list?: unknown }
  if (op === 'inList' && typeof list === 'string') names.add(list)
  for (const inner of Object.values(tree)) listsIn(inner, names)
  return names
}
