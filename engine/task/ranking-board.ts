import { Heap } from '../kit/heap.ts'
import type { Cell, RankedItem, RankingRecord } from '../model/output.ts'
import type { StringTable } from '../state/string-table.ts'
import { compareCells } from './alert.ts'
import type { Layout, RankingPlan } from './layout.ts'
import { POINT } from './measures.ts'

interface Entry {
  readonly id: Cell
  readonly points: number
}

/** The best of one group so far: `tied` are those outside the limit that equal the last one inside. */
interface Group {
  readonly per: Cell[]
  readonly heap: Heap<Entry>
  readonly tied: Entry[]
}

/** The ranks of a group one step ago: all that a ranking remembers beyond its events. */
export interface PreviousRanks {
  readonly asOfMs: number
  readonly ranks: Map<Cell, number>
}

/** Ranks the items of one ranking, group by group, from their running points. Exact; cost: one look at each live item. */
export class RankingBoard {
  readonly plan: RankingPlan
  /** By the JSON of the group's `per` values. */
  readonly previous = new Map<string, PreviousRanks>()
  /** Next `as_of`, on the ranking's clock; Infinity while it has neither events nor ranks to forget. */
  nextAsOfMs = Number.POSITIVE_INFINITY
  readonly #layout: Layout
  readonly #strings: StringTable

  constructor(plan: RankingPlan, layout: Layout, strings: StringTable) {
    this.plan = plan
    this.#layout = layout
    this.#strings = strings
  }

  /** Sets the next `as_of` after `nowMs`: when there was none, or (`again`) that of now has been made. */
  arm(nowMs: number, again: boolean): void {
    if (this.nextAsOfMs !== Number.POSITIVE_INFINITY && !again) return
    const { stepMs } = this.plan.ranking
    const isIdle = this.#layout.spaces[this.plan.space].keys.size === 0 && this.previous.size === 0
    this.nextAsOfMs = isIdle ? Number.POSITIVE_INFINITY : (Math.floor(nowMs / stepMs) + 1) * stepMs
  }

  /** The memory of all groups as (group, JSON). */
  saved(): [string, string][] {
    return [...this.previous].map(([group, value]) => [group, previousToJson(value)])
  }

  restore(group: string, json: string): void {
    const { asOfMs, ranks } = JSON.parse(json)
    this.previous.set(group, { asOfMs, ranks: new Map(ranks) })
  }

  /**
   * Emits the rankings as of `asOfMs`, groups in the order of their `per` values; true when there are any. `changed`
   * hears of each group's memory.
   */
  make(
    asOfMs: number,
    emit: (record: RankingRecord) => void,
    changed: (group: string, value: PreviousRanks | null) => void,
  ): boolean {
    const { ranking } = this.plan
    const groups = this.#groups()
    for (const name of [...this.previous.keys()]) {
      if (groups.has(name)) continue
      this.previous.delete(name)
      changed(name, null)
    }
    for (const [name, { per, entries }] of [...groups].sort(([, a], [, b]) => comparePer(a.per, b.per))) {
      const before = this.previous.get(name)
      const ranks = before && before.asOfMs === asOfMs - ranking.stepMs ? before.ranks : new Map<Cell, number>()
      const items = this.#ranked(entries, ranks)
      const now = { asOfMs, ranks: new Map(items.map((i) => [i.id, i.rank])) }
      this.previous.set(name, now)
      changed(name, now)
      emit({
        kind: 'ranking',
        ranking: ranking.id,
        version: ranking.version,
        per: Object.fromEntries(ranking.per.map((field, i) => [field, per[i]])),
        as_of: asOfMs,
        window: { start: asOfMs - ranking.windowMs, end: asOfMs },
        items,
      })
    }
    return groups.size > 0
  }

  /** The best `limit` of each group, best first; with `ties: all` also those tied with the last one. */
  #groups(): Map<string, { per: Cell[]; entries: Entry[] }> {
    const { ranking, space: index, events, points } = this.plan
    const space = this.#layout.spaces[index]
    const arity = ranking.per.length
    const heaps = new Map<string, Group>()
    const worseFirst = (a: Entry, b: Entry): boolean => this.#better(b, a)
    for (let slot = 0; slot < space.keys.idsEnd; slot++) {
      const cells = space.cellsOf(slot)
      const base = space.baseOf(slot)
      if (!(cells[base + events.cell] > 0)) continue
      const per: Cell[] = []
      for (let i = 0; i < arity; i++) per.push(this.#strings.value(space.keys.part(slot, i)))
      const name = arity === 0 ? '[]' : JSON.stringify(per)
      let group = heaps.get(name)
      if (!group) {
        group = { per, heap: new Heap(worseFirst), tied: [] }
        heaps.set(name, group)
      }
      this.#offer(group, cells[base + points.cell], space.keys.part(slot, arity))
    }
    return new Map(
      [...heaps].map(([name, { per, heap, tied }]) => {
        const entries = [...tied]
        while (heap.size > 0) entries.push(heap.pop() as Entry)
        return [name, { per, entries: entries.sort((a, b) => (this.#better(a, b) ? -1 : 1)) }]
      }),
    )
  }

  #offer(group: Group, points: number, code: number): void {
    const { heap, tied } = group
    const { limit, ties } = this.plan.ranking
    const full = heap.size === limit
    if (full && points < (heap.peek() as Entry).points) return
    const entry = { id: this.#strings.value(code), points }
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

  #ranked(entries: readonly Entry[], before: ReadonlyMap<Cell, number>): RankedItem[] {
    let rank = 0
    return entries.map((entry, i) => {
      if (this.plan.ranking.ties !== 'all' || i === 0 || entries[i - 1].points !== entry.points) rank = i + 1
      return { id: entry.id, score: entry.points / POINT, rank, previous_rank: before.get(entry.id) ?? null }
    })
  }
}

function comparePer(a: readonly Cell[], b: readonly Cell[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareCells(a[i], b[i])
    if (order !== 0) return order
  }
  return 0
}

export function previousToJson({ asOfMs, ranks }: PreviousRanks): string {
  return JSON.stringify({ asOfMs, ranks: [...ranks] })
}
