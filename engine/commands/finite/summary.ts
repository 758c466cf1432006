import type { Output } from '../../model/output.ts'
import type { Severity } from '../../model/rule.ts'
import type { FiniteInput } from './input.ts'
import type { Played } from './play.ts'
import { unknownFieldsText } from './unknown-fields.ts'

export type InputFaults = Pick<FiniteInput, 'name' | 'malformed' | 'ahead' | 'firstAhead' | 'late'> &
  Partial<Pick<FiniteInput, 'unknownFields'>>

type SummedUp = Pick<Played, 'counters' | 'rows' | 'tookMs'> & Partial<Pick<Played, 'taskMs' | 'fromMs' | 'toMs'>>

export interface OfRule {
  /** Stream times of the openings, rising, epoch ms. */
  readonly openedMs: number[]
  readonly keys: Set<string>
  readonly severities: Map<Severity, number>
}

/** What came out of a finite input, for the person who ran it. */
export class Summary {
  readonly rules = new Map<string, OfRule>()
  rankings = 0

  /** Alerts by the severity they opened with. */
  add(output: Output): void {
    if (output.kind === 'ranking') this.rankings += 1
    if (output.kind !== 'alert' || output.status !== 'open') return
    const name = `${output.rule}@${output.version}${output.mode === 'shadow' ? ' (shadow)' : ''}`
    const rule: OfRule = this.rules.get(name) ?? { openedMs: [], keys: new Set(), severities: new Map() }
    this.rules.set(name, rule)
    rule.openedMs.push(output.event_time)
    rule.keys.add(JSON.stringify(output.key))
    rule.severities.set(output.severity, (rule.severities.get(output.severity) ?? 0) + 1)
  }

  get alerts(): number {
    return [...this.rules.values()].reduce((sum, rule) => sum + rule.openedMs.length, 0)
  }

  get keys(): number {
    return [...this.rules.values()].reduce((sum, rule) => sum + rule.keys.size, 0)
  }

  /** Rule and key, for each key that had an alert. */
  get ruleKeys(): Set<string> {
    return new Set([...this.rules].flatMap(([name, rule]) => [...rule.keys].map((key) => `${name} ${key}`)))
  }

  text(
    { counters, rows, tookMs, taskMs, fromMs, toMs = Number.POSITIVE_INFINITY }: SummedUp,
    input: InputFaults,
  ): string {
    const parts =
      taskMs === undefined ? '' : ` (rules ${seconds(taskMs)} s, reading and writing ${seconds(tookMs - taskMs)} s)`
    const lines = [
      `${count(rows)} events in ${seconds(tookMs)} s, ${count(Math.round((rows / tookMs) * 1000))} events/s${parts}`,
    ]
    const span = eventTimeText(fromMs, toMs)
    if (span !== null) lines.push(span)
    for (const [name, { openedMs, keys, severities }] of this.rules) {
      const parts = [...severities].map(([severity, n]) => `${severity} ${n}`)
      const after = openedMs.filter((timeMs) => timeMs > toMs).length
      const draining = after === 0 ? '' : `, ${count(after)} of them after the last event, as windows emptied`
      lines.push(
        `  ${name}: ${count(openedMs.length)} alerts of ${count(keys.size)} keys (${parts.join(', ')})${draining}`,
      )
    }
    if (this.rules.size === 0) lines.push('  no alerts')
    if (this.rankings > 0) lines.push(`  ${count(this.rankings)} rankings`)
    const dropped = counters.total('duplicate_ids_total') + counters.total('duplicate_offsets_total')
    lines.push(
      `late ${count(counters.total('late_total'))}, duplicate ${count(dropped)}, malformed ${count(input.malformed)}, ` +
        `abstained ${count(counters.total('abstained_total'))}, muted ${count(counters.total('muted_total'))}`,
    )
    if (counters.total('late_total') > 0) lines.push(LATE)
    if (counters.total('late_total') > 0 && input.late) {
      const { line, timeMs, events } = input.late
      lines.push(`  ${count(events)} of them since ${input.name}:${line}, whose time is ${iso(timeMs)}`)
    }
    if (counters.total('late_total') > 0) lines.push(SORT)
    const outOfRange = counters.total('out_of_range_total')
    if (outOfRange > 0) lines.push(`${count(outOfRange)} ${OUT_OF_RANGE}`)
    const unknown = unknownFieldsText(input.unknownFields ?? [])
    if (unknown !== null) lines.push(unknown)
    if (input.firstAhead) {
      const { line, timeMs } = input.firstAhead
      const where = `the first is ${input.name}:${line}, whose time is ${iso(timeMs)}`
      lines.push(`passed over ${count(input.ahead)}, more than 31 days ahead of the events around them; ${where}`)
    }
    return lines.join('\n')
  }
}

/** The first and the last event time of an input; null without events. */
export function eventTimeText(fromMs = Number.NaN, toMs = Number.NaN): string | null {
  return Number.isFinite(fromMs) && Number.isFinite(toMs) ? `event time from ${iso(fromMs)} to ${iso(toMs)}` : null
}

/** Why a finite run whose events are mostly left out cannot be what was meant; null where they are not. */
export function mostlyLeftOut(
  { counters, rows }: Pick<SummedUp, 'counters' | 'rows'>,
  input: InputFaults,
): string | null {
  const late = counters.total('late_total')
  if (2 * late > rows)
    return `most events were late (${count(late)} of ${count(rows)}): is the input in order of time (--sort), and time_format right?`
  if (2 * input.ahead > rows + input.ahead)
    return `most events were too far ahead (${count(input.ahead)} of ${count(rows + input.ahead)}): is time_format right?`
  return null
}

const OUT_OF_RANGE = 'values taken for null: out of the range that a measure keeps (docs/semantics.md)'
const LATE =
  'late: older, by more than the lateness, than an event before them. One clock far ahead makes all that follows late.'
const SORT = '  backtest --sort puts the events in order of time first: then none is late'

function count(n: number): string {
  return n.toLocaleString('en-US')
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
