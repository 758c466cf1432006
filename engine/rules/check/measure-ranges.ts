import type { Measure } from '../../model/rule.ts'
import { ANYTHING, COUNT, FROM_ZERO, type Range, SHARE } from '../expression/ranges.ts'

/** What measures can come to, by the names that conditions use. */
export function measureRanges(measures: readonly Measure[]): Map<string, Range> {
  const out = new Map<string, Range>()
  const of = (name: string) => out.get(name) ?? ANYTHING
  for (const { kind, name } of measures) {
    if (kind === 'count' || kind === 'distinct') out.set(name, COUNT)
    else if (kind === 'stddev') out.set(name, FROM_ZERO)
    else if (kind === 'share') out.set(name, SHARE)
  }
  for (const m of measures) {
    if (m.kind !== 'ratio') continue
    if (m.lowerBoundZ !== undefined) out.set(m.name, SHARE)
    else if (of(m.numerator).min >= 0 && of(m.denominator).min >= 0) out.set(m.name, FROM_ZERO)
  }
  for (const m of measures) {
    if (m.kind !== 'baseline') continue
    out.set(`${m.name}.mean`, { ...of(m.of), whole: false })
    out.set(`${m.name}.stddev`, FROM_ZERO)
    out.set(`${m.name}.points`, COUNT)
  }
  return out
}

/** The measures that one is made of. */
export function partsOf(m: Measure): readonly string[] {
  if (m.kind === 'ratio') return [m.numerator, m.denominator, ...Object.keys(m.atLeast)]
  return m.kind === 'baseline' ? [m.of] : []
}
