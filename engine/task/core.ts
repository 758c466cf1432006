import type { Block } from '../model/block.ts'
import type { Counters } from '../model/counters.ts'
import type { Limits } from '../model/limits.ts'
import type { Output, SourcePosition } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { Chunk } from '../state/chunk.ts'
import type { KeySpace } from '../state/key-space.ts'
import { Memory } from '../state/memory.ts'
import { fits, type HeldBytes, type LoadedHeld, Rows } from '../state/rows.ts'
import type { Segments } from '../state/segments.ts'
import { StringTable } from '../state/string-table.ts'
import { TimeIndex } from '../state/time-index.ts'
import { AlertBook } from './alert-book.ts'
import type { SavedPoints } from './baseline.ts'
import { Clock } from './clock.ts'
import { Context } from './context.ts'
import { Evaluator } from './evaluator.ts'
import type { FeatureBoard, SavedFeature } from './feature-board.ts'
import { HeldEvents, passes } from './held-events.ts'
import { Layout } from './layout.ts'
import type { Lists } from './lists.ts'
import type { BaselinePlan, BaselineUse, RankingPlan, RulePlan, TypePlan } from './plans.ts'
import { RankingBoard } from './ranking-board.ts'
import type { RuleClass } from './rule-class.ts'
import type { SequenceOrigins } from './sequence/origins.ts'
import { SequenceBook } from './sequence/sequence-book.ts'
import { epochOf, type TumblingFeeds } from './tumbling.ts'

/** Where the held events' columns, and their order in time, are kept besides memory. Both empty at first. */
export interface HeldSegments {
  readonly rows: Segments
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

/** Points by `rule@version#hash/measure`. */
export type SavedBaselines = readonly (readonly [string, readonly SavedPoints[]])[]

export type SavedFeatures = readonly (readonly [string, SavedFeature])[]

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
  readonly #index: TimeIndex
  readonly #clocks: readonly Clock[]
  readonly #events: HeldEvents
  readonly #baselines: readonly BaselinePlan[]
  readonly #evaluator: Evaluator
  readonly #idle: number[] = []
  /** What a row's number lacks to the number of events ever held: rows begin at 0 anew when the past is read again. */
  #rowShift = 0
  /** Per clock: what its entry numbers lack, in the same way. */
  readonly #entryShifts: number[]
  #newestRow = -1
  #draining = false
  #lastEffectMs = Number.NEGATIVE_INFINITY
  /** How long after its time an event may change: late ones are put before it, and it enters settled clocks. */
  readonly #changeableMs: number
  /** Stream time through which open episodes are looked at as tumbling windows end. */
  #endsThroughMs = Number.POSITIVE_INFINITY
  readonly #cursorThroughMs: (cursor: number) => number

