import { Heap } from '../kit/heap.ts'
import { put } from '../kit/own.ts'
import type { Cell, ColumnValue, RankedItem, RankingRecord } from '../model/output.ts'
import { memberBytes, RANKING_BYTES_MAX, valueBytes } from '../model/output-bounds.ts'
import type { Ranking, RankingColumn } from '../model/rule.ts'
import type { StringTable } from '../state/string-table.ts'
import { compareCells } from './alert.ts'
import type { Context } from './context.ts'
import type { Layout } from './layout.ts'
import { POINT } from './measures.ts'
import type { RankingPlan } from './plans.ts'

/** Of an item's score and ranks. */
const ITEM_BYTES = 24

interface Entry {
  readonly id: Cell
  readonly slot: number
  readonly points: number
}

/** The best of one group so far: `tied` are those outside the limit that equal the last one inside. */
interface Group {
  readonly per: Cell[]
  readonly heap: Heap<Entry>
  readonly tied: Entry[]
}

interface Place {
  readonly rank: number
  readonly score: number
  /** Its index in `items`. */
  readonly at: number
}

/** A group's ranking as it was made: all that a ranking remembers beyond its events. */
interface PastRanking {
  readonly asOfMs: number
  readonly places: ReadonlyMap<Cell, Place>
  /** While sparklines may go on from those in it; null = forgotten, or it was read from what was kept. */
  items: readonly RankedItem[] | null
}

type At = (ms: number) => PastRanking | undefined

/**
 * Ranks the items of one ranking, group by group, from their running points. Exact; cost: one look at each live item,
 * and a sparkline's points for each that is ranked, by look-up where it was not in the ranking a point ago.
 */
export class RankingBoard {
  readonly plan: RankingPlan
  /** Next `as_of`, on the ranking's clock; Infinity while it has neither events nor ranks to forget. */
  nextAsOfMs = Number.POSITIVE_INFINITY
  /** By the JSON of the group's `per` values: those that are still looked back at, ascending in time. */
  readonly #past = new Map<string, PastRanking[]>()
  readonly #lookBackMs: number
  /** How long items are remembered whole. */
  readonly #itemsMs: number
  readonly #layout: Layout
  readonly #context: Context
  readonly #strings: StringTable

  constructor(plan: RankingPlan, layout: Layout, context: Context, strings: StringTable) {
    this.plan = plan
    this.#lookBackMs = lookBackMs(plan.ranking)
    this.#itemsMs = Math.max(0, ...plan.ranking.columns.map((c) => (c.kind === 'sparkline' ? c.stepMs : 0)))
    this.#layout = layout
    this.#context = context
    this.#strings = strings
  }

  /** Sets the next `as_of` after `nowMs`: when there was none, or (`again`) that of now has been made. */
  arm(nowMs: number, again: boolean): void {
    if (this.nextAsOfMs !== Number.POSITIVE_INFINITY && !again) return
    const { stepMs } = this.plan.ranking
    const isIdle = this.#layout.spaces[this.plan.space].keys.size === 0 && this.#past.size === 0
    this.nextAsOfMs = isIdle ? Number.POSITIVE_INFINITY : (Math.floor(nowMs / stepMs) + 1) * stepMs
  }

  /** The memory as (name, JSON), a name for each group and moment. */
  saved(): [string, string][] {
    return [...this.#past].flatMap(([group, past]) =>
      past.map((ranking): [string, string] => [pastName(group, ranking.asOfMs), pastToJson(ranking)]),
    )
  }

