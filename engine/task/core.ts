import type { Block } from '../model/block.ts'
import type { Counters } from '../model/counters.ts'
import type { Output, SourcePosition } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { KeySpace } from '../state/key-space.ts'
import { Memory } from '../state/memory.ts'
import { type Chunk, fits, type HeldBytes, Rows } from '../state/rows.ts'
import { StringTable } from '../state/string-table.ts'
import { TimeIndex } from '../state/time-index.ts'
import { AlertBook } from './alert-book.ts'
import { Clock } from './clock.ts'
import { Context } from './context.ts'
import { HeldEvents, passes } from './held-events.ts'
import { type FeedGroup, Layout, type RankingPlan, type RulePlan, type TypePlan } from './layout.ts'
import { type PreviousRanks, previousToJson, RankingBoard } from './ranking-board.ts'

export interface CoreOptions {
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly counters: Counters
  /** Where events come from; grows as sources are met. An event keeps its index. */
  readonly sources: readonly Omit<SourcePosition, 'offset'>[]
  /** Stream time from which events of a type are all held; -Infinity = from its beginning. */
  readonly heldSinceMs: (type: string) => number
  readonly emit: (output: Output) => void
  readonly changed: (key: string, value: string | null) => void
}

/** What a core remembers beside its arrays, for a snapshot; null = the infinity it began with. */
interface CoreNumbers {
  readonly streamMs: number | null
  readonly warmUntilMs: number | null
  readonly rowShift: number
  readonly newestRow: number
  readonly entries: readonly number[]
  readonly nextAsOfMs: readonly (number | null)[]
}

/** A rule touched by an event that left. */
interface Touch {
  readonly plan: RulePlan
  readonly slot: number
  readonly row: number
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
  readonly #index = new TimeIndex()
  readonly #clocks: readonly Clock[]
  readonly #events: HeldEvents
  readonly #touches: Touch[] = []
  /** Events that left at the moment at hand. */
  #leftNow = 0
  readonly #idle: number[] = []
  /** What a row's number lacks to the number of events ever held: rows begin at 0 anew when the past is read again. */
  #rowShift = 0
  #newestRow = -1
  #draining = false
  #lastEffectMs = Number.NEGATIVE_INFINITY
  readonly #cursorThroughMs: (cursor: number) => number

