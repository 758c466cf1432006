import type { Expression } from '../model/expression.ts'
import type { Feature, RuleSet } from '../model/rule.ts'

/** What decides the partition of an event: a field, an expression over its fields, or nothing (one partition). */
export type PartitionBy =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'let'; readonly name: string; readonly expression: Expression }
  | { readonly kind: 'all' }

/** A re-partitioning of the sources: all events that a rule of `set` puts under one key are in one partition. */
export interface Exchange {
  /** `by-shop_id`, `by-pair-1f3a5c` (a let and its text's hash: another text is another exchange), `all`. */
  readonly id: string
  readonly by: PartitionBy
  /** The rules, sequences, rankings and features it carries; all lists. */
  readonly set: RuleSet
  /** Features that those read; they run wherever their own keys are. */
  readonly reads: readonly Feature[]
  /** Those, and what they read in turn. */
  readonly known: readonly Feature[]
  /** Event types that they want, sorted. */
  readonly types: readonly string[]
  /** Names of the streams that feed it, sorted. */
  readonly streams: readonly string[]
}

/** The topic of an exchange in a consumer group's namespace. */
export function exchangeTopic(group: string, exchangeId: string): string {
  return `${group}.exchange.${exchangeId}`
}

/** Partitions of an exchange's topic when it is created, where `configured` is the number that the configuration gives. */
export function partitionsOfNew({ by }: Exchange, configured: number): number {
  return by.kind === 'all' ? 1 : configured
}

/** An exchange whose topic has another number of partitions than the configuration gives to a new one. */
export interface OtherPartitions {
  readonly topic: string
  readonly has: number
  readonly configured: number
}

/** Those of `exchanges` that differ. `counts`: partitions by topic; a topic that is not in it is still to be created. */
export function otherPartitions(
  group: string,
  exchanges: readonly Exchange[],
  counts: ReadonlyMap<string, number>,
  configured: number,
): OtherPartitions[] {
  return exchanges.flatMap((exchange) => {
    const topic = exchangeTopic(group, exchange.id)
    const has = counts.get(topic)
    if (exchange.by.kind === 'all' || has === undefined || has === configured) return []
    return [{ topic, has, configured }]
  })
}

/** The compacted topic with what the exchange's tasks keep; its partitions are those of the exchange. */
export function stateTopic(group: string, exchangeId: string): string {
  return `${group}.state.${exchangeId}`
}