  restore(name: string, json: string): void {
    const group = name.slice(name.indexOf('/') + 1)
    const past = this.#past.get(group) ?? []
    past.push(pastFromJson(json))
    this.#past.set(
      group,
      past.sort((a, b) => a.asOfMs - b.asOfMs),
    )
  }

  /**
   * Emits the rankings as of `asOfMs`, groups in the order of their `per` values; true when there are any. `changed`, if
   * anybody keeps it, hears of what is remembered from now on, and (null) of what no longer is.
   */
  make(
    asOfMs: number,
    emit: (record: RankingRecord) => void,
    changed: ((name: string, json: string | null) => void) | null,
  ): boolean {
    const { ranking } = this.plan
    const groups = this.#groups()
    for (const [name, { per, entries }] of [...groups].sort(([, a], [, b]) => comparePer(a.per, b.per))) {
      const past = this.#past.get(name) ?? []
      const items = this.#ranked(entries, asOfMs, past)
      const now = { asOfMs, places: placesOf(items), items }
      past.push(now)
      this.#past.set(name, past)
      changed?.(pastName(name, asOfMs), pastToJson(now))
      emit({
        kind: 'ranking',
        ranking: ranking.id,
        version: ranking.version,
        per: Object.fromEntries(ranking.per.map((field, i) => [field, per[i]])),
        as_of: asOfMs,
        window: { start: asOfMs - ranking.windowMs, end: asOfMs },
        items,
        ...(items.length < entries.length ? { truncated: true } : {}),
      })
    }
    this.#forget(asOfMs, changed)
    return groups.size > 0
  }

  /** Forgets what the ranking after that of `asOfMs` does not look back at. */
  #forget(asOfMs: number, changed: ((name: string, json: null) => void) | null): void {
    const throughMs = asOfMs - this.#lookBackMs
    for (const [group, past] of this.#past) {
      while (past.length > 0 && past[0].asOfMs <= throughMs) {
        const { asOfMs } = past.shift() as PastRanking
        changed?.(pastName(group, asOfMs), null)
      }
      if (past.length === 0) this.#past.delete(group)
      for (const ranking of past) if (ranking.asOfMs <= asOfMs - this.#itemsMs) ranking.items = null
    }
  }

  /** The best `limit` of each group, best first; with `ties: all` also those tied with the last one. By their names. */
  #groups(): Map<string, { per: Cell[]; entries: Entry[] }> {
    const { space: index, events, points } = this.plan
    const space = this.#layout.spaces[index]
    const { idsEnd } = space.keys
    const arity = this.plan.ranking.per.length
    const groups = new Map<string, Group>()
    const groupOf = new Map<number | string, Group>()
    const worseFirst = (a: Entry, b: Entry): boolean => this.#better(b, a)
    for (let slot = 0; slot < idsEnd; slot++) {
      const cells = space.cellsOf(slot)
      const base = space.baseOf(slot)
      if (!(cells[base + events.cell] > 0)) continue
      const codes = this.#groupCodes(slot, arity)
      let group = groupOf.get(codes)
      if (!group) {
        const per = Array.from({ length: arity }, (_, i) => this.#strings.value(space.keys.part(slot, i)))
        const name = JSON.stringify(per)
        group = groups.get(name) ?? { per, heap: new Heap(worseFirst), tied: [] } // there: broken texts read alike
        groups.set(name, group)
        groupOf.set(codes, group)
      }
      this.#offer(group, cells[base + points.cell], slot, space.keys.part(slot, arity))
    }
    return new Map(
      Array.from(groups, ([name, { per, heap, tied }]) => {
        const entries = [...tied]
        while (heap.size > 0) entries.push(heap.pop() as Entry)
        return [name, { per, entries: entries.sort((a, b) => (this.#better(a, b) ? -1 : 1)) }]
      }),
    )
  }

  /** The same for keys of one group, and for them alone, while nothing is let go. */
  #groupCodes(slot: number, arity: number): number | string {
    const { keys } = this.#layout.spaces[this.plan.space]
    if (arity === 0) return 0
    let codes: number | string = keys.part(slot, 0)
    for (let i = 1; i < arity; i++) codes = `${codes},${keys.part(slot, i)}`
    return codes
  }

  #offer(group: Group, points: number, slot: number, code: number): void {
    const { heap, tied } = group
    const { limit, ties } = this.plan.ranking
    const full = heap.size === limit
    if (full && points < (heap.peek() as Entry).points) return
    const entry = { id: this.#strings.value(code), slot, points }
    if (!full) {
      heap.push(entry)
      return
    }
    let outside: Entry = entry
    if (this.#better(entry, heap.peek() as Entry)) {
      outside = heap.pop() as Entry
      heap.push(entry)
    }
    if (ties !== 'all') return
    const last = heap.peek() as Entry
    if (tied.length > 0 && tied[0].points !== last.points) tied.length = 0
    if (outside.points === last.points) tied.push(outside)
  }

  #better(a: Entry, b: Entry): boolean {
    if (a.points !== b.points) return a.points > b.points
    const order = compareCells(a.id, b.id)
    return this.plan.ranking.ties === 'desc' ? order > 0 : order < 0
  }

  /** As many of the first as have room in a record. */
  #ranked(entries: readonly Entry[], asOfMs: number, past: readonly PastRanking[]): RankedItem[] {
    const { ranking, space, columns, outputsCut } = this.plan
    const at: At = (ms) => past.findLast((p) => p.asOfMs === ms)
    const before = at(asOfMs - ranking.stepMs)?.places
    const looks = columns.map(({ column, read }) => read ?? lookBack(column, asOfMs, at))
    const items: RankedItem[] = []
    let rank = 0
    let bytes = 0
    for (const [i, entry] of entries.entries()) {
      if (this.plan.ranking.ties !== 'all' || i === 0 || entries[i - 1].points !== entry.points) rank = i + 1
      const head = {
        id: entry.id,
        score: entry.points / POINT,
        rank,
        previous_rank: before?.get(entry.id)?.rank ?? null,
      }
      const item: Record<string, ColumnValue> & RankedItem = head
      bytes += valueBytes(entry.id) + ITEM_BYTES
      if (looks.length > 0) this.#context.setKey(this.#layout.spaces[space], entry.slot)
      for (let c = 0; c < looks.length; c++) {
        const { name } = columns[c].column
        const value = looks[c](head) as ColumnValue
        put<ColumnValue>(item, name, value)
        bytes += memberBytes({ [name]: value })
      }
      if (bytes > RANKING_BYTES_MAX) {
        outputsCut.value++
        break
      }
      items.push(item)
    }
    return items
  }
}

