import type { Chunk } from '../state/chunk.ts'
import { Rows } from '../state/rows.ts'
import type { AlertBook } from './alert-book.ts'
import type { Clock } from './clock.ts'
import type { Context } from './context.ts'
import type { Drain } from './drain.ts'
import type { Evaluator } from './evaluator.ts'
import type { IdleKeys } from './idle-keys.ts'
import type { Layout } from './layout.ts'
import type { RulePlan } from './plans.ts'
import type { RankingBoard } from './ranking-board.ts'
import type { SequenceBook } from './sequence/sequence-book.ts'
import { isTaken, slotIn } from './taken.ts'
import { TumblingCells } from './tumbling-cells.ts'

interface Host {
  readonly layout: Layout
  readonly rows: Rows
  readonly context: Context
  readonly clocks: readonly Clock[]
  readonly evaluator: Evaluator
  readonly alerts: AlertBook
  readonly sequences: SequenceBook
  readonly boards: readonly RankingBoard[]
  readonly idle: IdleKeys
  readonly drain: Drain
}

/** Moves events into and out of the windows of a clock, and tells those that this concerns. */
export class Windows {
  readonly #host: Host
  readonly #bitWords: number
  readonly #tumbling: TumblingCells

  constructor(host: Host) {
    this.#host = host
    this.#bitWords = host.layout.shape.bitWords
    this.#tumbling = new TumblingCells(host.layout)
  }

  /** Events whose time in a window is over leave it. `isWarming`: conditions may hold that nobody was told of. */
  leave(clock: Clock, isWarming: boolean): void {
    const { layout, rows, context, evaluator, idle, drain } = this.#host
    const { windows } = clock.plan
    for (let w = 0; w < windows.length; w++) {
      const window = windows[w]
      const cursor = clock.departures[w]
      const leavingMs = clock.nowMs - window.windowMs
      while (cursor.peekTime() <= leavingMs) {
        const row = cursor.take()
        const chunk = rows.chunkOf(row)
        const at = Rows.at(row)
        const type = chunk.types[at]
        const baselines = window.baselines[type]
        for (let i = 0; i < baselines.length; i++) {
          const slot = slotIn(baselines[i], chunk, at, this.#bitWords)
          if (slot >= 0) baselines[i].baseline.catchUp(slot, clock.nowMs - 1)
        }
        window.leave[type](chunk, at, row, clock.nowMs)
        const retires = window.retires[type]
        if (retires.length > 0) this.#tumbling.retire(retires, chunk, at, clock.nowMs)
        evaluator.left(window.touches[type], chunk, at, row, isWarming)
        if (drain.isOn && isTaken(window.takers[type], chunk, at, this.#bitWords)) drain.lastEffectMs = context.streamMs
        for (const space of window.releases) {
          const slot = chunk.slots[space][at]
          if (slot >= 0 && layout.spaces[space].release(slot)) idle.add(space, slot)
        }
      }
    }
  }

  /** Tumbling windows that end now: the keys with an open episode are to be looked at. */
  end(clock: Clock): void {
    const { context, evaluator, alerts, drain } = this.#host
    const { tumbling } = clock.plan
    if (context.streamMs > drain.endsThroughMs) return
    for (let w = 0; w < tumbling.length; w++) {
      const { startMs, heldUntilMs, enders } = tumbling[w]
      if (startMs !== clock.nowMs) continue
      if (heldUntilMs === startMs) drain.lastEffectMs = context.streamMs
      for (const plan of enders) {
        for (const slot of alerts.openEpisodes(plan)) evaluator.ended(plan, slot)
      }
    }
  }

  /** Events that waited for the settled clock enter. */
  enterWaiting(clock: Clock): void {
    const { rows, context } = this.#host
    const cursor = clock.entry
    while (cursor && cursor.peekTime() <= clock.nowMs) {
      const row = cursor.take()
      const chunk = rows.chunkOf(row)
      const at = Rows.at(row)
      context.chunk = chunk
      context.at = at
      this.enter(clock, chunk, at, row, chunk.timesMs[at])
    }
  }

  /** The event enters every window of the clock that holds its time; the rules that take it are evaluated. */
  enter(clock: Clock, chunk: Chunk, at: number, row: number, timeMs: number): void {
    const { layout, context, clocks, evaluator, sequences, boards, drain } = this.#host
    const { windows, arrivals, boards: ranked } = clock.plan
    const type = chunk.types[at]
    const { nowMs } = clock
    if (clock.entry) chunk.entries[layout.entryColumns[clocks.indexOf(clock)]][at] = clock.entries++
    const baselines = clock.plan.baselines[type]
    for (let i = 0; i < baselines.length; i++) {
      const slot = slotIn(baselines[i], chunk, at, this.#bitWords)
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
      this.#tumbling.enter(window.feeds[type], chunk, at, nowMs)
      if (window.heldUntilMs !== window.endMs && isTaken(window.takers[type], chunk, at, this.#bitWords))
        window.heldUntilMs = window.endMs
    }
    for (let i = 0; i < ranked.length; i++) boards[ranked[i]].arm(nowMs, false)
    evaluator.arrived(arrivals[type], chunk, at, row, timeMs, nowMs)
    const taking = clock.plan.sequences[type]
    for (let i = 0; i < taking.length; i++) {
      const entered = sequences.enter(taking[i], chunk, at, nowMs)
      if (entered && drain.isOn) drain.lastEffectMs = context.streamMs
    }
  }

  #takePriors(plan: RulePlan, chunk: Chunk, at: number): void {
    const slot = slotIn(plan, chunk, at, this.#bitWords)
    if (slot < 0) return
    this.#host.context.setKey(this.#host.layout.spaces[plan.space], slot)
    for (const prior of plan.priors) prior.value = prior.read()
  }
}
