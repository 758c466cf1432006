import type { Chunk } from '../../state/chunk.ts'
import { TimerHeap } from '../../state/timer-heap.ts'
import { passes } from '../held-events.ts'
import type { SequencePlan } from './plan.ts'
import { type Arrival, Sequence, type SequenceHost, SWEEP_TURN } from './sequence.ts'

interface Host extends Omit<SequenceHost, 'timers' | 'is' | 'hasRoomForTimer'> {
  readonly timersMax: number
  readonly plans: readonly SequencePlan[]
  /** Words of filter bits an event has. */
  readonly bitWords: number
  /** True for an event of the past, in the record at `position`, that the sequence did not know in its time. */
  wasUnknown(plan: SequencePlan, position: number, type: number, timeMs: number): boolean
}

/** All sequences of a core, and their timers in one heap. */
export class SequenceBook {
  readonly sequences: readonly Sequence[]
  /** By sequence: it takes no events, for its state is about to be loaded. */
  readonly frozen: Uint8Array
  /** Position of the record of the past that is read again; Infinity = none is. */
  replayedPosition = Number.POSITIVE_INFINITY
  readonly #wasUnknown: Host['wasUnknown']
  readonly #timers: TimerHeap
  readonly #is: Uint8Array
  readonly #arrival: Arrival = { slot: 0, timeMs: 0, nowMs: 0, source: 0, offset: 0 }
  readonly #bitWords: number

  constructor(host: Host) {
    const { plans, memory } = host
    this.#timers = new TimerHeap(memory)
    this.#is = new Uint8Array(Math.max(0, ...plans.map((p) => p.rule.steps.length)))
    this.#bitWords = host.bitWords
    this.#wasUnknown = host.wasUnknown
    this.frozen = new Uint8Array(plans.length)
    const hasRoomForTimer = (): boolean => this.liveTimers < host.timersMax
    this.sequences = plans.map(
      (plan) => new Sequence(plan, { ...host, timers: this.#timers, is: this.#is, hasRoomForTimer }),
    )
  }

  /** Keys of which something is remembered, over all sequences. */
  get keys(): number {
    return this.sequences.reduce((sum, { states }) => sum + states.count, 0)
  }

  /** Timers that are still to fire. Each key has one more, that looks after it. */
  get liveTimers(): number {
    return this.#timers.size - this.keys
  }

  /** All timers, as they were set. */
  timers(): ReturnType<TimerHeap['all']> {
    return this.#timers.all()
  }

  /** In stream time; Infinity = no timer is set. */
  nextDueMs(): number {
    return this.#timers.nextDueMs()
  }

  /** Fires what is due; true when that was more than looking after keys. */
  fireDue(streamMs: number): boolean {
    let fired = false
    while (this.#timers.nextDueMs() <= streamMs) {
      const { turn, tag, slot, value } = this.#timers.pop()
      const isSweep = turn >= SWEEP_TURN
      const sequence = this.sequences[isSweep ? turn - SWEEP_TURN : turn]
      if (!isSweep) fired = true
      sequence.fire(tag, slot, value, streamMs - sequence.plan.rule.settleMs)
    }
    return fired
  }

  /** The event enters a sequence that has its type. False when it is none of the sequence's: filtered out, or no key. */
  enter(plan: SequencePlan, chunk: Chunk, at: number, nowMs: number): boolean {
    const slot = chunk.slots[plan.space][at]
    if (slot < 0 || !passes(plan.filter, chunk, at, this.#bitWords)) return false
    if (this.frozen[plan.index] === 1) return true
    const type = chunk.types[at]
    const timeMs = chunk.timesMs[at]
    if (this.replayedPosition !== Number.POSITIVE_INFINITY) {
      if (this.#wasUnknown(plan, this.replayedPosition, type, timeMs)) return true
    }
    const tests = plan.stepsOf[type]
    const is = this.#is.fill(0)
    let occurs = false
    for (let i = 0; i < tests.length; i++) {
      if (!passes(tests[i].filter, chunk, at, this.#bitWords)) continue
      is[tests[i].step] = 1
      occurs = true
    }
    if (!occurs) return true
    const arrival = this.#arrival
    arrival.slot = slot
    arrival.timeMs = timeMs
    arrival.nowMs = nowMs
    arrival.source = chunk.sources[at]
    arrival.offset = chunk.offsets[at]
    this.sequences[plan.index].enter(arrival)
    return true
  }
}
