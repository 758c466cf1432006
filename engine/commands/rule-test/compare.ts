import { formatDuration } from '../../kit/duration.ts'
import { own } from '../../kit/own.ts'
import type { AlertRecord, ColumnValue, RankingRecord } from '../../model/output.ts'
import type { Expectation, FieldValue, RuleTest } from '../../rules/index.ts'

/** One thing that was asked for, beside what there was; null = nothing of the kind. */
export interface Line {
  readonly name: string
  readonly expected: string | null
  readonly actual: string | null
  readonly ok: boolean
}

/** One alert or ranking that was expected, came out, or both. */
export interface Pair {
  readonly expectation: Expectation | null
  /** What it is held against. */
  readonly actual: AlertRecord | RankingRecord | null
  readonly lines: readonly Line[]
  readonly ok: boolean
}

/** Pairs every expectation with an alert of its own, as many as can be right; what is left over on either side is wrong. */
export function compareAlerts(
  test: RuleTest,
  expected: readonly Expectation[],
  alerts: readonly AlertRecord[],
): Pair[] {
  const lines = expected.map((e) => alerts.map((a) => alertLines(test, e, a)))
  const fits = lines.map((row) => row.map((l) => l.every((line) => line.ok)))
  const chosen = bestPairs(fits)
  pairTheRest(lines, chosen)
  const pairs = expected.map((expectation, i): Pair => {
    const column = chosen[i]
    if (column === undefined)
      return { expectation, actual: null, lines: alertLines(test, expectation, null), ok: false }
    return { expectation, actual: alerts[column]!, lines: lines[i]![column]!, ok: fits[i]![column]! }
  })
  const extra = alerts.filter((_, a) => !chosen.includes(a))
  return [...pairs, ...extra.map((a) => ({ expectation: null, actual: a, lines: unexpected(test, a), ok: false }))]
}

/** Each row beside the ranking of its `as_of` and `key`; without rows there must be none. */
export function compareRankings(
  test: RuleTest,
  expected: readonly Expectation[],
  rankings: readonly RankingRecord[],
): Pair[] {
  if (expected.length === 0) {
    return rankings.map((r) => ({ expectation: null, actual: r, lines: rankingLines(test, null, r), ok: false }))
  }
  return expected.map((expectation) => {
    const candidates = rankings.filter(
      (r) => (expectation.atMs === null || r.as_of === expectation.atMs) && includes(r.per, expectation.key),
    )
    const all = (candidates.length > 0 ? candidates : [null]).map((actual) => {
      const lines = rankingLines(test, expectation, actual)
      return { expectation, actual, lines, ok: lines.every((l) => l.ok) }
    })
    return all.find((pair) => pair.ok) ?? all[0]!
  })
}

/** What one row asks for beside one alert or ranking. */
export function pairLines(test: RuleTest, e: Expectation, actual: AlertRecord | RankingRecord): Line[] {
  return actual.kind === 'alert' ? alertLines(test, e, actual) : rankingLines(test, e, actual)
}

function alertLines(test: RuleTest, e: Expectation, alert: AlertRecord | null): Line[] {
  const lines: Line[] = []
  const add = (name: string, expected: string, actual: string | null, ok = expected === actual) =>
    lines.push({ name, expected, actual, ok: alert !== null && ok })
  if (e.atMs !== null) add('at', since(test, e.atMs), alert && since(test, alert.first_seen))
  for (const [name, value] of Object.entries(e.key ?? {}))
    add(`key.${name}`, show(value), alert && show(own(alert.key, name) ?? null))
  if (e.severity !== null) add('severity', e.severity, alert?.severity ?? null)
  if (e.violation !== null) add('violation', e.violation, alert && (alert.violation ?? 'none'))
  for (const [name, value] of Object.entries(e.measure ?? {})) {
    const actual = (alert && own(alert.measures, name)) ?? null
    add(name, show(value), alert && show(actual), sameValue(value, actual))
  }
  if (e.folded !== null) add('folded', show(e.folded), alert && show(alert.folded))
  if (e.suspects !== null) {
    const expected = e.suspects.map((s) => (s.events === null ? show(s.value) : `${show(s.value)} (${s.events})`))
    const asked = e.suspects.some((s) => s.events !== null)
    const actual = alert?.suspects.map((s) => (asked ? `${show(s.value)} (${s.events})` : show(s.value)))
    add('suspects', expected.join(', '), actual?.join(', ') ?? null, sameSuspects(e.suspects, alert?.suspects ?? []))
  }
  if (e.explainContains !== null)
    add('explain', `… ${e.explainContains} …`, alert?.explain ?? null, alert?.explain.includes(e.explainContains))
  if (lines.length === 0) add('alert', 'one', alert && 'one')
  return lines
}

