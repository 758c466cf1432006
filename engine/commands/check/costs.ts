import { formatDuration } from '../../kit/duration.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { partitionsOfNew } from '../../plan/exchange.ts'
import { planExchanges } from '../../plan/plan.ts'
import type { CostDoubt } from '../../rules/index.ts'
import { type Explained, membersOf, type Needs, needsOf } from '../explain/needs.ts'

/** A gigabyte at 250,000 keys. */
export const KEY_BYTES_MAX = 4_096

export interface CostLimits {
  readonly keyBytesMax: number
  /** True: an exchange is a topic that everything goes through once more. */
  readonly exchangesCost: boolean
}

/** What rules would keep beyond the limit, and keys that need an exchange for themselves. */
export function costDoubts(set: RuleSet, streams: readonly Stream[], limits: CostLimits): CostDoubt[] {
  const members = membersOf(set)
  const all = members.map((definition) => needsOf(definition, set, streams))
  const exchanges = new Set(all.map((needs) => needs.exchange!.id))
  return members.flatMap((definition, i) => {
    const needs = all[i]!
    const isAlone = needs.exchange!.shared_with.length === 0 && members.length > 1
    return [
      ...(needs.bytes_per_key > limits.keyBytesMax ? [stateDoubt(definition, needs, limits.keyBytesMax)] : []),
      ...(isAlone ? [exchangeDoubt(definition, needs.exchange!.id, exchanges, limits.exchangesCost)] : []),
    ]
  })
}

function stateDoubt({ id, version }: Explained, needs: Needs, most: number): CostDoubt {
  const message = `"${id}" keeps some ${count(needs.bytes_per_key)} bytes for each key, and ${count(most)} are in the budget`
  const [largest] = [...needs.measures].sort((a, b) => b.bytes_per_key - a.bytes_per_key)
  const hint = largest
    ? `"${largest.name}" takes ${count(largest.bytes_per_key)}; 100,000 keys are some ${megabytes(needs.bytes_per_key * 100_000)}`
    : null
  return { id, version, code: 'state-budget', message, hint, isNote: false }
}

function exchangeDoubt(
  { id, version }: Explained,
  exchange: string,
  all: ReadonlySet<string>,
  isDear: boolean,
): CostDoubt {
  const others = [...all].filter((other) => other !== exchange).sort()
  const message =
    exchange === 'all'
      ? 'nothing can share out its events: all of them go through one partition'
      : `its key needs an exchange that nothing else goes by: ${exchange}`
  const hint = `the others: ${others.join(', ')}`
  return { id, version, code: 'own-exchange', message, hint, isNote: !isDear }
}

/** A line on what a set keeps; null for a set that keeps nothing. */
export function stateLine(set: RuleSet, streams: readonly Stream[]): string | null {
  const all = membersOf(set).map((definition) => needsOf(definition, set, streams))
  if (all.length === 0) return null
  const byBytes = [...all].sort((a, b) => a.bytes_per_key - b.bytes_per_key)
  const longest = all.reduce((most, needs) => (needs.held_ms > most.held_ms ? needs : most))
  const featuresMs = Math.max(...all.map((needs) => needs.features_ms))
  const [least, most] = [byBytes[0]!, byBytes.at(-1)!]
  const range =
    least.bytes_per_key === most.bytes_per_key
      ? count(most.bytes_per_key)
      : `${count(least.bytes_per_key)} to ${count(most.bytes_per_key)}`
  const which = all.length === 1 ? ['', ''] : [` (most: ${most.rule})`, ` (${longest.rule})`]
  const longer =
    featuresMs === 0 ? '' : `, and ${formatDuration(featuresMs - (featuresMs % 1_000))} longer for features`
  const values = all.some(({ measures }) => measures.some((m) => m.bytes_per_value > 0)) ? ', more for each value' : ''
  return `state: some ${range} bytes a key${which[0]}${values}; events of ${formatDuration(longest.held_ms)}${which[1]}${longer}`
}

/** The exchanges of a set on Kafka, with the partitions that new ones get; null for a set that has none. */
export function exchangesLine(set: RuleSet, streams: readonly Stream[], partitions: number): string | null {
  const exchanges = planExchanges(set, streams)
  if (exchanges.length === 0) return null
  const each = exchanges.map((exchange) => `${exchange.id} ${partitionsOfNew(exchange, partitions)}`)
  return `exchanges, with the partitions that a new one gets: ${each.join(', ')}`
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
