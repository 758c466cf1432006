import type { Output } from '../../model/output.ts'
import type { Severity } from '../../model/rule.ts'
import type { Played } from './play.ts'

interface OfRule {
  alerts: number
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
    const rule = this.rules.get(name) ?? { alerts: 0, keys: new Set(), severities: new Map() }
    this.rules.set(name, rule)
    rule.alerts += 1
    rule.keys.add(JSON.stringify(output.key))
    rule.severities.set(output.severity, (rule.severities.get(output.severity) ?? 0) + 1)
  }

  get alerts(): number {
    return [...this.rules.values()].reduce((sum, rule) => sum + rule.alerts, 0)
  }

  get keys(): number {
    return [...this.rules.values()].reduce((sum, rule) => sum + rule.keys.size, 0)
  }

  text({ counters, rows, tookMs }: Played, malformed: number): string {
    const lines = [
      `${count(rows)} events in ${(tookMs / 1000).toFixed(1)} s, ${count(Math.round((rows / tookMs) * 1000))} events/s`,
    ]
    for (const [name, { alerts, keys, severities }] of this.rules) {
      const parts = [...severities].map(([severity, n]) => `${severity} ${n}`)
      lines.push(`  ${name}: ${count(alerts)} alerts of ${count(keys.size)} keys (${parts.join(', ')})`)
    }
    if (this.rules.size === 0) lines.push('  no alerts')
    if (this.rankings > 0) lines.push(`  ${count(this.rankings)} rankings`)
    const dropped = counters.total('duplicate_ids_total') + counters.total('duplicate_offsets_total')
    lines.push(
      `late ${count(counters.total('late_total'))}, duplicate ${count(dropped)}, malformed ${count(malformed)}, ` +
        `abstained ${count(counters.total('abstained_total'))}, muted ${count(counters.total('muted_total'))}`,
    )
    if (counters.total('late_total') > 0) lines.push(LATE)
    return lines.join('\n')
  }
}

const LATE =
  'late: older, by more than the lateness, than an event before them. One clock far ahead makes all that follows late.'

function count(n: number): string {
  return n.toLocaleString('en-US')
}
