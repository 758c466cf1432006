import type { Counters } from '../../model/counters.ts'
import type { Limits } from '../../model/limits.ts'
import type { Definition } from '../../model/rule.ts'
import { Budget } from '../../state/budget.ts'
import type { ColumnRef } from '../../state/chunk.ts'
import type { KeySpace } from '../../state/key-space.ts'
import { LatestPairs } from '../../state/latest-pairs.ts'
import type { Memory } from '../../state/memory.ts'
import { RowMarks } from '../../state/row-marks.ts'
import type { Context } from '../context.ts'
import { generateFeed } from '../feed-code.ts'
import { type DistinctGroup, Feed, type FeedKind } from '../measures.ts'
import type { FeedGroup } from '../plans.ts'
import type { TumblingFeeds, TumblingGroup, TumblingWindow } from '../tumbling.ts'
import type { Clocks } from './clocks.ts'
import type { EventTypes } from './event-types.ts'
import type { KeySpacePlans } from './key-space-plans.ts'
import type { Place } from './place.ts'

interface Host {
  readonly memory: Memory
  readonly context: Context
  readonly counters: Counters
  readonly limits: Limits
  readonly types: EventTypes
  readonly clocks: Clocks
  readonly spaces: KeySpacePlans
}

/** The feeds of a rule set: what several measures ask alike is kept once. */
export class Feeds {
  /** Room for what feeds remember value by value. */
  readonly values: Budget
  /** Which events distinct counts have done with. */
  readonly marks: RowMarks
  readonly #host: Host
  readonly #byKey = new Map<string, Feed>()
  readonly #distinctByKey = new Map<string, DistinctGroup>()

  constructor(host: Host) {
    this.#host = host
    this.values = new Budget(host.memory, host.limits.values)
    this.marks = new RowMarks(host.memory)
  }

  /** The feed of (space, clock, window, filter, kind, column), made at the first asking. */
  of(
    definition: Definition,
    place: Place,
    kind: FeedKind,
    column: ColumnRef | null,
    points?: { weights: Float64Array; capPoints: number },
  ): Feed {
    const { memory, context, counters, clocks, spaces } = this.#host
    const { space, clock, windowMs, tumbling, filter } = place
    const of = column ? `${column.store}${column.index}` : ''
    const filtered = filter ? `${filter.word}/${filter.mask}` : ''
    const window = tumbling ? `${tumbling.calendar.lengthMs} ${tumbling.zone}` : windowMs
    const key = [space, clock, window, filtered, kind, of, definition.on, points ? definition.id : ''].join(' ')
    const slides = kind === 'distinct' && tumbling === null
    const group = slides ? this.#distinctGroup([space, clock, filtered, of, definition.on].join(' '), windowMs) : null
    let feed = this.#byKey.get(key)
    const refusals = counters.counter('values_refused_total', { rule: definition.id })
    if (feed) {
      if (!feed.refusals.includes(refusals)) feed.refusals.push(refusals)
      return feed
    }
    const plan = spaces.plans[space]
    const cleared = tumbling && spaces.tumblingGroup(tumbling, space)
    feed = new Feed({
      memory,
      values: this.values,
      context,
      kind,
      cell: plan.cells,
      word: filter?.word ?? 0,
      mask: filter?.mask ?? 0,
      column,
      tumbling,
      group,
      ...points,
    })
    if (!feed.refusals.includes(refusals)) feed.refusals.push(refusals)
    plan.cells += feed.cells
    plan.longestMs = Math.max(plan.longestMs, windowMs + clocks.plans[clock].settleMs)
    this.#byKey.set(key, feed)
    this.#connect(feed, definition, place, cleared)
    return feed
  }

  /** Gives feeds the bits behind those of the filters; returns how many bits an event has. */
  setRefusals(filterBits: number): number {
    let bits = filterBits
    for (const feed of this.#byKey.values()) {
      if (!feed.marks) continue
      feed.refusedWord = bits >> 5
      feed.refusedMask = (1 << (bits++ & 31)) >>> 0
    }
    return bits
  }

  /** Makes the functions by which events enter and leave each window. */
  generate(spaces: readonly KeySpace[], bitWords: number): void {
    const { marks, values: budget } = this
    for (const window of this.#host.clocks.plans.flatMap((clock) => clock.windows)) {
      const host = { spaces, bitWords, marks, budget, windowMs: window.windowMs }
      const make = (sign: 1 | -1) => window.groups.map((g) => generateFeed(g, host, sign))
      window.enter = make(1)
      window.leave = make(-1)
    }
  }

  /** What the distinct counts of one column share over all windows, of which the longest is known at the end. */
  #distinctGroup(key: string, windowMs: number): DistinctGroup {
    let group = this.#distinctByKey.get(key)
    if (!group) {
      const { marks, values: budget } = this
      const kind = marks.addKind()
      const pairs = new LatestPairs({ memory: this.#host.memory, budget, marks, kind })
      group = { pairs, kind, refusals: [], longestMs: 0, sinceMs: Number.POSITIVE_INFINITY }
      this.#distinctByKey.set(key, group)
    }
    group.longestMs = Math.max(group.longestMs, windowMs)
    return group
  }

  /** Lets the definition's events reach the feed. */
  #connect(
    feed: Feed,
    definition: Definition,
    { space, clock, windowMs, tumbling }: Place,
    cleared: TumblingGroup | null,
  ): void {
    const { clocks, types } = this.#host
    const held = clocks.window(clock, windowMs)
    cleared?.feeds.push(feed)
    for (const t of types.of(definition)) {
      if (tumbling === null || cleared === null) groupOf(held.groups[t], space).feeds.push(feed)
      else {
        tumblingFeedsOf(tumbling.feeds[t], tumbling, cleared).feeds.push(feed)
        if (feed.retires) tumblingFeedsOf(held.retires[t], tumbling, cleared).feeds.push(feed)
      }
    }
  }
}

function groupOf(groups: FeedGroup[], space: number): FeedGroup {
  let group = groups.find((g) => g.space === space)
  if (!group) {
    group = { space, feeds: [] }
    groups.push(group)
  }
  return group
}

function tumblingFeedsOf(list: TumblingFeeds[], window: TumblingWindow, group: TumblingGroup): TumblingFeeds {
  let feeds = list.find((f) => f.group === group)
  if (!feeds) {
    feeds = { window, group, feeds: [] }
    list.push(feeds)
  }
  return feeds
}
