import { put } from '../kit/own.ts'
import type { Value } from '../model/expression.ts'
import type { Cell, Evidence, SourcePosition } from '../model/output.ts'
import { EVIDENCE_BYTES_MAX, memberBytes } from '../model/output-bounds.ts'
import { positionId, recordPosition } from '../model/source-position.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import { Rows } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import { type Context, columnReader } from './context.ts'
import type { Layout } from './layout.ts'
import type { Filter, RulePlan } from './plans.ts'
import type { Suspects } from './suspects.ts'

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
  readonly #eventsMax: number
  readonly #entryShift: (clock: number) => number

  constructor(init: {
    layout: Layout
    rows: Rows
    context: Context
    strings: StringTable
    sources: readonly { readonly topic: string; readonly partition: number }[]
    latenessMs: number
    /** Events that one look back visits. */
    eventsMax: number
    /** What a clock's entry numbers lack to those that alerts count by. */
    entryShift: (clock: number) => number
  }) {
    this.#layout = init.layout
    this.#rows = init.rows
    this.#context = init.context
    this.#strings = init.strings
    this.#sources = init.sources
    this.#latenessMs = init.latenessMs
    this.#eventsMax = init.eventsMax
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
    return positionId(this.source(row))
  }

  /**
   * Adds the events of the rule's window that entered after `countedEntry` to `counts`, by the suspects' field.
   * `countedMs`: the rule's clock when that was done last.
   */
  countSuspects(
    plan: RulePlan,
    slot: number,
    moment: WindowMoment,
    counts: Suspects,
    countedEntry: number,
    countedMs: number,
  ): void {
    const column = plan.suspects
    if (!column) return
    const settled = this.#layout.clocks[plan.clock].settleMs > 0
    const isOver = (chunk: Chunk, entry: number, timeMs: number): boolean => {
      if (this.#isBefore(chunk, timeMs, moment.startMs)) return true
      if (!settled) return entry <= countedEntry
      // what arrived before an event that has been counted, and is older than the clock was then, had entered too
      return timeMs + this.#latenessMs < countedMs || (entry <= countedEntry && chunk.timeMsMax < countedMs)
    }
    this.#walk(plan, slot, isOver, (chunk, at, entry, timeMs) => {
      if (timeMs > moment.startMs && entry > countedEntry) this.#count(plan, chunk, at, counts)
    })
  }

  /** Adds one event of the rule's window. */
  countSuspect(plan: RulePlan, row: number, moment: WindowMoment, counts: Suspects): void {
    const chunk = this.#rows.chunkOf(row)
    const at = Rows.at(row)
    if (chunk.timesMs[at] > moment.startMs) this.#count(plan, chunk, at, counts)
  }

  #count(plan: RulePlan, chunk: Chunk, at: number, counts: Suspects): void {
    const code = chunk.codes[(plan.suspects as ColumnRef).index][at]
    if (code >= 0 && !counts.count(this.#strings.value(code))) plan.suspectsRefused.value++
  }

  /** True when neither the event nor one that arrived before it can be younger than `ms`. */
  #isBefore(chunk: Chunk, timeMs: number, ms: number): boolean {
    return timeMs <= ms - this.#latenessMs || chunk.timeMsMax <= ms
  }

  /** The newest events of the rule's window, oldest first; `isCut`: fewer than the rule asks for, for their size. */
  evidence(
    plan: RulePlan,
    slot: number,
    moment: WindowMoment,
    total: number,
  ): { evidence: Evidence; isCut: boolean } | null {
    const wanted = plan.rule.evidence?.events ?? 0
    if (!plan.rule.evidence) return null
    let found: { row: number; timeMs: number }[] = []
    let oldestKeptMs = moment.startMs
    const isOver = (chunk: Chunk, _entry: number, timeMs: number): boolean =>
      this.#isBefore(chunk, timeMs, oldestKeptMs)
    this.#walk(plan, slot, isOver, (_chunk, _at, _entry, timeMs, row) => {
      if (timeMs > moment.startMs) found.push({ row, timeMs })
      if (found.length >= 2 * wanted + 16) {
        found = newest(found, wanted)
        oldestKeptMs = Math.max(moment.startMs, (found[0]?.timeMs ?? Number.POSITIVE_INFINITY) - 1)
      }
    })
    const chosen = newest(found, wanted)
    const events: Record<string, Cell>[] = []
    let bytes = 0
    for (let i = chosen.length - 1; i >= 0; i--) {
      const event = this.#evidenceOf(plan, chosen[i].row)
      bytes += memberBytes(event)
      if (bytes > EVIDENCE_BYTES_MAX) break
      events.push(event)
    }
    const evidence = { events: events.reverse(), total, truncated: total > events.length }
    return { evidence, isCut: events.length < chosen.length }
  }

  #evidenceOf(plan: RulePlan, row: number): Record<string, Cell> {
    const chunk = this.#rows.chunkOf(row)
    const at = Rows.at(row)
    const event: Record<string, Cell> = {
      event_id: this.eventId(row),
      event_time: chunk.timesMs[at],
      ...recordPosition(this.source(row)),
    }
    for (const { name, read } of plan.evidence) put(event, name, this.#read(chunk, at, read))
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

  /**
   * Visits the key's events that passed the rule's filter and have entered, newest arrival first. `isOver` is asked of
   * all events of the key that have entered.
   */
  #walk(
    plan: RulePlan,
    slot: number,
    isOver: (chunk: Chunk, entry: number, timeMs: number) => boolean,
    visit: (chunk: Chunk, at: number, entry: number, timeMs: number, row: number) => void,
  ): void {
    const { space, clock } = plan
    const types = plan.rule.on.map((type) => this.#layout.typeIndex.get(type))
    const entries = this.#layout.entryColumns[clock]
    const bitWords = this.#rows.shape.bitWords
    const shift = this.#entryShift(clock)
    let row = this.#layout.spaces[space].newestRow(slot)
    for (let left = this.#eventsMax; row >= this.#rows.firstRow; left--) {
      if (left === 0) {
        plan.walksCut.value++
        return
      }
      const chunk = this.#rows.chunkOf(row)
      const at = Rows.at(row)
      const number = entries < 0 ? row : chunk.entries[entries][at]
      if (number >= 0) {
        const entry = number + shift
        const timeMs = chunk.timesMs[at]
        if (isOver(chunk, entry, timeMs)) return
        if (types.includes(chunk.types[at]) && passes(plan.filter, chunk, at, bitWords))
          visit(chunk, at, entry, timeMs, row)
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
