import type { RunningMeasure } from '../../model/rule.ts'
import type { Type } from '../expression/names.ts'
import { aType } from '../expression/wording.ts'
import { TOP_MAX } from '../shape/limits.ts'
import { RUNNING_KEYS, RUNNING_KINDS } from '../shape/measures.ts'
import { entryOf } from '../source/tree.ts'
import type { MeasureNames, Spec } from './measure-names.ts'
import { checkWindow, type Window } from './window.ts'

const NUMERIC = new Set<string>(['sum', 'avg', 'min', 'max', 'stddev', 'percentile'])

/** A measure that is kept while events enter and leave. `window` is the rule's own, null if it is faulty. */
export function checkRunning(names: MeasureNames, spec: Spec, window: Window | null): RunningMeasure | null {
  const { draft, types, elements } = names
  const { read } = draft
  const { name, node } = spec
  const kind = spec.kind.key as RunningMeasure['kind']
  const keys = [kind, ...Object.keys(RUNNING_KEYS), ...Object.keys(RUNNING_KINDS[kind].keys)]
  read.keys(node, keys, `of a ${kind} measure`)
  const measured = checkMeasured(names, spec)
  if (kind === 'last') types.set(name, measured?.type ?? 'unknown')
  if (kind === 'top') elements.set(name, measured?.type ?? 'unknown')
  const where = draft.readingCondition(entryOf(node, 'where')?.value, 'where')
  const own = entryOf(node, 'window')
  const span = own ? checkWindow(read, own.value) : window
  const prior = checkPrior(names, spec)
  const k = kind === 'top' ? checkK(names, spec) : null
  const p = kind === 'percentile' ? checkP(names, spec) : null
  if (!measured) return null
  const measure: RunningMeasure = {
    kind,
    name,
    of: measured.of,
    where,
    ...(span ?? { windowMs: 0 }),
    ...(prior && { prior }),
    ...(k !== null && { k }),
    ...(p !== null && { p }),
  }
  names.running.set(name, measure)
  return measure
}

/** What is measured, `of` null for events; null after a fault. */
function checkMeasured({ draft }: MeasureNames, { kind }: Spec): { of: string | null; type: Type } | null {
  const { read } = draft
  const of = read.text(kind.value, `"${kind.key}"`)
  if (of === null) return null
  if (kind.key === 'count') {
    if (of === 'events') return { of: null, type: 'number' }
    return read.fault('wrong-value', kind.value, 'count counts events', `write count: events, or distinct: ${of}`)
  }
  const type = draft.fieldOrLet(of, kind.value.span)
  if (type === null) return null
  if (NUMERIC.has(kind.key) && type !== 'number' && type !== 'unknown') {
    const message = `${kind.key} needs numbers, but "${of}" is ${aType(type)}`
    return read.fault('type-mismatch', kind.value, message)
  }
  return { of, type }
}

function checkPrior(names: MeasureNames, { node }: Spec): boolean {
  const { read } = names.draft
  const entry = entryOf(node, 'prior')
  const scalar = entry && read.scalar(entry.value, 'prior')
  if (!scalar) return false
  if (typeof scalar.value !== 'boolean') read.fault('wrong-value', scalar, 'prior is true or false')
  if (scalar.value !== true) return false
  if (names.draft.kind === 'feature')
    read.fault('wrong-value', scalar, 'a feature is read between arrivals: there is no event to leave out')
  names.prior ??= entry.keySpan
  return true
}

function checkK({ draft }: MeasureNames, { node }: Spec): number | null {
  const value = entryOf(node, 'k')?.value
  return value ? draft.read.integer(value, 'k', 1, TOP_MAX) : 1
}

function checkP({ draft }: MeasureNames, { node, kind }: Spec): number | null {
  const { read } = draft
  const value = read.required(node, 'p', kind.keySpan, 'a percentile')
  const p = value && read.number(value, 'p')
  if (!value || p === null) return null
  if (p <= 0 || p > 100) return read.fault('out-of-range', value, 'p is above 0 and at most 100, in percent')
  if (p < 1) {
    const meant = Number((p * 100).toPrecision(12))
    read.report.warning(
      'unlikely-value',
      value.span,
      `p is in percent: ${p} is almost the least value`,
      `did you mean ${meant}?`,
    )
  }
  return p
}
