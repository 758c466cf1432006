import { formatDuration } from '../../kit/duration.ts'
import { own } from '../../kit/own.ts'
import { printable } from '../../kit/printable.ts'
import type { MeasureValue } from '../../model/output.ts'
import { table } from '../backtest/table.ts'
import type { Derived } from './alert.ts'
import type { Clause } from './clauses.ts'
import type { LiveKey } from './live.ts'
import type { Needs } from './needs.ts'

export function needsText(needs: Needs): string {
  const { rule, title, mode, topics, key, exchange, features, published, settle_ms, held_ms, measures, cost, when } =
    needs
  const { steps, violations, matches, features_ms } = needs
  const lines = [`${rule} (${needs.kind}, ${mode}): ${title}`, '']
  for (const { stream, topic, types } of topics) lines.push(`reads     ${topic} (${stream}): ${types.join(', ')}`)
  lines.push(`key       ${key.join(', ')}`)
  if (exchange) {
    const others = exchange.shared_with.length === 0 ? 'no other' : exchange.shared_with.join(', ')
    lines.push(`exchange  ${exchange.id}, with ${others}`)
  }
  if (features.length > 0) lines.push(`features  ${features.join(', ')}`)
  if (published)
    lines.push(
      `published every ${formatDuration(published.every_ms)}, read by ${published.read_by.join(', ') || 'nobody'}`,
    )
  const settle = settle_ms === 0 ? '' : `, settle ${formatDuration(settle_ms)} included`
  lines.push(`holds     events of ${formatDuration(held_ms)}${settle}`)
  if (features_ms > 0) {
    const published = formatDuration(features_ms - (features_ms % 1_000))
    lines.push(`          and all events ${published} longer, so that what features said can be said again`)
  }
  const values = measures.some((m) => m.bytes_per_value > 0) ? ', and what each different value takes' : ''
  lines.push(`state     some ${needs.bytes_per_key} bytes a key${values}`)
  const [updates, evaluations] = [cost.updates_per_event, cost.evaluations_per_event]
  lines.push(
    `cost      ${updates} updates and ${evaluations === 2 ? 'at most 2 evaluations' : evaluations === 1 ? '1 evaluation' : 'no evaluation'} an event, whatever the window's length`,
  )
  if (when.length > 0) lines.push(`when      ${when.join('\n      and ')}`)
  if (steps.length > 0) lines.push(`steps     ${steps.join(`\n${' '.repeat(10)}`)}`)
  if (violations.length > 0) lines.push(`violated  ${violations.join(`\n${' '.repeat(10)}`)}`)
  if (matches.length > 0) lines.push(`matches   ${matches.join(`\n${' '.repeat(10)}`)}`)
  if (measures.length > 0) lines.push('', measureTable(measures))
  return lines.join('\n')
}

function measureTable(measures: Needs['measures']): string {
  const rows = measures.map((m) => [
    m.name,
    m.what,
    m.window_ms === null ? '-' : formatDuration(m.window_ms),
    String(m.bytes_per_key),
    m.bytes_per_value === 0 ? '-' : String(m.bytes_per_value),
    m.shared_with.join(', ') || '-',
  ])
  return table([['measure', 'what', 'window', 'bytes a key', 'a value', 'shared with'], ...rows])
}

export function liveText({ rule, key, at, measures, clauses, alert }: LiveKey): string {
  const lines = [`${rule} ${keyText(key)}, at ${at === null ? 'no time yet' : iso(at)}`, '']
  for (const [name, value] of Object.entries(measures)) lines.push(`  ${name} = ${shown(value)}`)
  lines.push('', clauseTable(clauses))
  const missing = clauses.filter((c) => c.holds !== true)
  if (alert) lines.push('', `alert ${alert.alert_id} is open since ${iso(alert.first_seen)} (${alert.severity})`)
  else if (missing.length === 0)
    lines.push('', 'the condition holds; the alert is not open (muted, or known only since the last record)') // biome-ignore format: one step
  else lines.push('', `missing to fire: ${missing.map(missingText).join('; ')}`)
  return lines.join('\n')
}

export function derivedText({ alert, steps, sequence, clauses, note }: Derived): string {
  const { topic, partition, offset } = alert.source
  const lines = [
    `${alert.alert_id}: ${alert.rule}@${alert.version} ${keyText(alert.key)}, ${alert.severity}`,
    `opened at ${iso(alert.first_seen)} by ${topic}/${partition} offset ${offset}: ${printable(alert.explain)}`,
  ]
  if (steps.length > 0) {
    const names = Object.keys(steps[0]!.measures)
    const rows = steps.map((s) => [
      iso(s.event_time),
      s.event_id,
      ...names.map((name) => shown(own(s.measures, name) ?? null)),
      s.matched === null ? 'abstains' : s.matched ? 'true' : 'false',
    ])
    lines.push('', table([['event_time', 'event_id', ...names, 'when'], ...rows]))
  }
  if (sequence) lines.push('', ...sequenceLines(sequence))
  if (clauses) lines.push('', 'when it opened:', clauseTable(clauses))
  if (note) lines.push('', `not derived again: ${note}`)
  return lines.join('\n')
}

function sequenceLines({ condition, steps, came_again }: NonNullable<Derived['sequence']>): string[] {
  const [first] = steps
  const rows = steps.map(({ step, event_time, topic, partition, offset }) => [
    step,
    iso(event_time),
    `+${formatDuration(event_time - first!.event_time)}`,
    `${topic}/${partition} offset ${offset}`,
  ])
  const what = condition === null ? [] : [condition, '']
  const again = came_again ? ['', 'derived again from the log: it came about in the same way'] : []
  return [...what, table([['step', 'event_time', 'after', 'event'], ...rows]), ...again]
}

function clauseTable(clauses: readonly Clause[]): string {
  const rows = clauses.map((c) => [
    c.holds === null ? '?' : c.holds ? 'yes' : 'no',
    c.text,
    c.threshold === null && c.value === null ? '-' : shown(c.value),
    c.threshold === null ? '-' : shown(c.threshold),
    c.gap === null ? (c.note ?? '-') : shown(c.gap),
  ])
  return table([['holds', 'clause', 'value', 'threshold', 'gap'], ...rows])
}

function missingText({ text, gap, value, threshold, note }: Clause): string {
  if (gap !== null) return `${text} (${shown(value)} against ${shown(threshold)}, a gap of ${shown(Math.abs(gap))})`
  return note ? `${text} (${note})` : text
}

function keyText(key: Readonly<Record<string, unknown>>): string {
  return Object.entries(key).map(([name, value]) => printable(`${name}=${value}`)).join(' ') // biome-ignore format: one step
}

function shown(value: MeasureValue | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return String(Math.round(value * 1e6) / 1e6)
  return Array.isArray(value) ? value.join(', ') : String(value)
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
