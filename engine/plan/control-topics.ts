import type { Feature, NamedList } from '../model/rule.ts'
import type { Exchange } from './exchange.ts'

/**
 * A source of one partition whose records go to every partition of the exchanges that read it: what people and alerts change
 * of lists, the changes of one list that has a topic of its own, or what one version of a feature says.
 */
export type ControlTopic =
  | { readonly kind: 'lists'; readonly topic: string }
  | { readonly kind: 'list'; readonly topic: string; readonly list: NamedList }
  | { readonly kind: 'feature'; readonly topic: string; readonly feature: Feature }

/** The compacted topic with the changes of a group's lists that have none of their own. */
export function listsTopic(group: string): string {
  return `${group}.lists`
}

/** The compacted topic with what a feature says, by key. Another version is another topic. */
export function featureTopic(group: string, { id, version }: Pick<Feature, 'id' | 'version'>): string {
  return `${group}.feature.${id}.${version}`
}

/** Where the changes of a list come from; null: a list from a file is changed with the rules only. */
export function controlOfList(group: string, list: NamedList): ControlTopic | null {
  if (list.source?.kind === 'file') return null
  if (list.source?.kind === 'topic') return { kind: 'list', topic: list.source.topic, list }
  return { kind: 'lists', topic: listsTopic(group) }
}

/** Those that an exchange reads, each once: all of lists, and those of the features that its definitions read. */
export function controlsOf(group: string, { set, reads }: Exchange): ControlTopic[] {
  const lists = set.lists.flatMap((list) => controlOfList(group, list) ?? [])
  const features = reads.map(
    (feature): ControlTopic => ({ kind: 'feature', topic: featureTopic(group, feature), feature }),
  )
  return lists.filter((c, i) => c.kind === 'list' || lists.findIndex((o) => o.kind === 'lists') === i).concat(features)
}

/** Those that tasks write to, beside what is read: features that nobody reads as yet have one too. */
export function ownControls(group: string, exchanges: readonly Exchange[]): string[] {
  const fed = exchanges.some(({ set }) => set.lists.some((list) => controlOfList(group, list)?.kind === 'lists'))
  const features = exchanges.flatMap(({ set }) => set.features.map((feature) => featureTopic(group, feature)))
  return [...(fed ? [listsTopic(group)] : []), ...new Set(features)]
}