  constructor(options: CoreOptions) {
    this.#options = options
    const { streams, set, counters, limits } = options
    const { memory, context, strings } = this
    context.lists = options.lists
    options.lists.clock = context
    this.layout = new Layout({ memory, streams, set, context, strings, counters, limits })
    this.rows = new Rows(this.layout.shape, strings, options.held?.rows)
    this.#index = new TimeIndex(options.held?.index)
    this.#clocks = this.layout.clocks.map((plan) => new Clock(plan, this.#index))
    this.#entryShifts = this.#clocks.map(() => 0)
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
      entryShift: (clock) => this.#entryShifts[clock],
    })
    this.alerts = new AlertBook({
      layout: this.layout,
      context,
      events: this.#events,
      newestEntry: (clock) =>
        (this.#clocks[clock].entry ? this.#clocks[clock].entries - 1 : this.#newestRow) + this.#entryShifts[clock],
      coverage: (plan, nowMs) => this.#coverage(plan, nowMs),
      openMax: limits.openAlerts,
      idle: (space, slot) => this.#idle.push(space, slot),
      emit: options.emit,
      changed: options.changed,
    })
    const { layout, alerts } = this
    this.#evaluator = new Evaluator({ layout, context, alerts, nowMs: (clock) => this.#clocks[clock].nowMs })
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
      release: (space, slot) => this.layout.spaces[space].release(slot) && this.#idle.push(space, slot),
    })
    this.boards = this.layout.rankings.map((plan) => new RankingBoard(plan, this.layout, this.context, strings))
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

  /** Nothing is asked of it any more. */
  close(): void {
    this.#options.held?.close()
  }

  /** Lets go of events that no window holds any more. Call it after each record. */
  trim(): void {
    for (const { baseline, space, clock } of this.#baselines)
      baseline.forget(this.#clocks[clock].nowMs, (slot) => this.#idle.push(space, slot))
    this.#forgetIdle()
    const { streamMs } = this.context
    this.rows.trim(streamMs - this.layout.retentionMs)
    this.layout.marks.trim(this.rows.firstRow)
    this.rows.freeze(streamMs - this.#changeableMs)
    this.#index.freeze(streamMs - this.#changeableMs)
    if (this.#options.held) this.rows.makeRoom(this.#index.cursorRows())
  }

  /**
   * Lets time go on until nothing is left to happen. Returns the last moment at which something did: an event left a
   * window of a rule that took it, an alert closed or its cooldown ended, a ranking was made.
   */
  drain(streamMs: number): number {
    this.#lastEffectMs = streamMs
    this.#draining = true
    const eventsThroughMs = this.#eventsThroughMs()
    for (;;) {
      const closingMs = this.alerts.nextClosingMs()
      this.#endsThroughMs = Math.max(eventsThroughMs, Number.isFinite(closingMs) ? closingMs : eventsThroughMs)
      if (this.sequences.liveTimers > 0) this.#endsThroughMs = Number.POSITIVE_INFINITY
      const dueMs = this.nextDueMs()
      if (dueMs === Number.POSITIVE_INFINITY) return this.#lastEffectMs
      if (closingMs === dueMs) this.#lastEffectMs = dueMs
      this.#moment(dueMs)
    }
  }

  /** Next moment, in stream time, at which anything happens by itself; Infinity = none. */
  nextDueMs(): number {
    let dueMs = Math.min(this.alerts.nextClosingMs(), this.sequences.nextDueMs())
    for (let i = 0; i < this.#clocks.length; i++) {
      const { tumbling, settleMs } = this.#clocks[i].plan
      const due = this.#clocks[i].nextDueMs() + settleMs
      if (due < dueMs) dueMs = due
      for (let w = 0; w < tumbling.length; w++) {
        const endMs = tumbling[w].endMs + settleMs
        if (endMs < dueMs && endMs <= this.#endsThroughMs && this.alerts.hasAny(tumbling[w].enders)) dueMs = endMs
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

  /** Events ever held, and ever entered on each settled clock: what alerts count by, across restarts. */
  numbers(): { rows: number; entries: Record<string, number> } {
    const settled = this.#clocks.filter((clock) => clock.entry !== null)
    return {
      rows: this.rows.endRow + this.#rowShift,
      entries: Object.fromEntries(
        settled.map((clock) => [clock.plan.settleMs, clock.entries + this.#entryShifts[this.#clocks.indexOf(clock)]]),
      ),
    }
  }

  /** Goes on counting from what `numbers` said when the same events were held. */
  setNumbers(rows: number, entries: Readonly<Record<string, number>>): void {
    this.#rowShift = rows - this.rows.endRow
    this.#clocks.forEach((clock, i) => {
      this.#entryShifts[i] = clock.entry
        ? (entries[clock.plan.settleMs] ?? clock.entries) - clock.entries
        : this.#rowShift
    })
  }

  /** The held events and their order in time, for a snapshot. */
  saveHeld(): HeldBytes {
    const rows = this.rows.saveHeld(Math.min(...this.#clocks.map(({ nowMs }) => nowMs)))
    const index = this.#index.save()
    const release = (): void => {
      rows.release()
      index.release()
    }
    return { chunks: rows.chunks, index: index.index, hot: [...rows.hot, ...index.hot], release }
  }

  loadHeld({ chunks, index, firstIndex, hot: [rows, ...order] }: LoadedHeld): void {
    this.rows.loadHeld(chunks, [rows])
    this.#index.load(index, firstIndex, order)
  }

  /** All points of the past, by rule and measure: what baselines keep beyond the events held. */
  saveBaselines(): SavedBaselines {
    return [...this.layout.baselines].map(([name, { baseline, clock }]) => [
      name,
      baseline.save(this.#clocks[clock].nowMs, (code) => this.strings.value(code)),
    ])
  }

  /** Takes up the points of those that this rule set has too. */
  loadBaselines(saved: SavedBaselines): void {
    const done = new Set<BaselinePlan>()
    for (const [name, points] of saved) {
      const plan = this.layout.baselines.get(name)
      if (!plan || done.has(plan)) continue
      done.add(plan)
      const { baseline, space, clock } = plan
      baseline.load(
        points,
        this.#clocks[clock].nowMs,
        (key) => this.slotOfKey(plan, key),
        (slot) => this.#idle.push(space, slot),
      )
    }
    this.#forgetIdle()
  }

  /** What features have published, by `feature@version#hash`. */
  saveFeatures(): SavedFeatures {
    return this.layout.boards.map((board) => [featureName(board), board.save()])
  }

  /** Takes up what was published by features that this rule set has too. */
  loadFeatures(saved: SavedFeatures): void {
    for (const board of this.layout.boards) {
      const known = saved.find(([name]) => name === featureName(board))
      if (known) board.load(known[1], this.context.streamMs)
    }
  }

  /** Slot of a key given by its values, made if need be. */
  slotOfKey(plan: { readonly space: number }, values: readonly (string | number | boolean | null)[]): number {
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
  reclaimSlot(plan: { readonly space: number }, values: readonly (string | number | boolean | null)[]): number {
    const slot = this.slotOfKey(plan, values)
    this.layout.spaces[plan.space].releaseOpen(slot)
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
    for (const clock of this.#clocks) clock.moveTo(streamMs - clock.plan.settleMs)
  }

  /** Everything that happens at one moment, before events arrive at it: docs/semantics.md, steps 1 to 5. */
  #moment(streamMs: number): void {
    this.#setTime(streamMs)
    for (const clock of this.#clocks) {
      this.#leave(clock)
      this.#endWindows(clock)
    }
    this.#evaluator.evaluateTouched(streamMs < this.warmUntilMs)
    if (this.sequences.fireDue(streamMs)) this.#lastEffectMs = streamMs
    this.alerts.closeDue(streamMs)
    for (const board of this.boards) this.#rank(board, streamMs - board.plan.ranking.settleMs)
    for (const clock of this.#clocks) if (clock.entry) this.#enterWaiting(clock)
    for (const board of this.layout.boards) if (board.dueMs <= streamMs) board.publish(streamMs)
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
        const chunk = this.rows.chunkOf(row)
        const at = Rows.at(row)
        const type = chunk.types[at]
        const baselines = window.baselines[type]
        for (let i = 0; i < baselines.length; i++) {
          const slot = this.#slotIn(baselines[i], chunk, at)
          if (slot >= 0) baselines[i].baseline.catchUp(slot, clock.nowMs - 1)
        }
        window.leave[type](chunk, at, row, clock.nowMs)
        const retires = window.retires[type]
        if (retires.length > 0) this.#retire(retires, chunk, at, clock.nowMs)
        this.#evaluator.left(window.touches[type], chunk, at, row, isWarming)
        if (this.#draining && this.#isTaken(window.takers[type], chunk, at)) this.#lastEffectMs = this.context.streamMs
        for (const space of window.releases) {
          const slot = chunk.slots[space][at]
          if (slot >= 0 && this.layout.spaces[space].release(slot)) this.#idle.push(space, slot)
        }
      }
    }
  }

  /** Tumbling windows that end now: the keys with an open episode are to be looked at. */
  #endWindows(clock: Clock): void {
    const { tumbling } = clock.plan
    if (this.context.streamMs > this.#endsThroughMs) return
    for (let w = 0; w < tumbling.length; w++) {
      const { startMs, heldUntilMs, enders } = tumbling[w]
      if (startMs !== clock.nowMs) continue
      if (heldUntilMs === startMs) this.#lastEffectMs = this.context.streamMs
      for (const plan of enders) {
        for (const slot of this.alerts.openEpisodes(plan)) this.#evaluator.ended(plan, slot)
      }
    }
  }

  #rank(board: RankingBoard, nowMs: number): void {
    if (board.nextAsOfMs !== nowMs) return
    if (this.evaluating) {
      const key = rankingKey(board.plan)
      const changed = (name: string, json: string | null): void => this.#options.changed(`${key}/${name}`, json)
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
    const baselines = clock.plan.baselines[type]
    for (let i = 0; i < baselines.length; i++) {
      const slot = this.#slotIn(baselines[i], chunk, at)
      if (slot >= 0) baselines[i].baseline.arrive(slot, timeMs, nowMs)
    }
    const priors = clock.plan.priors[type]
    for (let i = 0; i < priors.length; i++) this.#takePriors(priors[i], chunk, at)
    for (let w = 0; w < windows.length; w++) {
      if (timeMs <= nowMs - windows[w].windowMs) break
      windows[w].enter[type](chunk, at, row, nowMs)
    }
    const { tumbling } = clock.plan
    for (let w = 0; w < tumbling.length; w++) {
      const window = tumbling[w]
      if (timeMs < window.startMs) continue
      this.#feedTumbling(window.feeds[type], chunk, at, nowMs)
      if (window.heldUntilMs !== window.endMs && this.#isTaken(window.takers[type], chunk, at))
        window.heldUntilMs = window.endMs
    }
    for (let i = 0; i < boards.length; i++) this.boards[boards[i]].arm(nowMs, false)
    this.#evaluator.arrived(arrivals[type], chunk, at, row, timeMs, nowMs)
    const sequences = clock.plan.sequences[type]
    for (let i = 0; i < sequences.length; i++) {
      const entered = this.sequences.enter(sequences[i], chunk, at, nowMs)
      if (entered && this.#draining) this.#lastEffectMs = this.context.streamMs
    }
  }

  /**
   * Stream time at which the last of the events held is out of all windows and rankings. An episode that is open in
   * empty tumbling windows goes on for ever: a finite input is not followed to their ends after that.
   */
  #eventsThroughMs(): number {
    let throughMs = Number.NEGATIVE_INFINITY
    for (let row = this.rows.firstRow; row < this.rows.endRow; row++) {
      const chunk = this.rows.chunkOf(row)
      const at = Rows.at(row)
      const type = chunk.types[at]
      const timeMs = chunk.timesMs[at]
      for (const { plan } of this.#clocks) {
        for (const { windowMs, takers } of plan.windows) {
          const leavesMs = timeMs + windowMs + plan.settleMs
          if (leavesMs > throughMs && this.#isTaken(takers[type], chunk, at)) throughMs = leavesMs
        }
        for (const { calendar, takers } of plan.tumbling) {
          const endsMs = calendar.endOf(timeMs) + plan.settleMs
          if (endsMs > throughMs && this.#isTaken(takers[type], chunk, at)) throughMs = endsMs
        }
      }
      for (const { ranking, space, filter } of this.layout.rankings) {
        if (!ranking.on.includes(this.layout.types[type].name) || this.#slotIn({ space, filter }, chunk, at) < 0)
          continue
        const asOfMs = Math.floor((timeMs + ranking.windowMs) / ranking.stepMs) * ranking.stepMs
        throughMs = Math.max(throughMs, asOfMs + ranking.settleMs)
      }
    }
    return throughMs
  }

  #isTaken(rules: readonly RuleClass[], chunk: Chunk, at: number): boolean {
    const { bitWords } = this.rows.shape
    return rules.some(({ space, filter }) => chunk.slots[space][at] >= 0 && passes(filter, chunk, at, bitWords))
  }

  /** The event enters the tumbling windows that its clock stands in. */
  #feedTumbling(list: readonly TumblingFeeds[], chunk: Chunk, at: number, nowMs: number): void {
    const words = at * this.rows.shape.bitWords
    for (let g = 0; g < list.length; g++) {
      const { window, group, feeds } = list[g]
      const slot = chunk.slots[group.space][at]
      if (slot < 0) continue
      const keySpace = this.layout.spaces[group.space]
      const cells = keySpace.writeCells(slot)
      const base = keySpace.baseOf(slot)
      if (cells[base + group.epochCell] !== window.epoch) {
        for (const baseline of group.baselines) baseline.catchUp(slot, nowMs)
        for (const feed of group.feeds) feed.clear(cells, base)
        cells[base + group.epochCell] = window.epoch
      }
      for (let f = 0; f < feeds.length; f++) {
        const feed = feeds[f]
        if (feed.mask !== 0 && (chunk.bits[words + feed.word] & feed.mask) === 0) continue
        feed.apply(cells, base, slot, chunk, at, 1)
      }
    }
  }

  /** The event's tumbling windows are over for long, and it is let go. */
  #retire(list: readonly TumblingFeeds[], chunk: Chunk, at: number, nowMs: number): void {
    const words = at * this.rows.shape.bitWords
    for (let g = 0; g < list.length; g++) {
      const { window, group, feeds } = list[g]
      const slot = chunk.slots[group.space][at]
      if (slot < 0) continue
      const keySpace = this.layout.spaces[group.space]
      const cells = keySpace.writeCells(slot)
      const base = keySpace.baseOf(slot)
      const epoch = epochOf(window.calendar.startOf(chunk.timesMs[at]))
      const isCleared = cells[base + group.epochCell] > epoch
      if (!isCleared) for (const baseline of group.baselines) baseline.catchUp(slot, nowMs - 1)
      for (let f = 0; f < feeds.length; f++) {
        const feed = feeds[f]
        if (feed.mask !== 0 && (chunk.bits[words + feed.word] & feed.mask) === 0) continue
        feed.retire(cells, base, slot, chunk, at, epoch, isCleared)
      }
    }
  }

  #takePriors(plan: RulePlan, chunk: Chunk, at: number): void {
    const slot = this.#slotIn(plan, chunk, at)
    if (slot < 0) return
    this.context.setKey(this.layout.spaces[plan.space], slot)
    for (const prior of plan.priors) prior.value = prior.read()
  }

  /** Slot of the event's key, -1 if it does not pass the filter. */
  #slotIn({ space, filter }: Pick<BaselineUse, 'space' | 'filter'>, chunk: Chunk, at: number): number {
    return passes(filter, chunk, at, this.rows.shape.bitWords) ? chunk.slots[space][at] : -1
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
      const slot = space.slotOf(this.#options.limits.keys)
      if (slot < 0) {
        if (!this.evaluating) continue
        for (const user of users) if (passes(user.filter, chunk, at, bitWords)) user.keysRefused.value++
        continue
      }
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
    const windowMs = plan.ownTumbling === null ? plan.rule.windowMs : nowMs - plan.ownTumbling.startMs
    return windowMs === 0 || nowMs - sinceMs >= windowMs ? 1 : Math.max(0, (nowMs - sinceMs) / windowMs)
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function featureName({ feature }: FeatureBoard): string {
  return `${feature.id}@${feature.version}#${feature.hash}`
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