/** What a column says of an item, from rankings that were made. */
function lookBack(column: RankingColumn, asOfMs: number, at: At): (item: RankedItem) => ColumnValue {
  if (column.kind === 'sparkline') return sparkline(column, asOfMs, at)
  if (column.kind !== 'rank_change') throw new TypeError(`${column.kind} does not look back`)
  const then = at(asOfMs - column.overMs)?.places
  return ({ id, rank }) => {
    const before = then?.get(id)
    return before ? before.rank - rank : null
  }
}

/** An item's line is the one of a point ago without its oldest point, and the score of now. */
function sparkline(
  { name, points, stepMs }: Extract<RankingColumn, { kind: 'sparkline' }>,
  asOfMs: number,
  at: At,
): (item: RankedItem) => ColumnValue {
  const previous = at(asOfMs - stepMs)
  const lines = previous?.items
  let before: readonly (PastRanking | undefined)[] | null = null
  return ({ id, score }) => {
    const place = lines && previous?.places.get(id)
    if (place) {
      const line = (lines[place.at][name] as readonly (number | null)[]).slice()
      line.shift() // in place and not by slice(1), which leaves no room for the push
      line.push(score)
      return line
    }
    before ??= Array.from({ length: points - 1 }, (_, i) => at(asOfMs - (points - 1 - i) * stepMs))
    const line: (number | null)[] = before.map((ranking) => ranking?.places.get(id)?.score ?? null)
    line.push(score)
    return line
  }
}

/** How long ago the oldest ranking was that the next one looks back at. */
function lookBackMs({ stepMs, columns }: Ranking): number {
  const spans = columns.map((column) => {
    if (column.kind === 'rank_change') return column.overMs
    return column.kind === 'sparkline' ? (column.points - 1) * column.stepMs : 0
  })
  return Math.max(stepMs, ...spans)
}

function comparePer(a: readonly Cell[], b: readonly Cell[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareCells(a[i], b[i])
    if (order !== 0) return order
  }
  return 0
}

function placesOf(items: readonly Pick<RankedItem, 'id' | 'rank' | 'score'>[]): Map<Cell, Place> {
  const places = new Map<Cell, Place>()
  for (let at = 0; at < items.length; at++) {
    const { id, rank, score } = items[at]
    places.set(id, { rank, score, at })
  }
  return places
}

/** Under which commits keep its past rankings. */
export function rankingKey({ ranking }: RankingPlan): string {
  return `ranking/${ranking.id}@${ranking.version}`
}

function pastName(group: string, asOfMs: number): string {
  return `${asOfMs}/${group}`
}

function pastToJson({ asOfMs, places }: PastRanking): string {
  return JSON.stringify({ asOfMs, places: Array.from(places, ([id, { rank, score }]) => [id, rank, score]) })
}

function pastFromJson(json: string): PastRanking {
  const { asOfMs, places } = JSON.parse(json) as { asOfMs: number; places: [Cell, number, number][] }
  return { asOfMs, places: placesOf(places.map(([id, rank, score]) => ({ id, rank, score }))), items: null }
}