function unexpected(test: RuleTest, alert: AlertRecord): Line[] {
  const key = Object.entries(alert.key).map(([name, value]) => `${name} ${show(value)}`)
  const what = alert.violation === null ? alert.severity : `${alert.violation}, ${alert.severity}`
  const actual = `at ${since(test, alert.first_seen)}, ${key.join(', ')}, ${what}: ${alert.explain}`
  return [{ name: 'alert', expected: null, actual, ok: false }]
}

function rankingLines(test: RuleTest, e: Expectation | null, ranking: RankingRecord | null): Line[] {
  const at = ranking && since(test, ranking.as_of)
  const lines: Line[] = []
  if (!e || e.atMs !== null)
    lines.push({ name: 'at', expected: e && since(test, e.atMs!), actual: at, ok: e !== null && at !== null })
  for (const [name, value] of Object.entries(e?.key ?? {})) {
    const actual = ranking && show(own(ranking.per, name) ?? null)
    lines.push({ name: `key.${name}`, expected: show(value), actual, ok: actual === show(value) })
  }
  if (!e || e.items !== null) lines.push(itemsLine(e?.items ?? null, ranking?.items ?? null))
  if (lines.length === 0)
    lines.push({ name: 'ranking', expected: 'one', actual: ranking && 'one', ok: ranking !== null })
  return lines
}

function itemsLine(expected: Expectation['items'], actual: RankingRecord['items'] | null): Line {
  const asked = expected?.map((e) => Object.keys(e.values)) ?? []
  const text = (id: ColumnValue, names: readonly string[], values: Readonly<Record<string, ColumnValue>>): string =>
    names.length === 0 ? show(id) : `${show(id)} (${names.map((n) => `${n} ${show(values[n] ?? null)}`).join(', ')})`
  const ok =
    expected !== null &&
    expected.length === actual?.length &&
    expected.every(({ id, values }, i) => {
      const item = actual[i]!
      return id === item.id && Object.entries(values).every(([name, v]) => sameValue(v, own(item, name) ?? null))
    })
  return {
    name: 'items',
    expected: expected?.map((e, i) => text(e.id, asked[i]!, e.values)).join(', ') ?? null,
    actual: actual?.map((item, i) => text(item.id, asked[i] ?? [], item)).join(', ') ?? null,
    ok,
  }
}

export function includes(
  whole: Readonly<Record<string, FieldValue>>,
  part: Readonly<Record<string, FieldValue>> | null,
): boolean {
  return Object.entries(part ?? {}).every(([name, value]) => own(whole, name) === value)
}

/** To nine digits: a ratio written by hand need not be the nearest double. */
function sameValue(a: ColumnValue, b: ColumnValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => sameValue(v, b[i]!))
  if (typeof a !== 'number' || typeof b !== 'number') return a === b
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b))
}

function sameSuspects(expected: NonNullable<Expectation['suspects']>, actual: AlertRecord['suspects']): boolean {
  if (expected.length !== actual.length) return false
  return expected.every((e) => actual.some((a) => a.value === e.value && (e.events === null || a.events === e.events)))
}

/** For each row a column that fits, each column once, as many rows as possible (augmenting paths). */
function bestPairs(fits: readonly (readonly boolean[])[]): (number | undefined)[] {
  const rowOf: (number | undefined)[] = []
  const place = (row: number, tried: Set<number>): boolean =>
    fits[row]!.some((ok, column) => {
      if (!ok || tried.has(column)) return false
      tried.add(column)
      const holder = rowOf[column]
      if (holder !== undefined && !place(holder, tried)) return false
      rowOf[column] = row
      return true
    })
  for (let row = 0; row < fits.length; row++) place(row, new Set())
  return fits.map((_, row) => {
    const column = rowOf.indexOf(row)
    return column < 0 ? undefined : column
  })
}

/** Rows without a column get the one left over that agrees in most lines. */
function pairTheRest(lines: readonly (readonly (readonly Line[])[])[], chosen: (number | undefined)[]): void {
  lines.forEach((row, i) => {
    if (chosen[i] !== undefined) return
    const free = row.map((l, column) => ({ column, right: l.filter((x) => x.ok).length }))
    const open = free.filter(({ column }) => !chosen.includes(column)).sort((a, b) => b.right - a.right)
    if (open.length > 0) chosen[i] = open[0]!.column
  })
}

/** Time from the test's start, as its rows give it. */
export function since(test: RuleTest, timeMs: number): string {
  return formatDuration(timeMs - test.startMs)
}

export function show(value: ColumnValue): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  return typeof value === 'number' ? String(Number(value.toPrecision(12))) : String(value)
}
