import { CsvAssembler } from '../../edge/files/csv.ts'
import { LineSplitter } from '../../edge/files/lines.ts'
import { readText } from '../../edge/files/text.ts'
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
}

/**
 * How well rules find the events that are known to be bad. An event is flagged when a rule's condition was true on its
 * arrival, whether that opened an alert or folded into one. Events without a label take no part.
 */
export class Labels {
  readonly #byEvent: ReadonlyMap<string, string>
  readonly #flagged = new Set<string>()

  constructor(byEvent: ReadonlyMap<string, string>) {
    this.#byEvent = byEvent
  }

  flag(eventId: string): void {
    if (this.#byEvent.has(eventId)) this.#flagged.add(eventId)
  }

  /** A row for each label, the most frequent first; then one, `any`, for all bad ones together. */
  scores(): LabelScore[] {
    const events = new Map<string, number>()
    const flagged = new Map<string, number>()
    for (const [id, label] of this.#byEvent) {
      events.set(label, (events.get(label) ?? 0) + 1)
      if (this.#flagged.has(id)) flagged.set(label, (flagged.get(label) ?? 0) + 1)
    }
    const good = flagged.get(GOOD) ?? 0
    const row = (label: string, n: number, found: number): LabelScore => {
      const precision = found + good === 0 ? null : found / (found + good)
      return { label, events: n, flagged: found, recall: n === 0 ? 0 : found / n, precision }
    }
    const bad = [...events].filter(([label]) => label !== GOOD).sort((a, b) => b[1] - a[1])
    const rows = bad.map(([label, n]) => row(label, n, flagged.get(label) ?? 0))
    const sum = (of: 'events' | 'flagged') => rows.reduce((total, r) => total + r[of], 0)
    return [...rows, row('any', sum('events'), sum('flagged'))]
  }
}

/** CSV with the header `event_id,label` (other columns are passed over). EngineError INPUT_MISSING, INPUT_MALFORMED. */
export async function readLabels(path: string): Promise<Labels> {
  const byEvent = new Map<string, string>()
  const fail = (line: number, what: string) => new EngineError('INPUT_MALFORMED', `${path}:${line}: ${what}`)
  let columns: { readonly id: number; readonly label: number } | null = null
  const csv = new CsvAssembler({
    malformed(line, reason) {
      throw fail(line, reason)
    },
    record(fields, line) {
      if (columns === null) {
        columns = { id: fields.indexOf('event_id'), label: fields.indexOf('label') }
        if (columns.id < 0 || columns.label < 0) throw fail(line, 'the header must be event_id,label')
        return
      }
      const [id, label] = [fields[columns.id], fields[columns.label]]
      if (id === undefined || label === undefined) throw fail(line, 'an event id and a label are wanted')
      byEvent.set(id, label)
    },
  })
  const lines = new LineSplitter((text, line) => csv.line(text, line))
  for await (const text of readText(path)) lines.feed(text)
  lines.end()
  csv.end()
  return new Labels(byEvent)
}
