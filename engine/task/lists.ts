import type { ListControl, ListRecord } from '../model/block.ts'
import type { Counters } from '../model/counters.ts'
import type { AlertRecord, Announcement } from '../model/output.ts'
import { isFed, LIST_ITEMS_MAX, type ListItem, type RuleSet } from '../model/rule.ts'
import { topicOf } from '../model/source-position.ts'

/** What a condition asks: the same object whatever changes. */
export interface Members {
  has(value: unknown): boolean
}

/**
 * A change of one item: it is on the list until `untilMs` of stream time (Infinity = it stays, -Infinity = it was taken
 * off), for what is read behind `position`.
 */
export interface Change {
  readonly position: number
  /** Stream time at which it was read. */
  readonly atMs: number
  readonly untilMs: number
}

/** A log from before ids were known names the topic alone. */
function isSameTopic(seen: string, topic: string): boolean {
  return seen === topic || seen === topicOf(topic)
}

/** Keys under which commits keep the changes of items: `list/<id>/<item as JSON>`; and what was seen: `list/<id>`. */
export const LIST_PREFIX = 'list/'

class LiveList implements Members {
  base: ReadonlySet<unknown> = new Set()
  readonly changes = new Map<ListItem, Change[]>()
  /** The control topic that its records come from, and the last offset there that was taken. */
  seen: { readonly topic: string; readonly offset: number } | null = null
  readonly #lists: Lists

  constructor(lists: Lists) {
    this.#lists = lists
  }

  has(value: unknown): boolean {
    const changes = this.changes.get(value as ListItem)
    if (changes !== undefined)
      for (let i = changes.length - 1; i >= 0; i--)
        if (changes[i]!.position < this.#lists.readingAt) return changes[i]!.untilMs > this.#lists.clock.streamMs
    return this.base.has(value)
  }
}

/**
 * The named lists of a task: what the rule files say, and what was changed since by records of its log and by the alerts
 * that feed them. Changes are kept as long as a rebuild may read events from before them: it sees the lists as they
 * were at each record.
 */
export class Lists {
  /** The clock of the core that reads. */
  clock: { readonly streamMs: number } = { streamMs: Number.NEGATIVE_INFINITY }
  /** While a log is read again: position of the record at hand. */
  replayingAt: number | null = null
  readonly #lists = new Map<string, LiveList>()
  /** Rule id -> the lists that its alerts feed. */
  readonly #fed = new Map<string, { readonly list: string; readonly about: string; readonly ttlMs: number }[]>()
  readonly #waiting: { readonly list: string; readonly item: ListItem; readonly untilMs: number }[] = []
  readonly #dirty = new Map<string, Set<ListItem>>()
  readonly #dirtySeen = new Set<string>()
  /** Alerts are announced: they come back as records. */
  #isShared = false
  readonly #refused

  constructor(counters: Counters) {
    this.#refused = counters.counter('list_items_refused_total')
  }

  /** Changes at this position and behind it are not seen. */
  get readingAt(): number {
    return this.replayingAt ?? Number.POSITIVE_INFINITY
  }

  members(id: string): Members {
    return this.#list(id)
  }

  /** What is on a list at the moment; null = there is no such list. */
  items(id: string): ListItem[] | null {
    const list = this.#lists.get(id)
    return list ? [...new Set([...list.base, ...list.changes.keys()] as ListItem[])].filter((i) => list.has(i)) : null
  }

  /** Takes the lists of a rule set; forgets what was changed of lists that it has not. */
  install({ lists, rules, sequences, shared }: RuleSet): void {
    this.#isShared = shared !== undefined
    for (const [id, { changes, seen }] of this.#lists) {
      if (lists.some((l) => l.id === id)) continue
      for (const item of changes.keys()) this.#touch(id, item)
      this.#lists.delete(id)
      if (seen) this.#dirtySeen.add(id)
    }
    this.#fed.clear()
    for (const list of lists) {
      this.#list(list.id).base = new Set(list.items)
      if (!isFed(list)) continue
      const { rule: id, ttlMs } = list.source
      const rule = [...rules, ...sequences].find((r) => r.id === id && r.mode === 'live')
      if (rule)
        this.#fed.set(id, [
          ...(this.#fed.get(id) ?? []),
          { list: list.id, about: rule.about, ttlMs: ttlMs ?? Number.POSITIVE_INFINITY },
        ])
    }
  }

  /** A rule set is put in force: lists that come from files begin as those are now. */
  startAnew({ lists }: RuleSet): void {
    for (const { id, source } of lists) {
      const known = source?.kind === 'file' ? this.#lists.get(id) : undefined
      for (const item of known?.changes.keys() ?? []) this.#touch(id, item)
      known?.changes.clear()
    }
  }

  /** A record of the log. */
  apply({ list, add, remove, ttlMs, atMs }: ListControl, position: number, streamMs: number): void {
    const now = { position, atMs: streamMs }
    const fromMs = Number.isFinite(streamMs) ? streamMs : atMs
    const untilMs = ttlMs === null ? Number.POSITIVE_INFINITY : fromMs + ttlMs
    for (const item of remove) this.#change(list, item, { ...now, untilMs: Number.NEGATIVE_INFINITY })
    for (const item of add) this.#change(list, item, { ...now, untilMs })
  }

  /** A record of a control topic; one that has been seen changes nothing. */
  receive(topic: string, record: ListRecord, position: number, streamMs: number): void {
    const { list: id, item, on, ttlMs, offset, atMs } = record
    const list = this.#lists.get(id)
    if (!list || (list.seen && isSameTopic(list.seen.topic, topic) && offset <= list.seen.offset)) return
    list.seen = { topic, offset }
    this.#dirtySeen.add(id)
    const fromMs = Number.isFinite(streamMs) ? streamMs : atMs
    const untilMs = record.untilMs ?? (ttlMs === null ? Number.POSITIVE_INFINITY : fromMs + ttlMs)
    this.#change(id, item, { position, atMs: streamMs, untilMs: on ? untilMs : Number.NEGATIVE_INFINITY })
  }

