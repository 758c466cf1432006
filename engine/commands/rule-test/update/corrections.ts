import { formatDuration } from '../../../kit/duration.ts'
import { own } from '../../../kit/own.ts'
import type { AlertRecord, ColumnValue, RankingRecord } from '../../../model/output.ts'
import type { Expectation, RuleTest } from '../../../rules/index.ts'
import { type Pair, pairLines } from '../compare.ts'

/** What a key of an expected row, or a name below it (`measure`, `orders`), says from now on. */
export interface Correction {
  readonly path: readonly string[]
  readonly value: unknown
}

const NOTHING_ASKED: Omit<Expectation, 'line' | 'column'> = {
  atMs: null,
  key: null,
  severity: null,
  measure: null,
  violation: null,
  folded: null,
  suspects: null,
  explainContains: null,
  items: null,
}

/** The names that an expected row has wrong, with what came out. What the row does not name stays unnamed. */
export function correctionsOf(test: RuleTest, { expectation, actual }: Pair): Correction[] {
  if (!expectation || !actual) return []
  const isWrong = (asked: Partial<Expectation>): boolean =>
    pairLines(test, { ...expectation, ...NOTHING_ASKED, ...asked }, actual).some((line) => !line.ok)
  const { atMs, key, severity, measure, violation, folded, suspects, explainContains, items } = expectation
  const out: Correction[] = []
  if (atMs !== null && isWrong({ atMs }))
    out.push({ path: ['at'], value: formatDuration(momentOf(actual) - test.startMs) })
  const keyOf = actual.kind === 'alert' ? actual.key : actual.per
  for (const [name, value] of Object.entries(key ?? {}))
    if (isWrong({ key: { [name]: value } })) out.push({ path: ['key', name], value: own(keyOf, name) ?? null })
  if (items !== null && isWrong({ items }))
    out.push({ path: ['items'], value: itemsOf(items, actual as RankingRecord) })
  if (actual.kind !== 'alert') return out
  if (severity !== null && isWrong({ severity })) out.push({ path: ['severity'], value: actual.severity })
  for (const [name, value] of Object.entries(measure ?? {}))
    if (isWrong({ measure: { [name]: value } }))
      out.push({ path: ['measure', name], value: rounded(own(actual.measures, name) ?? null) })
  if (violation !== null && isWrong({ violation })) out.push({ path: ['violation'], value: actual.violation })
  if (folded !== null && isWrong({ folded })) out.push({ path: ['folded'], value: actual.folded })
  if (suspects !== null && isWrong({ suspects })) {
    const withEvents = suspects.some((s) => s.events !== null)
    out.push({ path: ['suspects'], value: withEvents ? actual.suspects : actual.suspects.map((s) => s.value) })
  }
  if (explainContains !== null && isWrong({ explainContains }))
    out.push({ path: ['explain_contains'], value: actual.explain })
  return out
}

/** The row of an alert or ranking that no row expected. */
export function rowOf(test: RuleTest, actual: AlertRecord | RankingRecord): object {
  const at = formatDuration(momentOf(actual) - test.startMs)
  if (actual.kind === 'alert') {
    const { key, severity, violation } = actual
    return { at, key, severity, ...(violation !== null && { violation }) }
  }
  return { at, ...(Object.keys(actual.per).length > 0 && { key: actual.per }), items: itemsOf([], actual) }
}

function momentOf(actual: AlertRecord | RankingRecord): number {
  return actual.kind === 'alert' ? actual.first_seen : actual.as_of
}

/** With the columns that were asked for. */
function itemsOf(expected: NonNullable<Expectation['items']>, { items }: RankingRecord): unknown[] {
  const asked = new Set(expected.flatMap((item) => Object.keys(item.values)))
  if (asked.size === 0) return items.map((item) => item.id)
  return items.map((item) => ({
    id: item.id,
    ...Object.fromEntries([...asked].map((name) => [name, rounded(own(item, name) ?? null)])),
  }))
}

function rounded(value: ColumnValue): ColumnValue {
  if (Array.isArray(value)) return value.map(rounded) as ColumnValue
  return typeof value === 'number' ? Number(value.toPrecision(12)) : value
}
