import { CsvAssembler } from '../../edge/files/csv.ts'
import { LineSplitter } from '../../edge/files/lines.ts'
import { readText } from '../../edge/files/text.ts'
import { isWellFormed } from '../../kit/encodings.ts'
import { EngineError } from '../../model/errors.ts'

/** Label of events that are as they should be. */
const GOOD = '0'

export interface LabelScore {
  readonly label: string
  readonly events: number
  readonly flagged: number
  /** flagged / events. */
  readonly recall: number
  /** Of the flagged events that carry this label or are good, the share that carries it. */
  readonly precision: number | null
  /** Rings, bursts, crowds, …: named by the file's column `group`. */
  readonly groups: number
  /** Those of which at least one event was flagged. */
  readonly groupsFound: number
}

export interface Label {
  readonly label: string
  readonly group: string | null
}

/** The name of the row for good events in a table of scores. */
export const GOOD_ROW = 'good'
export const ANY_ROW = 'any'

/**
 * How well rules find the events that are known to be bad. An event is flagged when a rule's condition was true on its
 * arrival, whether that opened an alert or folded into one. Events without a label take no part.
 */
export class Labels {
  readonly #byEvent: ReadonlyMap<string, Label>
  readonly #good: ReadonlySet<string>
  readonly #flagged = new Set<string>()
  /** Those of the input; null = nobody says, and all count. */
  #read: Set<string> | null = null

  /** `good`: labels of honest events, besides 0. */
  constructor(byEvent: ReadonlyMap<string, Label>, good: readonly string[] = []) {
    this.#byEvent = byEvent
    this.#good = new Set([GOOD, ...good])
  }

  /** The same labels, with nothing flagged. */
  fresh(): Labels {
    return new Labels(this.#byEvent, [...this.#good])
  }

  /** Only labels of events that were read count: the input may be a part of what is labelled. */
  read(eventId: string): void {
    this.#read ??= new Set()
    if (this.#byEvent.has(eventId)) this.#read.add(eventId)
  }

  /** How many labels are of events that were not read. */
  get leftOut(): number {
    return this.#byEvent.size - (this.#read?.size ?? this.#byEvent.size)
  }

  flag(eventId: string): void {
    if (this.#byEvent.has(eventId)) this.#flagged.add(eventId)
  }

  /** A row for each bad label, the most frequent first; then `any`, for all bad ones together, and `good`. */
  scores(): LabelScore[] {
    const tallies = new Map<string, Tally>()
    for (const [id, { label, group }] of this.#byEvent) {
      if (this.#read && !this.#read.has(id)) continue
      const name = this.#good.has(label) ? GOOD_ROW : label
      const tally = tallies.get(name) ?? { events: 0, flagged: 0, groups: new Set(), found: new Set() }
      tallies.set(name, tally)
      const isFlagged = this.#flagged.has(id)
      tally.events += 1
      if (isFlagged) tally.flagged += 1
      if (group === null) continue
      tally.groups.add(group)
      if (isFlagged) tally.found.add(group)
    }
    const good = tallies.get(GOOD_ROW)
    tallies.delete(GOOD_ROW)
    const score = (label: string, { events, flagged, groups, found }: Counted, isBad = true): LabelScore => {
      const all = flagged + (good?.flagged ?? 0)
      return {
        label,
        events,
        flagged,
        recall: events === 0 ? 0 : flagged / events,
        precision: isBad && all > 0 ? flagged / all : null,
        groups: groups.size,
        groupsFound: found.size,
      }
    }
    const bad = [...tallies].sort((a, b) => b[1].events - a[1].events)
    const sum = (of: 'events' | 'flagged') => bad.reduce((total, [, tally]) => total + tally[of], 0)
    const size = (of: 'groups' | 'found') => ({ size: bad.reduce((total, [, tally]) => total + tally[of].size, 0) })
    const any = { events: sum('events'), flagged: sum('flagged'), groups: size('groups'), found: size('found') }
    const rows = [...bad.map(([label, tally]) => score(label, tally)), score(ANY_ROW, any)]
    return good ? [...rows, score(GOOD_ROW, good, false)] : rows
  }
}

interface Counted {
  readonly events: number
  readonly flagged: number
  readonly groups: { readonly size: number }
  readonly found: { readonly size: number }
}

interface Tally {
  events: number
  flagged: number
  readonly groups: Set<string>
  readonly found: Set<string>
}

/**
 * CSV with the header `event_id,label` and, where events belong together, `group`; other columns are passed over.
 * EngineError INPUT_MISSING, INPUT_MALFORMED.
 */
export async function readLabels(path: string, good: readonly string[] = []): Promise<Labels> {
  const byEvent = new Map<string, Label>()
  const fail = (line: number, what: string): never => {
    throw new EngineError('INPUT_MALFORMED', `${path}:${line}: ${what}`)
  }
  let columns: { readonly id: number; readonly label: number; readonly group: number } | null = null
  const csv = new CsvAssembler({
    malformed: fail,
    broken: fail,
    record(fields, line) {
      if (columns === null) {
        columns = { id: fields.indexOf('event_id'), label: fields.indexOf('label'), group: fields.indexOf('group') }
        if (columns.id < 0 || columns.label < 0) fail(line, 'the header must be event_id,label')
        return
      }
      const [id, label] = [fields[columns.id], fields[columns.label]]
      if (id === undefined || label === undefined) return fail(line, 'an event id and a label are wanted')
      byEvent.set(id, { label, group: fields[columns.group] || null })
    },
  })
  const lines = new LineSplitter((text, line, oversized) => {
    if (!isWellFormed(text)) fail(line, 'not UTF-8')
    csv.line(text, line, oversized)
  })
  for await (const text of readText(path, 'utf-8')) lines.feed(text)
  lines.end()
  csv.end()
  return new Labels(byEvent, good)
}
