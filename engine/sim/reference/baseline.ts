import { type BaselineMeasure, isRunning, type Measure, type Rule, type RunningMeasure } from '../../model/rule.ts'
import { stretchAt } from './calendar.ts'
import { measureAll } from './measure.ts'
import type { TakenEvent } from './taken.ts'
import { endFor, holds, startOf, type Window } from './window.ts'

/** An event with the clock at which it entered. */
export interface Entered {
  readonly taken: TakenEvent
  readonly at: number
  /** When it leaves each of the rule's windows, or that window ends. */
  readonly ends: readonly { readonly window: Window; readonly ms: number }[]
}

/** A key from its first event until its windows have been empty for `over`. */
interface Life {
  readonly startMs: number
  /** When the last window of the measure is empty. */
  emptyMs: number
  /** Points by step end; null = the measure was null or abstained. A point that was asked for never changes again. */
  readonly points: Map<number, number | null>
}

/** One baseline of a rule, over all keys. `t` is the rule's clock. */
export class Baseline {
  readonly measure: BaselineMeasure
  readonly #of: Measure
  readonly #measures: readonly Measure[]
  /** The measure in question, or the two that it is the ratio of. */
  readonly #running: readonly RunningMeasure[]
  readonly #lives = new Map<string, Life>()

  constructor(measure: BaselineMeasure, rule: Rule) {
    this.measure = measure
    const named = (name: string) => rule.measures.find((m) => m.name === name)!
    this.#of = named(measure.of)
    const parts = this.#of.kind === 'ratio' ? [named(this.#of.numerator), named(this.#of.denominator)] : [this.#of]
    this.#running = parts.filter(isRunning)
    this.#measures = rule.measures.filter((m) => isRunning(m) || m === this.#of)
  }

  /** How far back from the clock events are asked for. */
  get reachMs(): number {
    const windowsMs = this.#measures.filter(isRunning).map((m) => m.windowMs)
    return this.measure.overMs + 2 * Math.max(...windowsMs)
  }

  /** An event of the rule enters at clock `t`. */
  enter({ keyText, event }: TakenEvent, t: number): void {
    const entered = this.#running.filter((m) => holds(m, event.timeMs, t))
    if (entered.length === 0) return
    const emptyMs = Math.max(...entered.map((m) => endFor(m, event.timeMs)))
    const life = this.#lives.get(keyText)
    if (!life || this.#isOver(life, t)) this.#lives.set(keyText, { startMs: t, emptyMs, points: new Map() })
    else life.emptyMs = Math.max(life.emptyMs, emptyMs)
  }

  /** The points of a key that count at clock `t`, ascending. `history`: all events of the key. */
  points(keyText: string, t: number, history: readonly Entered[]): number[] {
    const life = this.#lives.get(keyText)
    if (!life || this.#isOver(life, t)) return []
    const startMs = Math.min(...this.#running.map((m) => startOf(m, t)))
    const fromMs = Math.max(life.startMs, startMs - this.measure.overMs)
    const points = stepEnds(this.measure, fromMs, startMs).map((b) => {
      if (!life.points.has(b)) life.points.set(b, this.#pointAt(b, history))
      return life.points.get(b)!
    })
    return points.filter((p) => p !== null)
  }

  #isOver(life: Life, t: number): boolean {
    return t >= life.emptyMs + this.measure.overMs
  }

  /** What the measure was just before the events of `b` entered. */
  #pointAt(b: number, history: readonly Entered[]): number | null {
    const before = history.filter((e) => e.at < b).map((e) => e.taken)
    const values = measureAll(this.#measures, {
      held: (m) => before.filter(({ event }) => holds(m, event.timeMs, m.tumbling ? b - 1 : b)),
      points: () => [],
    })
    const value = values.get(this.measure.of)
    return typeof value === 'number' ? value : null
  }
}

/** Step ends in `(fromMs, throughMs]`. */
function stepEnds({ stepMs, zone }: BaselineMeasure, fromMs: number, throughMs: number): number[] {
  const steps = { lengthMs: stepMs, zone }
  const ends: number[] = []
  for (let b = stretchAt(fromMs, steps).endMs; b <= throughMs; b = stretchAt(b, steps).endMs) ends.push(b)
  return ends
}
