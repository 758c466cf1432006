import { createHash } from 'node:crypto'
import { own } from '../kit/own.ts'
import type { Expression } from '../model/expression.ts'
import { featureNamesIn, featuresRead } from '../model/features-read.ts'
import type { Definition, Feature, Ranking, Rule, RuleSet, SequenceRule } from '../model/rule.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import { canonical } from '../task/columns.ts'
import { smallestCovers } from './cover.ts'
import type { Exchange, PartitionBy } from './exchange.ts'

/**
 * Rule set -> exchanges: the fewest partition fields such that every rule's key contains one of them. The same rule set
 * and streams give the same exchanges, in the order of their ids.
 *
 *   a rule       (a sequence and a feature too) by one member of `by`, or by a field that a member determines (`determines` of all its streams)
 *   a ranking    by one member of `per`; without one it is carried by `all`, an exchange of one partition
 *   a let        is taken like a field, by its value, unless it reads a list or a feature: those change, places in the log do not
 *
 * A definition that nothing can partition goes to `all`. Of several equally small sets of fields the one is taken in which
 * most definitions go by a member of their own key (what a stream says to be determined may be missing in an event), then
 * the first in the alphabet.
 */
export function planExchanges(set: RuleSet, streams: readonly Stream[]): Exchange[] {
  const definitions = [...set.rules, ...set.sequences, ...set.rankings, ...set.features]
  const known = new Map<string, PartitionBy>()
  const choices = new Map(definitions.map((d) => [d, choicesOf(d, streams, known)]))
  const covers = smallestCovers([...choices.values()].map(({ all }) => all).filter((ids) => ids.length > 0))
  const strangers = (cover: readonly string[]) =>
    [...choices.values()].filter(({ own }) => !own.some((id) => cover.includes(id))).length
  const chosen = covers.reduce((best, cover) => (strangers(cover) < strangers(best) ? cover : best))
  const carried = new Map<string, Set<Definition>>()
  for (const [definition, { all }] of choices) {
    const id = all.find((choice) => chosen.includes(choice)) ?? ALL
    carried.set(id, (carried.get(id) ?? new Set()).add(definition))
  }
  return [...carried.keys()].sort().map((id) => {
    const mine = carried.get(id)!
    const types = [...new Set([...mine].flatMap((d) => d.on))].sort()
    const feeding = types.map((type) => streamCarrying(type, streams).name)
    const read = featureNamesIn([...mine])
    return {
      id,
      by: known.get(id) ?? { kind: 'all' },
      set: {
        ...set,
        rules: set.rules.filter((r) => mine.has(r)),
        sequences: set.sequences.filter((r) => mine.has(r)),
        rankings: set.rankings.filter((r) => mine.has(r)),
        features: set.features.filter((f) => mine.has(f)),
      },
      reads: set.features.filter((f) => read.has(f.id)),
      known: featuresRead([...mine], set.features),
      types,
      streams: [...new Set(feeding)].sort(),
    }
  })
}

/**
 * The member of a definition's key by whose value its exchange places events; null where it goes by a field that the key
 * determines, or has one partition for all.
 */
export function placedBy(definition: Rule | SequenceRule | Feature, { id }: Exchange): string | null {
  const isMine = (by: PartitionBy | null) => by !== null && idOf(by) === id
  return definition.by.find((name) => isMine(memberOf(definition, name))) ?? null
}

const ALL = 'all'

/** Ids of the exchanges that could carry a definition: those of its own key, and all, those first. */
interface Choices {
  readonly own: readonly string[]
  readonly all: readonly string[]
}

/** Adds what the ids mean to `known`. */
function choicesOf(
  definition: Rule | SequenceRule | Ranking | Feature,
  streams: readonly Stream[],
  known: Map<string, PartitionBy>,
): Choices {
  const key = definition.kind === 'ranking' ? definition.per : definition.by
  const fed = [...new Set(definition.on.map((type) => streamCarrying(type, streams)))]
  const idsOf = (list: readonly (PartitionBy | null)[]) =>
    list.flatMap((by) => {
      if (!by) return []
      known.set(idOf(by), by)
      return [idOf(by)]
    })
  const own = idsOf(key.map((name) => memberOf(definition, name)))
  return { own, all: [...new Set([...own, ...idsOf(determinedBy(key, fed).map(fieldOf))])] }
}

function fieldOf(name: string): PartitionBy {
  return { kind: 'field', name }
}

/** How a member of a key can partition; null if it cannot. */
function memberOf(definition: Definition, name: string): PartitionBy | null {
  const own = definition.lets.find((l) => l.name === name)
  if (!own) return fieldOf(name)
  const text = canonical(own.expression, definition)
  const expression: Expression = JSON.parse(text)
  if (expression.op === 'field') return fieldOf(expression.name)
  const changes = text.includes('"op":"inList"') || text.includes('"op":"feature"')
  return changes ? null : { kind: 'let', name, expression }
}

function idOf(by: PartitionBy): string {
  if (by.kind === 'all') return ALL
  if (by.kind === 'field') return `by-${by.name}`
  return `by-${by.name}-${createHash('sha256').update(JSON.stringify(by.expression)).digest('hex').slice(0, 6)}`
}

/** Fields that some member of `key` determines in every one of `streams`, directly or by way of others, sorted. */
function determinedBy(key: readonly string[], streams: readonly Stream[]): string[] {
  const [first, ...others] = streams.map((stream) => closure(key, stream))
  return [...first].filter((name) => !key.includes(name) && others.every((names) => names.has(name))).sort()
}

function closure(key: readonly string[], stream: Stream): Set<string> {
  const names = new Set(key)
  for (const name of names) for (const target of own(stream.determines, name) ?? []) names.add(target)
  return names
}

function streamCarrying(type: string, streams: readonly Stream[]): Stream {
  const stream = streamOfType(streams, type)
  if (!stream) throw new TypeError(`no stream carries ${type}`)
  return stream
}