  /**
   * An alert was made: a live one goes onto the lists that it feeds, when the record that made it has been read. Where
   * others share the rule set, by way of a control topic: it is announced.
   */
  take(alert: AlertRecord, announce: (announcement: Announcement) => void): void {
    const fed = this.#fed.get(alert.rule)
    if (!fed || alert.mode !== 'live' || alert.status === 'closed') return
    for (const { list, about, ttlMs } of fed) {
      const item = alert.key[about]
      if (typeof item !== 'string' && typeof item !== 'number') continue
      const { streamMs } = this.clock
      const untilMs = streamMs + ttlMs
      if (!this.#isShared) this.#waiting.push({ list, item, untilMs })
      else announce({ kind: 'list', list, item, untilMs: Number.isFinite(untilMs) ? untilMs : null, atMs: streamMs })
    }
  }

  settle(position: number, streamMs: number): void {
    for (const { list, item, untilMs } of this.#waiting) this.#change(list, item, { position, atMs: streamMs, untilMs })
    this.#waiting.length = 0
  }

  /** Puts out what changed since the last time. Changes from before `horizonMs` are needed by no rebuild. */
  flush(changed: (key: string, value: string | null) => void, horizonMs: number): void {
    for (const [id, items] of this.#dirty) {
      const list = this.#lists.get(id)
      for (const item of items) {
        const changes = list && this.#pruned(list, item, horizonMs)
        changed(`${LIST_PREFIX}${id}/${JSON.stringify(item)}`, changes ? JSON.stringify(changes.map(toJson)) : null)
      }
    }
    this.#dirty.clear()
    for (const id of this.#dirtySeen) {
      const seen = this.#lists.get(id)?.seen
      changed(`${LIST_PREFIX}${id}`, seen ? JSON.stringify(seen) : null)
    }
    this.#dirtySeen.clear()
  }

  /** Takes up what commits kept. */
  restore(kept: Iterable<readonly [string, string]>): void {
    for (const [key, value] of kept) {
      if (!key.startsWith(LIST_PREFIX)) continue
      const slash = key.indexOf('/', LIST_PREFIX.length)
      if (slash < 0) {
        this.#list(key.slice(LIST_PREFIX.length)).seen = JSON.parse(value)
        continue
      }
      const item: ListItem = JSON.parse(key.slice(slash + 1))
      this.#list(key.slice(LIST_PREFIX.length, slash)).changes.set(item, savedChanges(value))
    }
  }

  /** All that `restore` needs. */
  saved(): [string, string][] {
    return [...this.#lists].flatMap(([id, { changes, seen }]) => [
      ...(seen ? [[`${LIST_PREFIX}${id}`, JSON.stringify(seen)] as [string, string]] : []),
      ...[...changes].map(([item, all]): [string, string] => [
        `${LIST_PREFIX}${id}/${JSON.stringify(item)}`,
        JSON.stringify(all.map(toJson)),
      ]),
    ])
  }

  #list(id: string): LiveList {
    let list = this.#lists.get(id)
    if (!list) {
      list = new LiveList(this)
      this.#lists.set(id, list)
    }
    return list
  }

  /** What changes nothing is left out, and so is what comes to a full list. */
  #change(id: string, item: ListItem, change: Change): void {
    const list = this.#lists.get(id)
    if (!list) return
    const known = list.changes.get(item)
    const last = known
      ? known.at(-1)!.untilMs
      : list.base.has(item)
        ? Number.POSITIVE_INFINITY
        : Number.NEGATIVE_INFINITY
    if (change.untilMs === last) return
    if (!known && list.changes.size >= LIST_ITEMS_MAX) {
      this.#refused.value++
      return
    }
    if (known) known.push(change)
    else list.changes.set(item, [change])
    this.#touch(id, item)
  }

  #touch(id: string, item: ListItem): void {
    const items = this.#dirty.get(id)
    if (items) items.add(item)
    else this.#dirty.set(id, new Set([item]))
  }

  /** Without what no rebuild needs; null, and forgotten, when nothing is left. */
  #pruned(list: LiveList, item: ListItem, horizonMs: number): readonly Change[] | null {
    const changes = list.changes.get(item)
    if (!changes) return null
    const newer = changes.findIndex((c) => c.atMs >= horizonMs)
    changes.splice(0, Math.max(0, (newer < 0 ? changes.length : newer) - 1))
    const [only] = changes
    const isOver = changes.length === 1 && only!.atMs < horizonMs && only!.untilMs < horizonMs && !list.base.has(item)
    if (isOver) list.changes.delete(item)
    return isOver ? null : changes
  }
}

/** Until: null = it stays, -1 = taken off. */
type Saved = readonly [position: number, atMs: number | null, untilMs: number | null]

function toJson({ position, atMs, untilMs }: Change): Saved {
  const until = untilMs === Number.POSITIVE_INFINITY ? null : untilMs === Number.NEGATIVE_INFINITY ? -1 : untilMs
  return [position, Number.isFinite(atMs) ? atMs : null, until]
}

/** The changes of an item as commits keep them. */
export function savedChanges(text: string): Change[] {
  return (JSON.parse(text) as Saved[]).map(fromJson)
}

function fromJson([position, atMs, untilMs]: Saved): Change {
  const until = untilMs === null ? Number.POSITIVE_INFINITY : untilMs === -1 ? Number.NEGATIVE_INFINITY : untilMs
  return { position, atMs: atMs ?? Number.NEGATIVE_INFINITY, untilMs: until }
}