  constructor(options: CoreOptions) {
    this.#options = options
    const { streams, set, counters } = options
    const { memory, context, strings } = this
    this.layout = new Layout({ memory, streams, set, context, strings, counters })
    this.rows = new Rows(this.layout.shape, strings)
    this.#clocks = this.layout.clocks.map((plan) => new Clock(plan, this.#index))
    this.#events = new HeldEvents({
      layout: this.layout,
      rows: this.rows,
      context,
      strings,
      sources: options.sources,
      latenessMs: Math.max(0, ...streams.map((s) => s.latenessMs)),
      rowShift: () => this.#rowShift,
    })
    this.alerts = new AlertBook({
      layout: this.layout,
      context,
      events: this.#events,
      newestEntry: (clock) =>
        this.#clocks[clock].entry ? this.#clocks[clock].entries - 1 : this.#newestRow + this.#rowShift,
      coverage: (plan, nowMs) => this.#coverage(plan, nowMs),
      idle: (space, slot) => this.#idle.push(space, slot),
      emit: options.emit,
      changed: options.changed,
    })
    this.boards = this.layout.rankings.map((plan) => new RankingBoard(plan, this.layout, strings))
    const through = this.#clocks.flatMap((clock) => [
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
  hold(block: Block, accepted: Int32Array, count: number, types: Uint16Array, source: number): number {
    const first = this.rows.endRow
    this.rows.append(block, accepted, count, types, source, this.layout.columns.mappings.get(block.stream) ?? [])
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
    const type = this.layout.types[chunk.types[at]]
    this.#newestRow = row
    this.context.chunk = chunk
    this.context.at = at
    this.#computeLets(type, chunk, at)
    this.#setBits(type, chunk, at)
    this.#setKeys(type, chunk, at, row, timeMs)
    if (timeMs >= this.context.streamMs) this.#index.append(timeMs, row)
    else this.#index.insert(timeMs, row, this.#cursorThroughMs)
    for (const clock of this.#clocks) {
      if (timeMs <= clock.nowMs) this.#enterWindows(clock, chunk, at, row, timeMs)
    }
    this.#forgetIdle()
  }

  /** Lets go of events that no window holds any more. Call it after each record. */
  trim(): void {
    this.rows.trim(this.context.streamMs - this.layout.retentionMs)
  }

  /**
   * Lets time go on until nothing is left to happen. Returns the last moment at which something did: an event left a
   * window of a rule that took it, an alert closed or its cooldown ended, a ranking was made.
   */
  drain(streamMs: number): number {
    this.#lastEffectMs = streamMs
    this.#draining = true
    for (let dueMs = this.nextDueMs(); dueMs !== Number.POSITIVE_INFINITY; dueMs = this.nextDueMs()) {
      if (this.alerts.nextClosingMs() === dueMs) this.#lastEffectMs = dueMs
      this.#moment(dueMs)
    }
    return this.#lastEffectMs
  }

  /** Next moment, in stream time, at which anything happens by itself: Infinity when nothing is left to happen. */
  nextDueMs(): number {
    let dueMs = this.alerts.nextClosingMs()
    for (let i = 0; i < this.#clocks.length; i++) {
      const due = this.#clocks[i].nextDueMs() + this.#clocks[i].plan.settleMs
      if (due < dueMs) dueMs = due
    }
    for (let i = 0; i < this.boards.length; i++) {
      const due = this.boards[i].nextAsOfMs + this.boards[i].plan.ranking.settleMs
      if (due < dueMs) dueMs = due
    }
    return dueMs
  }

  /** Events ever held, and ever entered on each settled clock: what alerts count by, across restarts. */
  numbers(): { rows: number; entries: Record<string, number> } {
    const settled = this.#clocks.filter((clock) => clock.entry !== null)
    return {
      rows: this.rows.endRow + this.#rowShift,
      entries: Object.fromEntries(settled.map((clock) => [clock.plan.settleMs, clock.entries])),
    }
  }

  /** Goes on counting from what `numbers` said when the same events were held. */
  setNumbers(rows: number, entries: Readonly<Record<string, number>>): void {
    this.#rowShift = rows - this.rows.endRow
    for (const clock of this.#clocks) {
      const shift = (entries[clock.plan.settleMs] ?? clock.entries) - clock.entries
      if (clock.entry === null || shift === 0) continue
      clock.entries += shift
      this.rows.shiftEntries(this.layout.entryColumns[this.#clocks.indexOf(clock)], shift)
    }
  }

  /** The held events and their order in time, for a snapshot. */
  saveHeld(): HeldBytes {
    const { frozen, hot } = this.rows.saveHeld()
    return { frozen, hot: [...hot, ...this.#index.save()] }
  }

  loadHeld(frozen: readonly Uint8Array[], [rows, ...index]: readonly Uint8Array[]): void {
    this.rows.loadHeld(frozen, [rows])
    this.#index.load(index)
  }

  /** Slot of a key given by its values, made if need be. */
  slotOfKey(plan: RulePlan, values: readonly (string | number | boolean | null)[]): number {
    const space = this.layout.spaces[plan.space]
    const codes = values.map((v) =>
      typeof v === 'string' ? this.strings.internText(v) : this.strings.internNumber(Number(v)),
    )
    space.keys.probe.set(codes)
    const slot = space.slotOf()
    for (const code of codes) this.strings.release(code)
    return slot
  }

  /** Slot of a key that is there, as an alert that a snapshot knows refers to it: that reference is taken back. */
  reclaimSlot(plan: RulePlan, values: readonly (string | number | boolean | null)[]): number {
    const slot = this.slotOfKey(plan, values)
    this.layout.spaces[plan.space].release(slot)
    return slot
  }

  #saveNumbers(): CoreNumbers {
    return {
      streamMs: finite(this.context.streamMs),
      warmUntilMs: finite(this.warmUntilMs),
      rowShift: this.#rowShift,
      newestRow: this.#newestRow,
      entries: this.#clocks.map((clock) => clock.entries),
      nextAsOfMs: this.boards.map((board) => finite(board.nextAsOfMs)),
    }
  }

  #loadNumbers(saved: CoreNumbers): void {
    this.#setTime(saved.streamMs ?? Number.NEGATIVE_INFINITY)
    this.warmUntilMs = saved.warmUntilMs ?? Number.NEGATIVE_INFINITY
    this.#rowShift = saved.rowShift
    this.#newestRow = saved.newestRow
    this.#clocks.forEach((clock, i) => {
      clock.entries = saved.entries[i]
    })
    this.boards.forEach((board, i) => {
      board.nextAsOfMs = saved.nextAsOfMs[i] ?? Number.POSITIVE_INFINITY
    })
  }

  #setTime(streamMs: number): void {
    this.context.streamMs = streamMs
    for (const clock of this.#clocks) clock.nowMs = streamMs - clock.plan.settleMs
  }

  /** Everything that happens at one moment, before events arrive at it: docs/semantics.md, steps 1 to 5. */
  #moment(streamMs: number): void {
    this.#setTime(streamMs)
    for (const clock of this.#clocks) this.#leave(clock)
    this.#evaluateTouched()
    this.alerts.closeDue(streamMs)
    for (const board of this.boards) this.#rank(board, streamMs - board.plan.ranking.settleMs)
    for (const clock of this.#clocks) if (clock.entry) this.#enterWaiting(clock)
    this.#forgetIdle()
  }

  #leave(clock: Clock): void {
    const { windows } = clock.plan
    const isWarming = this.context.streamMs < this.warmUntilMs
    for (let w = 0; w < windows.length; w++) {
      const window = windows[w]
      const cursor = clock.departures[w]
      const leavingMs = clock.nowMs - window.windowMs
      while (cursor.peekTime() <= leavingMs) {
        const row = cursor.take()
        this.#leftNow++
        const chunk = this.rows.chunkOf(row)
        const at = Rows.at(row)
        const type = chunk.types[at]
        this.#feed(window.groups[type], chunk, at, -1)
        const touches = window.touches[type]
        for (let i = 0; i < touches.length; i++) {
          const plan = touches[i]
          const slot = chunk.slots[plan.space][at]
          if (slot < 0 || !passes(plan.filter, chunk, at, this.rows.shape.bitWords)) continue
          if (plan.falls && !isWarming && !this.alerts.hasAlert(plan, slot)) continue
          this.#touches.push({ plan, slot, row })
        }
        if (this.#draining && this.#isTaken(window.takers[type], chunk, at)) this.#lastEffectMs = this.context.streamMs
        for (const space of window.releases) {
          const slot = chunk.slots[space][at]
          if (slot >= 0 && this.layout.spaces[space].release(slot)) this.#idle.push(space, slot)
        }
      }
    }
  }

  /** Each touched (rule, key) once: rules in their order, keys in the order in which the first event left. */
  #evaluateTouched(): void {
    const touches = this.#touches
    const seen = this.#leftNow > 1 && touches.length > 1 ? new Set<number>() : null
    this.#leftNow = 0
    if (seen && touches.some((touch, i) => i > 0 && touch.plan.index < touches[i - 1].plan.index)) {
      touches.sort((a, b) => a.plan.index - b.plan.index)
    }
    for (const { plan, slot, row } of touches) {
      if (seen) {
        const id = slot * this.layout.rules.length + plan.index
        if (seen.has(id)) continue
        seen.add(id)
      }
      if (this.evaluating)
        this.alerts.evaluate(plan, slot, { arrival: false, row, nowMs: this.#clocks[plan.clock].nowMs })
    }
    touches.length = 0
  }

  #rank(board: RankingBoard, nowMs: number): void {
    if (board.nextAsOfMs !== nowMs) return
    if (this.evaluating) {
      const key = rankingKey(board.plan)
      const changed = (group: string, value: PreviousRanks | null): void =>
        this.#options.changed(`${key}/${group}`, value && previousToJson(value))
      if (board.make(nowMs, this.#options.emit, changed)) this.#lastEffectMs = this.context.streamMs
    }
    board.arm(nowMs, true)
  }

  #enterWaiting(clock: Clock): void {
    const cursor = clock.entry
    while (cursor && cursor.peekTime() <= clock.nowMs) {
      const row = cursor.take()
      const chunk = this.rows.chunkOf(row)
      const at = Rows.at(row)
      this.context.chunk = chunk
      this.context.at = at
      this.#enterWindows(clock, chunk, at, row, chunk.timesMs[at])
    }
  }

  /** The event enters every window of the clock that holds its time; the rules that take it are evaluated. */
  #enterWindows(clock: Clock, chunk: Chunk, at: number, row: number, timeMs: number): void {
    const { windows, arrivals, boards } = clock.plan
    const type = chunk.types[at]
    const { nowMs } = clock
    if (clock.entry) chunk.entries[this.layout.entryColumns[this.#clocks.indexOf(clock)]][at] = clock.entries++
    for (let w = 0; w < windows.length; w++) {
      if (timeMs <= nowMs - windows[w].windowMs) break
      this.#feed(windows[w].groups[type], chunk, at, 1)
    }
    for (let i = 0; i < boards.length; i++) this.boards[boards[i]].arm(nowMs, false)
    const plans = arrivals[type]
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]
      if (!passes(plan.filter, chunk, at, this.rows.shape.bitWords)) continue
      if (timeMs <= nowMs - plan.longestMs) {
        if (this.evaluating) plan.missed.value++
        continue
      }
      const slot = chunk.slots[plan.space][at]
      if (slot >= 0 && this.evaluating) this.alerts.evaluate(plan, slot, { arrival: true, row, nowMs })
    }
  }

  #isTaken(rules: readonly RulePlan[], chunk: Chunk, at: number): boolean {
    const { bitWords } = this.rows.shape
    return rules.some(({ space, filter }) => chunk.slots[space][at] >= 0 && passes(filter, chunk, at, bitWords))
  }

  #feed(groups: readonly FeedGroup[], chunk: Chunk, at: number, sign: 1 | -1): void {
    const words = at * this.rows.shape.bitWords
    for (let g = 0; g < groups.length; g++) {
      const { space, feeds } = groups[g]
      const slot = chunk.slots[space][at]
      if (slot < 0) continue
      const keySpace = this.layout.spaces[space]
      const cells = keySpace.writeCells(slot)
      const base = keySpace.baseOf(slot)
      for (let f = 0; f < feeds.length; f++) {
        const feed = feeds[f]
        if (feed.mask !== 0 && (chunk.bits[words + feed.word] & feed.mask) === 0) continue
        feed.apply(cells, base, slot, chunk, at, sign)
      }
    }
  }

  #computeLets(type: TypePlan, chunk: Chunk, at: number): void {
    for (let i = 0; i < type.lets.length; i++) {
      const { ref, read } = type.lets[i]
      const value = read()
      if (value === null || value === undefined) continue
      if (ref.store === 'code' && typeof value === 'number' && !fits(value, ref.scale)) continue
      if (ref.store === 'code') {
        chunk.codes[ref.index][at] =
          typeof value === 'string' ? this.strings.internText(value) : this.strings.internNumber(Number(value))
      } else this.rows.setNumber(chunk, at, ref, Number(value))
    }
  }

  #setBits(type: TypePlan, chunk: Chunk, at: number): void {
    const { filters } = type
    const words = at * this.rows.shape.bitWords
    for (let i = 0; i < filters.length; i++) {
      const { word, mask, parent, passes } = filters[i]
      if (parent !== null && (chunk.bits[words + parent.word] & parent.mask) === 0) continue
      if (passes()) chunk.bits[words + word] |= mask
    }
  }

  /** Finds the slots of the event's keys, in the key spaces whose rules take it and whose windows still hold it. */
  #setKeys(type: TypePlan, chunk: Chunk, at: number, row: number, timeMs: number): void {
    const bitWords = this.rows.shape.bitWords
    for (let i = 0; i < type.spaces.length; i++) {
      const { space: index, users } = type.spaces[i]
      let wanted = false
      for (let u = 0; u < users.length && !wanted; u++) wanted = passes(users[u].filter, chunk, at, bitWords)
      if (!wanted) continue
      const space = this.layout.spaces[index]
      if (!probe(space, this.layout.keyColumns(index), chunk, at)) {
        if (!this.evaluating) continue
        for (const user of users) if (passes(user.filter, chunk, at, bitWords)) user.nullKeys.value++
        continue
      }
      if (timeMs <= this.context.streamMs - this.layout.longestMs(index)) continue
      const slot = space.slotOf()
      chunk.slots[index][at] = slot
      chunk.chains[index][at] = space.chain(slot, row)
    }
  }

  /** Slots that nothing referred to at some time of this moment, and that still nothing refers to. */
  #forgetIdle(): void {
    const idle = this.#idle
    if (idle.length === 0) return
    for (let i = 0; i < idle.length; i += 2) this.layout.spaces[idle[i]].forget(idle[i + 1])
    idle.length = 0
  }

  #coverage(plan: RulePlan, nowMs: number): number {
    let sinceMs = Number.NEGATIVE_INFINITY
    for (const type of plan.rule.on) sinceMs = Math.max(sinceMs, this.#options.heldSinceMs(type))
    return Math.max(0, Math.min(1, (nowMs - sinceMs) / plan.rule.windowMs))
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

export function rankingKey(plan: RankingPlan): string {
  return `ranking/${plan.ranking.id}@${plan.ranking.version}`
}

/** Puts the event's key into the space's probe; false when a part of it is null. */
function probe(space: KeySpace, columns: readonly number[], chunk: Chunk, at: number): boolean {
  const target = space.keys.probe
  for (let i = 0; i < columns.length; i++) {
    const code = chunk.codes[columns[i]][at]
    if (code < 0) return false
    target[i] = code
  }
  return true
}
