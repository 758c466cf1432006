import type { Block } from '../model/block.ts'
import type { Counters } from '../model/counters.ts'
import type { Limits } from '../model/limits.ts'
import type { Output, SourcePosition } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { Chunk } from '../state/chunk.ts'
import { Memory } from '../state/memory.ts'
import { Rows } from '../state/rows.ts'
import type { Segments } from '../state/segments.ts'
import { StringTable } from '../state/string-table.ts'
import { TimeIndex } from '../state/time-index.ts'
import { Admission } from './admission.ts'
import { AlertBook } from './alert-book.ts'
import { Clock } from './clock.ts'
import { Context } from './context.ts'
import { Drain, eventsThroughMs } from './drain.ts'
import { EntryNumbers } from './entry-numbers.ts'
import { Evaluator } from './evaluator.ts'
import { HeldEvents } from './held-events.ts'
import { IdleKeys } from './idle-keys.ts'
import { Layout } from './layout.ts'
import type { Lists } from './lists.ts'
import type { BaselinePlan, RulePlan, TypePlan, WindowPlan } from './plans.ts'
import { RankingBoard, rankingKey } from './ranking-board.ts'
import type { SequenceOrigins } from './sequence/origins.ts'
import { SequenceBook } from './sequence/sequence-book.ts'
import { Windows } from './windows.ts'

/** Where the held events' columns, and their order in time, are kept besides memory. Both empty at first. */
export interface HeldSegments {
  readonly rows: Segments<Chunk>
  readonly index: Segments
  /** They will not be asked for again. */
  close(): void
}

export interface CoreOptions {
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly counters: Counters
  /** Where events come from; grows as sources are met. An event keeps its index. */
  readonly sources: readonly Omit<SourcePosition, 'offset'>[]
  /** Stream time from which events of a type are all held; -Infinity = from its beginning. */
  readonly heldSinceMs: (type: string) => number
  readonly held: HeldSegments | null
  /** Since when sequences know their events. */
  readonly origins: SequenceOrigins
  /** Stream time at which the engine's history begins; -Infinity = that of the input. */
  readonly historyMs: () => number
  readonly lists: Lists
  readonly limits: Limits
  readonly heldFields: 'all' | 'read'
  readonly emit: (output: Output) => void
  /** Null: nobody keeps it. */
  readonly changed: ((key: string, value: string | null) => void) | null
}

/** So often while it drains, chunks that no cursor is near leave memory, and those that cursors come to are read ahead. */
const DRAINED_MOMENTS = 256

/** What a core remembers beside its arrays, for a snapshot; null = the infinity it began with. */
interface CoreNumbers {
  readonly streamMs: number | null
  readonly warmUntilMs: number | null
  readonly rowShift: number
  readonly newestRow: number
  readonly entries: readonly number[]
  readonly nextAsOfMs: readonly (number | null)[]
}

/**
 * State and evaluation under one rule set: docs/semantics.md, from "What happens at one advance" on. Plain synchronous
 * code without clock, chance or I/O.
 */
export class Core {
  readonly layout: Layout
  readonly rows: Rows
  readonly alerts: AlertBook
  readonly boards: readonly RankingBoard[]
  readonly sequences: SequenceBook
  /** The held events in time order. */
  readonly index: TimeIndex
  readonly clocks: readonly Clock[]
  readonly numbers: EntryNumbers
  readonly idle: IdleKeys
  readonly context = new Context()
  readonly memory = new Memory()
  readonly strings = new StringTable(this.memory)
  get evaluating(): boolean {
    return this.context.evaluating
  }
  set evaluating(on: boolean) {
    this.context.evaluating = on
  }
  /** Until then conditions may hold that nobody was told of: the windows were filled without evaluation. */
  warmUntilMs = Number.NEGATIVE_INFINITY
  readonly #options: CoreOptions
  readonly #events: HeldEvents
  readonly #baselines: readonly BaselinePlan[]
  readonly #evaluator: Evaluator
  readonly #drain = new Drain()
  readonly #admission: Admission
  readonly #windows: Windows
  /** How long after its time an event may change: late ones are put before it, and it enters settled clocks. */
  readonly #changeableMs: number
  readonly #cursorThroughMs: (cursor: number) => number

