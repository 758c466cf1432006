import type { Cell, ColumnValue, RankedItem, RankingRecord } from '../../model/output.ts'
import type { Ranking, RankingColumn } from '../../model/rule.ts'
import { measureOne } from './measure.ts'
import { compareCells, groupBy } from './order.ts'
import type { TakenEvent } from './taken.ts'

/** Weights and points have 6 decimals, exactly. */
const POINT = 1_000_000

/** One ranking with all events that it took. Its clock is handed in. */
export class ReferenceRanking {
  readonly ranking: Ranking
  #events: TakenEvent[] = []
  /** Per group: who stood in each of its records, by the moment. */
  readonly #past = new Map<string, Map<number, readonly RankedItem[]>>()

  constructor(ranking: Ranking) {
    this.ranking = ranking
  }

  /** An event that has an item and a group. */
  take(taken: TakenEvent): void {
    this.#events.push(taken)
  }

  /** The first multiple of the step after clock `t` with an event in its window, if there is one. */
  nextAsOf(t: number): number | undefined {
    const { stepMs, windowMs } = this.ranking
    const each = this.#events.flatMap(({ event }) => {
      const asOf = (Math.floor(Math.max(t, event.timeMs) / stepMs) + 1) * stepMs
      return asOf - windowMs <= event.timeMs ? [asOf] : []
    })
    return each.length === 0 ? undefined : each.reduce((a, b) => Math.min(a, b))
  }

  /** The records of the ranking at `asOf`: one for each group with an event in the window. */
  rank(asOf: number): RankingRecord[] {
    const { ranking } = this
    const window = { start: asOf - ranking.windowMs, end: asOf }
    this.#events = this.#events.filter(({ event }) => event.timeMs >= window.start)
    const inside = this.#events.filter(({ event }) => event.timeMs < window.end)
    return [...groupBy(inside, (e) => e.keyText)].map(([group, events]) => {
      const past = this.#past.get(group) ?? new Map<number, readonly RankedItem[]>()
      this.#past.set(group, past)
      const ago = (ms: number, item: Cell) => past.get(asOf - ms)?.find((p) => p.id === item)
      const items = rankItems(ranking, events, ago).map((item) => ({
        ...item,
        ...columnsOf(ranking, item, events, ago),
      }))
      past.set(asOf, items)
      const { id, version } = ranking
      return { kind: 'ranking', ranking: id, version, per: events[0]!.key, as_of: asOf, window, items }
    })
  }
}

/** Who an item was in the group's record of so long ago, if it stood in it. */
type Ago = (ms: number, item: Cell) => RankedItem | undefined

function columnsOf(
  ranking: Ranking,
  { id, rank, score }: RankedItem,
  group: readonly TakenEvent[],
  ago: Ago,
): Record<string, ColumnValue> {
  const events = group.filter((e) => e.cell(ranking.rank) === id).sort((a, b) => a.event.timeMs - b.event.timeMs)
  const value = (column: RankingColumn): ColumnValue => {
    if (column.kind === 'rank_change') {
      const before = ago(column.overMs, id)
      return before ? before.rank - rank : null
    }
    if (column.kind === 'sparkline') {
      const before = Array.from(
        { length: column.points - 1 },
        (_, i) => ago((i + 1) * column.stepMs, id)?.score ?? null,
      )
      return [...before.reverse(), score]
    }
    return measureOne(column, events) as ColumnValue
  }
  return Object.fromEntries(ranking.columns.map((column) => [column.name, value(column)]))
}

function rankItems(ranking: Ranking, events: readonly TakenEvent[], ago: Ago): RankedItem[] {
  const scored = [...groupBy(events, (e) => e.cell(ranking.rank))].map(([id, of]) => ({
    id,
    score: score(ranking, of),
  }))
  const direction = ranking.ties === 'desc' ? -1 : 1
  scored.sort((a, b) => (a.score !== b.score ? (a.score > b.score ? -1 : 1) : direction * compareCells(a.id, b.id)))
  const items = scored.map(({ id, score }, i) => ({
    id,
    score: Number(score) / POINT,
    rank: ranking.ties === 'all' ? scored.findIndex((other) => other.score === score) + 1 : i + 1,
    previous_rank: ago(ranking.stepMs, id)?.rank ?? null,
  }))
  return items.filter((item) => item.rank <= ranking.limit)
}

/** Points of one item, in millionths: for each user at most the cap. */
function score({ weights, cap }: Ranking, events: readonly TakenEvent[]): bigint {
  const points = (of: readonly TakenEvent[]) => of.reduce((sum, e) => sum + millionths(weights[e.event.type]!), 0n)
  if (!cap) return points(events)
  const most = millionths(cap.points)
  const byUser = [...groupBy(events, (e) => e.cell(cap.per)).values()].map(points)
  return byUser.reduce((total, sum) => total + (sum > most ? most : sum), 0n)
}

function millionths(points: number): bigint {
  return BigInt(Math.round(points * POINT))
}
