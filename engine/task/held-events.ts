import type { Value } from '../model/expression.ts'
import type { Cell, Evidence, SourcePosition } from '../model/output.ts'
import { type Chunk, Rows } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import { type Context, columnReader } from './context.ts'
import type { Filter, Layout, RulePlan } from './layout.ts'

export interface WindowMoment {
  /** The rule's clock, and its window `(startMs, nowMs]`. */
  readonly nowMs: number
  readonly startMs: number
}

/** True when the event has the filter's bit. */
export function passes(filter: Filter | null, chunk: Chunk, at: number, bitWords: number): boolean {
  return filter === null || (chunk.bits[at * bitWords + filter.word] & filter.mask) !== 0
}

/**
 * Looks up what is asked of single events: where one stands in its source, and the events of a key, newest first, by
 * the chain that each event keeps to the one before it. Conditions never do this: they read running measures.
 */
export class HeldEvents {
  readonly #layout: Layout
  readonly #rows: Rows
  readonly #context: Context
  readonly #strings: StringTable
  readonly #sources: readonly { readonly topic: string; readonly partition: number }[]
  readonly #latenessMs: number
  readonly #entryShift: (clock: number) => number

  constructor(init: {
    layout: Layout
    rows: Rows
    context: Context
    strings: StringTable
    sources: readonly { readonly topic: string; readonly partition: number }[]
    latenessMs: number
    /** What a clock's entry numbers lack to those that alerts count by. */
    entryShift: (clock: number) => number
  }) {
    this.#layout = init.layout
    this.#rows = init.rows
    this.#context = init.context
    this.#strings = init.strings
    this.#sources = init.sources
    this.#latenessMs = init.latenessMs
    this.#entryShift = init.entryShift
  }

  source(row: number): SourcePosition {
    const chunk = this.#rows.chunkOf(row)
    const at = Rows.at(row)
    const { topic, partition } = this.#sources[chunk.sources[at]]
    return { topic, partition, offset: chunk.offsets[at] }
  }

  /** The producer's id of an event; its position where the stream has none. */
  eventId(row: number): string {
    const chunk = this.#rows.chunkOf(row)
    const at = Rows.at(row)
    const { stream } = this.#layout.types[chunk.types[at]]
    const field = stream.fields.findIndex((f) => f.name === stream.idField)
    const ref = field < 0 ? undefined : this.#layout.columns.mappings.get(stream.name)?.[field][0]
    const id = ref ? this.#read(chunk, at, columnReader(this.#context, ref, this.#strings)) : null
    if (id !== null && id !== undefined) return String(id)
    const { topic, partition, offset } = this.source(row)
    return `${topic}/${partition}/${offset}`
  }

  /**
   * Adds the events of the rule's window that entered after `countedEntry` to `counts`, by the suspects' field.
   * `countedMs`: the rule's clock when that was done last.
   */
  countSuspects(
    plan: RulePlan,
    slot: number,
    moment: WindowMoment,
    counts: Map<Cell, number>,
    countedEntry: number,
    countedMs: number,
  ): void {
    const column = plan.suspects
    if (!column) return
    const settled = this.#layout.clocks[plan.clock].settleMs > 0
    this.#walk(plan, slot, (chunk, at, entry, timeMs) => {
      if (settled ? timeMs + this.#latenessMs < countedMs : entry <= countedEntry) return false
      if (timeMs <= moment.startMs - this.#latenessMs) return false
      if (timeMs > moment.startMs && entry > countedEntry) {
        const code = chunk.codes[column.index][at]
        if (code >= 0) {
          const value = this.#strings.value(code)
          counts.set(value, (counts.get(value) ?? 0) + 1)
        }
      }
      return true
    })
  }

  /** The newest events of the rule's window, oldest first. */
  evidence(plan: RulePlan, slot: number, moment: WindowMoment, total: number): Evidence | null {
    const wanted = plan.rule.evidence?.events ?? 0
    if (!plan.rule.evidence) return null
    let found: { row: number; timeMs: number }[] = []
    let oldestKeptMs = moment.startMs
    this.#walk(plan, slot, (_chunk, _at, _entry, timeMs, row) => {
      if (timeMs + this.#latenessMs <= oldestKeptMs) return false
      if (timeMs > moment.startMs) found.push({ row, timeMs })
      if (found.length >= 2 * wanted + 16) {
        found = newest(found, wanted)
        oldestKeptMs = Math.max(moment.startMs, (found[0]?.timeMs ?? Number.POSITIVE_INFINITY) - 1)
      }
      return true
    })
    const events = newest(found, wanted).map(({ row }) => this.#evidenceOf(plan, row))
    return { events, total, truncated: total > events.length }
  }

  #evidenceOf(plan: RulePlan, row: number): Record<string, Cell> {
    const chunk = this.#rows.chunkOf(row)
    const at = Rows.at(row)
    const event: Record<string, Cell> = {
      event_id: this.eventId(row),
      event_time: chunk.timesMs[at],
      ...this.source(row),
    }
    for (const { name, read } of plan.evidence) event[name] = this.#read(chunk, at, read)
    return event
  }

  /** Reads with the context turned to another event for the moment. */
  #read(chunk: Chunk, at: number, read: () => Value): Cell {
    const context = this.#context
    const before = { chunk: context.chunk, at: context.at }
    context.chunk = chunk
    context.at = at
    const value = read()
    context.chunk = before.chunk
    context.at = before.at
    return (value ?? null) as Cell
  }

  /** Visits the key's events that passed the rule's filter and have entered, newest arrival first, until false. */
  #walk(
    plan: RulePlan,
    slot: number,
    visit: (chunk: Chunk, at: number, entry: number, timeMs: number, row: number) => boolean,
  ): void {
    const { space, clock } = plan
    const types = plan.rule.on.map((type) => this.#layout.typeIndex.get(type))
    const entries = this.#layout.entryColumns[clock]
    const bitWords = this.#rows.shape.bitWords
    const shift = this.#entryShift(clock)
    let row = this.#layout.spaces[space].newestRow(slot)
    while (row >= this.#rows.firstRow) {
      const chunk = this.#rows.chunkOf(row)
      const at = Rows.at(row)
      const number = entries < 0 ? row : chunk.entries[entries][at]
      const entry = number + shift
      if (number >= 0 && types.includes(chunk.types[at]) && passes(plan.filter, chunk, at, bitWords)) {
        if (!visit(chunk, at, entry, chunk.timesMs[at], row)) return
      }
      const back = chunk.chains[space][at]
      if (back === 0) return
      row -= back
    }
  }
}

/** The last `count` by time, then row, in that order. */
function newest(events: { row: number; timeMs: number }[], count: number): { row: number; timeMs: number }[] {
  events.sort((a, b) => a.timeMs - b.timeMs || a.row - b.row)
  return events.slice(Math.max(0, events.length - count))
}
