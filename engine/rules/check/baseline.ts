import { formatDuration } from '../../kit/duration.ts'
import type { BaselineMeasure, RunningMeasure } from '../../model/rule.ts'
import { BASELINE_STEPS_MAX } from '../shape/limits.ts'
import { BASELINE_KEYS, RUNNING_KEYS } from '../shape/measures.ts'
import { entryOf } from '../source/tree.ts'
import { DAY_MS, durationOf } from '../source/values.ts'
import { type MeasureNames, misplaced, type Spec } from './measure-names.ts'
import { fitsCalendar } from './window.ts'

const NOT_OWN = Object.keys(RUNNING_KEYS)
const OVER_MAX_MS = 366 * DAY_MS
const MIN_POINTS = 3

export function checkBaseline(names: MeasureNames, spec: Spec): BaselineMeasure | null {
  const { read } = names.draft
  const { name, node, kind } = spec
  misplaced(names, spec, NOT_OWN, 'give it to the measure whose usual values these are')
  read.keys(node, [...Object.keys(BASELINE_KEYS), ...NOT_OWN], 'of a baseline')
  const of = read.text(kind.value, '"baseline"')
  const made = of === null ? null : madeOf(names, of, spec)
  const zones = new Set(made?.flatMap((m) => m.tumbling?.zone ?? []))
  if (zones.size > 1) {
    const message = `the two measures of "${of}" have windows in different zones: there is no common end of a day`
    read.fault('wrong-value', kind.value, message)
  }
  const overNode = read.required(node, 'over', kind.keySpan, 'a baseline')
  const stepNode = read.required(node, 'step', kind.keySpan, 'a baseline')
  const overMs = overNode && durationOf(read, overNode, 'over', 1_000, OVER_MAX_MS)
  const stepMs = stepNode && durationOf(read, stepNode, 'step', 1_000, OVER_MAX_MS)
  const isCalendar = zones.size > 0
  const steps = overMs !== null && stepMs !== null ? checkSteps(names, spec, overMs, stepMs, isCalendar) : null
  const minPoints = checkMinPoints(names, spec, steps)
  if (!made || of === null || overMs === null || stepMs === null || minPoints === null) return null
  return { kind: 'baseline', name, of, overMs, stepMs, zone: [...zones][0] ?? 'UTC', minPoints }
}

/** The running measures that `of` is, or is a ratio of; null after a fault. */
function madeOf(names: MeasureNames, of: string, { kind }: Spec): RunningMeasure[] | null {
  const { read } = names.draft
  const at = kind.value.span
  const kindOf = names.kindOf(of, at)
  if (kindOf === null) return null
  if (kindOf === 'baseline')
    return read.fault('wrong-value', kind.value, `"${of}" is a baseline itself`, 'name what it is the usual value of')
  if (!names.isNumeric(of, at, 'a baseline')) return null
  const ratio = names.ratios.get(of)
  const parts = ratio ? [ratio.numerator, ratio.denominator] : [of]
  const prior = [...parts, ...Object.keys(ratio?.atLeast ?? {})].find((name) => names.running.get(name)?.prior)
  if (prior !== undefined) {
    const which = prior === of ? `"${of}" is` : `"${of}" is made of "${prior}", which is`
    const message = `${which} known on arrivals only ("prior"): it has no value at the end of a step`
    return read.fault('wrong-value', kind.value, message, 'name one without "prior"')
  }
  const running = parts.flatMap((name) => names.running.get(name) ?? [])
  return running.length === parts.length ? running : null
}

/** The most points that there can be; null after a fault. */
function checkSteps(
  { draft }: MeasureNames,
  { node }: Spec,
  overMs: number,
  stepMs: number,
  isCalendar: boolean,
): number | null {
  const { read } = draft
  const [over, step] = ['over', 'step'].map((key) => entryOf(node, key)!.value)
  if (isCalendar && !fitsCalendar(read, step, 'the step of a calendar window', stepMs)) return null
  if (overMs < stepMs) {
    const message = `over is shorter than one step, ${formatDuration(stepMs)}: no step ends in it`
    return read.fault('out-of-range', over, message)
  }
  const steps = Math.ceil(overMs / stepMs)
  if (steps <= BASELINE_STEPS_MAX) return steps
  const hint = `at least ${formatDuration(Math.ceil(overMs / BASELINE_STEPS_MAX / 1_000) * 1_000)}`
  return read.fault(
    'too-many',
    step,
    `${steps} steps in ${formatDuration(overMs)}; at most ${BASELINE_STEPS_MAX}`,
    hint,
  )
}

function checkMinPoints({ draft }: MeasureNames, { node, kind }: Spec, steps: number | null): number | null {
  const { read } = draft
  const value = entryOf(node, 'min_points')?.value
  const minPoints = value ? read.integer(value, 'min_points', 1, BASELINE_STEPS_MAX) : MIN_POINTS
  if (minPoints === null || steps === null || minPoints <= steps) return minPoints
  const message = `${steps} ${steps === 1 ? 'step' : 'steps'} in "over" never make ${minPoints} points`
  return read.fault(
    'out-of-range',
    value ?? kind.keySpan,
    message,
    value ? null : 'write min_points, or a longer "over"',
  )
}
