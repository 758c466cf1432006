import { ANY_ROW } from '../finite/labels.ts'
import type { Run } from './run.ts'
import type { Setting } from './sets.ts'
import { percent, table } from './table.ts'

const DAY_MS = 86_400_000
/** More settings than this, and what they have in common is in the JSON lines only. */
const COMPARED_MAX = 8

/** What one setting of a sweep came to. */
export interface SweepRow {
  readonly values: Setting['values']
  readonly alerts: number
  /** At the rate of the whole input. */
  readonly alertsPerDay: number
  readonly keys: number
  readonly abstained: number
  /** By setting: keys of rules (a key counts once for each rule) that had alerts under that one as well. */
  readonly shared: readonly number[]
  readonly run: Run
}

export function sweepRows(settings: readonly Setting[], runs: readonly Run[]): SweepRow[] {
  const keys = runs.map((run) => run.summary.ruleKeys)
  return runs.map((run, i) => ({
    values: settings[i]!.values,
    alerts: run.summary.alerts,
    alertsPerDay: alertsPerDay(run),
    keys: run.summary.keys,
    abstained: run.played.counters.total('abstained_total'),
    shared: keys.map((other) => [...keys[i]!].filter((key) => other.has(key)).length),
    run,
  }))
}

/** Of an input shorter than a day: what a day would bring at that rate. */
export function alertsPerDay({ summary, played: { fromMs, toMs } }: Pick<Run, 'summary' | 'played'>): number {
  return toMs > fromMs ? summary.alerts / ((toMs - fromMs) / DAY_MS) : summary.alerts
}

export function settingName(values: Setting['values']): string {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`).join(' ') // biome-ignore format: one step
}

/** A row a setting, as a person reads it. */
export function sweepTable(rows: readonly SweepRow[]): string {
  const params = Object.keys(rows[0]!.values)
  const labels = rows[0]!.run.scores.map((s) => s.label).filter((label) => label !== 'good')
  const isCompared = rows.length <= COMPARED_MAX
  const head = [
    ...params,
    'alerts',
    'per day',
    'keys',
    'abstained',
    ...labels.flatMap((label) => [`recall ${label}`, `precision ${label}`]),
    ...(rows[0]!.run.scores.some((s) => s.groups > 0) ? ['groups found', 'honest groups hit'] : []),
    ...(isCompared ? rows.map(({ values }) => `also in ${Object.values(values).join('/')}`) : []),
  ]
  const body = rows.map(({ values, alerts, alertsPerDay, keys, abstained, shared, run }) => [
    ...params.map((param) => String(values[param])),
    String(alerts),
    alertsPerDay.toFixed(1),
    String(keys),
    String(abstained),
    ...labels.flatMap((label) => {
      const score = run.scores.find((s) => s.label === label)
      return [percent(score?.recall ?? null), percent(score?.precision ?? null)]
    }),
    ...groupCells(run),
    ...(isCompared ? shared.map(String) : []),
  ])
  return table([head, ...body])
}

function groupCells({ scores }: Run): string[] {
  if (!scores.some((s) => s.groups > 0)) return []
  const cell = (label: string) => {
    const score = scores.find((s) => s.label === label)
    return score && score.groups > 0 ? `${score.groupsFound}/${score.groups}` : '-'
  }
  return [cell(ANY_ROW), cell('good')]
}

/** The same for machines: one object a setting. */
export function sweepJson(rows: readonly SweepRow[]): object[] {
  return rows.map(({ values, alerts, alertsPerDay, keys, abstained, shared, run }) => ({
    ...values,
    alerts,
    alerts_per_day: alertsPerDay,
    keys,
    abstained,
    shared_keys: Object.fromEntries(rows.map((row, i) => [settingName(row.values), shared[i]])),
    rules: Object.fromEntries(
      [...run.summary.rules].map(([name, rule]) => [name, { alerts: rule.openedMs.length, keys: rule.keys.size }]),
    ),
    ...Object.fromEntries(
      run.scores.flatMap((s) => [
        [`recall ${s.label}`, s.recall],
        [`precision ${s.label}`, s.precision],
        ...(s.groups > 0 ? [[`groups ${s.label}`, `${s.groupsFound}/${s.groups}`]] : []),
      ]),
    ),
  }))
}