  constructor(options: CoreOptions) {
    this.#options = options
    const { streams, set, counters, limits, heldFields } = options
    const { memory, context, strings } = this
    context.lists = options.lists
    options.lists.clock = context
    this.layout = new Layout({ memory, streams, set, context, strings, counters, limits, heldFields })
    this.idle = new IdleKeys(this.layout.spaces)
    this.rows = new Rows(this.layout.shape, strings, options.held?.rows)
    this.index = new TimeIndex(options.held?.index)
    this.clocks = this.layout.clocks.map((plan) => new Clock(plan, this.index, (window) => this.#leavers(window)))
    this.numbers = new EntryNumbers(this.rows, this.clocks)
    const latenessMs = Math.max(0, ...streams.map((s) => s.latenessMs))
    this.#changeableMs = latenessMs + Math.max(0, ...this.layout.clocks.map((c) => c.settleMs))
    this.#baselines = [...new Set(this.layout.baselines.values())]
    this.#events = new HeldEvents({
      layout: this.layout,
      rows: this.rows,
      context,
      strings,
      sources: options.sources,
      latenessMs,
      eventsMax: limits.eventsPerKey,
      entryShift: (clock) => this.numbers.shift(clock),
    })
    this.alerts = new AlertBook({
      layout: this.layout,
      context,
      events: this.#events,
      newestEntry: (clock) => this.numbers.newest(clock),
      coverage: (plan, nowMs) => this.#coverage(plan, nowMs),
      openMax: limits.openAlerts,
      idle: (space, slot) => this.idle.add(space, slot),
      emit: options.emit,
      changed: options.changed ?? (() => {}),
    })
    const { layout, alerts } = this
    this.#evaluator = new Evaluator({ layout, context, alerts, nowMs: (clock) => this.clocks[clock].nowMs })
    this.sequences = new SequenceBook({
      timersMax: limits.timers,
      plans: this.layout.sequences,
      bitWords: this.layout.shape.bitWords,
      memory: this.memory,
      context,
      alerts: this.alerts,
      sources: options.sources,
      sinceMs: ({ rule }) => Math.max(options.historyMs(), options.origins.sinceMs(rule)),
      wasUnknown: ({ rule }, position, type, timeMs) =>
        options.origins.wasUnknown(rule, position, this.layout.types[type].name, timeMs),
      retain: (space, slot) => this.layout.spaces[space].retain(slot),
      release: (space, slot) => this.layout.spaces[space].release(slot) && this.idle.add(space, slot),
    })
    this.boards = this.layout.rankings.map((plan) => new RankingBoard(plan, this.layout, this.context, strings))
    this.#admission = new Admission({ layout, rows: this.rows, context, strings, keysMax: limits.keys })
    this.#windows = new Windows({
      layout,
      rows: this.rows,
      context,
      clocks: this.clocks,
      evaluator: this.#evaluator,
      alerts,
      sequences: this.sequences,
      boards: this.boards,
      idle: this.idle,
      drain: this.#drain,
    })
    const through = this.clocks.flatMap((clock) => [
      ...clock.plan.windows.map((w) => () => clock.nowMs - w.windowMs),
      ...(clock.entry ? [() => clock.nowMs] : []),
    ])
    this.#cursorThroughMs = (cursor) => through[cursor]()
    this.memory.root(
      () => this.#saveNumbers(),
      (saved) => this.#loadNumbers(saved),
    )
  }

  /** Copies events into the held ones; they take part when `enter` is called for each, in this order. First row's number. */
  hold(block: Block, accepted: Int32Array, count: number, types: Uint16Array, sources: Uint16Array): number {
    const first = this.rows.endRow
    this.rows.append(block, accepted, count, types, sources, this.layout.columns.mappings.get(block.stream) ?? [])
    this.layout.marks.grow(this.rows.endRow)
    return first
  }

  /** Moves all clocks on to stream time `streamMs`, through every moment in between. */
  advance(streamMs: number): void {
    for (let dueMs = this.nextDueMs(); dueMs <= streamMs; dueMs = this.nextDueMs()) this.#moment(dueMs)
    this.#setTime(streamMs)
  }

  /**
   * The event in `row` arrives: filters, key, windows, evaluation. Clocks stand at its time or, for a late one, later.
   */
  enter(row: number): void {
    const chunk = this.rows.chunkOf(row)
    const at = Rows.at(row)
    const timeMs = chunk.timesMs[at]
    this.numbers.newestRow = row
    this.context.chunk = chunk
    this.context.at = at
    this.#admission.admit(chunk, at, row, timeMs)
    if (timeMs >= this.context.streamMs) this.index.append(timeMs, row)
    else this.index.insert(timeMs, row, this.#cursorThroughMs)
    for (const clock of this.clocks) {
      if (timeMs <= clock.nowMs) this.#windows.enter(clock, chunk, at, row, timeMs)
    }
    this.idle.forget()
  }

  /** Nothing is asked of it any more. */
  close(): void {
    this.#options.held?.close()
  }

  /** Lets go of events that no window holds any more. Call it between records. */
  trim(): void {
    for (const { baseline, space, clock } of this.#baselines)
      baseline.forget(this.clocks[clock].nowMs, (slot) => this.idle.add(space, slot))
    this.idle.forget()
    const { streamMs } = this.context
    this.rows.trim(streamMs - this.layout.retentionMs)
    this.layout.marks.trim(this.rows.firstRow)
    this.rows.freeze(streamMs - this.#changeableMs)
    this.index.freeze(streamMs - this.#changeableMs)
    this.#makeRoom()
  }

  #makeRoom(): void {
    if (this.#options.held) this.rows.makeRoom(this.index.cursorRows())
  }

  /**
   * Lets time go on until nothing is left to happen. Returns the last moment at which something did: an event left a
   * window of a rule that took it, an alert closed or its cooldown ended, a ranking was made.
   */
  drain(streamMs: number): number {
    this.#drain.lastEffectMs = streamMs
    this.#drain.isOn = true
    const throughMs = eventsThroughMs(this.layout, this.rows, this.clocks)
    for (let moments = 1; ; moments++) {
      if (moments % DRAINED_MOMENTS === 0) this.#makeRoom() // or each cursor reads its chunk again for each event
      const closingMs = this.alerts.nextClosingMs()
      this.#drain.endsThroughMs = Math.max(throughMs, Number.isFinite(closingMs) ? closingMs : throughMs)
      if (this.sequences.liveTimers > 0) this.#drain.endsThroughMs = Number.POSITIVE_INFINITY
      const dueMs = this.nextDueMs()
      if (dueMs === Number.POSITIVE_INFINITY) return this.#drain.lastEffectMs
      if (closingMs === dueMs) this.#drain.lastEffectMs = dueMs
      this.#moment(dueMs)
    }
  }

  /** Next moment, in stream time, at which anything happens by itself; Infinity = none. */
  nextDueMs(): number {
    let dueMs = Math.min(this.alerts.nextClosingMs(), this.sequences.nextDueMs())
    for (let i = 0; i < this.clocks.length; i++) {
      const { tumbling, settleMs } = this.clocks[i].plan
      const due = this.clocks[i].nextDueMs() + settleMs
      if (due < dueMs) dueMs = due
      for (let w = 0; w < tumbling.length; w++) {
        const endMs = tumbling[w].endMs + settleMs
        if (endMs < dueMs && endMs <= this.#drain.endsThroughMs && this.alerts.hasAny(tumbling[w].enders)) dueMs = endMs
      }
    }
    for (let i = 0; i < this.boards.length; i++) {
      const due = this.boards[i].nextAsOfMs + this.boards[i].plan.ranking.settleMs
      if (due < dueMs) dueMs = due
    }
    const { boards } = this.layout
    for (let i = 0; i < boards.length; i++) if (boards[i].dueMs < dueMs) dueMs = boards[i].dueMs
    return dueMs
  }

  /** Slot of a key given by its values, made if need be. */
  slotOfKey(plan: { readonly space: number }, values: readonly (string | number | boolean | null)[]): number {
    const { strings } = this
    const space = this.layout.spaces[plan.space]
    const codes = values.map((v) => (typeof v === 'string' ? strings.internText(v) : strings.internNumber(Number(v))))
    space.keys.probe.set(codes)
    const slot = space.slotOf()
    for (const code of codes) strings.release(code)
    return slot
  }

  /** Whether an event's leaving the window concerns anybody, by its row; null = that of all does. */
  #leavers(window: WindowPlan): ((row: number) => boolean) | null {
    const { rows } = this
    const concerns = this.layout.types.map((type, t) => isConcerned(window, type, t))
    return concerns.every(Boolean) ? null : (row) => concerns[rows.chunkOf(row).types[Rows.at(row)]]
  }

  #saveNumbers(): CoreNumbers {
    return {
      streamMs: finite(this.context.streamMs),
      warmUntilMs: finite(this.warmUntilMs),
      rowShift: this.numbers.rowShift,
      newestRow: this.numbers.newestRow,
      entries: this.clocks.map((clock) => clock.entries),
      nextAsOfMs: this.boards.map((board) => finite(board.nextAsOfMs)),
    }
  }

  #loadNumbers(saved: CoreNumbers): void {
    this.#setTime(saved.streamMs ?? Number.NEGATIVE_INFINITY)
    this.warmUntilMs = saved.warmUntilMs ?? Number.NEGATIVE_INFINITY
    this.numbers.rowShift = saved.rowShift
    this.numbers.newestRow = saved.newestRow
    this.clocks.forEach((clock, i) => {
      clock.entries = saved.entries[i]
    })
    this.boards.forEach((board, i) => {
      board.nextAsOfMs = saved.nextAsOfMs[i] ?? Number.POSITIVE_INFINITY
    })
  }

  #setTime(streamMs: number): void {
    this.context.streamMs = streamMs
    for (const clock of this.clocks) clock.moveTo(streamMs - clock.plan.settleMs)
  }

  /** Everything that happens at one moment, before events arrive at it: docs/semantics.md, steps 1 to 6. */
  #moment(streamMs: number): void {
    this.#setTime(streamMs)
    const isWarming = streamMs < this.warmUntilMs
    for (const clock of this.clocks) {
      this.#windows.leave(clock, isWarming)
      this.#windows.end(clock)
    }
    this.#evaluator.evaluateTouched(isWarming)
    if (this.sequences.fireDue(streamMs)) this.#drain.lastEffectMs = streamMs
    this.alerts.closeDue(streamMs)
    for (const board of this.boards) this.#rank(board, streamMs - board.plan.ranking.settleMs)
    for (const clock of this.clocks) if (clock.entry) this.#windows.enterWaiting(clock)
    for (const board of this.layout.boards) if (board.dueMs <= streamMs) board.publish(streamMs)
    this.idle.forget()
  }

  #rank(board: RankingBoard, nowMs: number): void {
    if (board.nextAsOfMs !== nowMs) return
    if (this.evaluating) {
      const key = rankingKey(board.plan)
      const { emit, changed } = this.#options
      const kept = changed && ((name: string, json: string | null): void => changed(`${key}/${name}`, json))
      if (board.make(nowMs, emit, kept)) this.#drain.lastEffectMs = this.context.streamMs
    }
    board.arm(nowMs, true)
  }

  #coverage(plan: RulePlan, nowMs: number): number {
    let sinceMs = Number.NEGATIVE_INFINITY
    for (const type of plan.rule.on) sinceMs = Math.max(sinceMs, this.#options.heldSinceMs(type))
    const windowMs = plan.ownTumbling === null ? plan.rule.windowMs : nowMs - plan.ownTumbling.startMs
    return windowMs === 0 || nowMs - sinceMs >= windowMs ? 1 : Math.max(0, (nowMs - sinceMs) / windowMs)
  }
}

/** Something hears of the events of that type as they leave the window. `index`: of the type. */
function isConcerned(window: WindowPlan, type: TypePlan, index: number): boolean {
  const { groups, touches, takers, retires, baselines, releases } = window
  const lists = [groups, touches, takers, retires, baselines]
  return lists.some((list) => list[index].length > 0) || type.spaces.some(({ space }) => releases.includes(space))
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
