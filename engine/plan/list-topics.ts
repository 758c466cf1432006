import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'

/** Whose topics they are that no list may have. */
export interface TopicsInUse {
  readonly group: string
  readonly outputs: Readonly<Record<string, string>>
  readonly streams: readonly Stream[]
}

const OWN = ['router', 'control', 'lists']
const OWN_PREFIXES = ['exchange.', 'state.', 'feature.']

/** What is wrong with the topics that lists are read from: each has one that is in use for nothing else. Null: nothing. */
export function listTopicFault({ lists }: RuleSet, inUse: TopicsInUse): string | null {
  const taken = new Map<string, string>()
  for (const { id, source } of lists) {
    if (source?.kind !== 'topic') continue
    const { topic } = source
    const use = useOf(topic, inUse) ?? taken.get(topic)
    if (use !== undefined) return `list "${id}": its topic "${topic}" is ${use}: give the list a topic of its own`
    taken.set(topic, `that of list "${id}" too`)
  }
  return null
}

function useOf(topic: string, { group, outputs, streams }: TopicsInUse): string | undefined {
  const stream = streams.find((s) => s.topic === topic)
  if (stream) return `that of stream "${stream.name}"`
  const output = Object.keys(outputs).find((name) => outputs[name] === topic)
  if (output !== undefined) return `outputs.${output}`
  const rest = topic.startsWith(`${group}.`) ? topic.slice(group.length + 1) : ''
  const isOwn = OWN.includes(rest) || OWN_PREFIXES.some((prefix) => rest.startsWith(prefix))
  return isOwn ? `one that the engines of group "${group}" keep for themselves` : undefined
}
