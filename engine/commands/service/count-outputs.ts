import type { Counters } from '../../model/counters.ts'
import type { Output } from '../../model/output.ts'

/** Counts what was committed, for the metrics. */
export function countOutputs(counters: Counters, outputs: readonly Output[]): void {
  counters.counter('commits_total').value++
  for (const output of outputs) {
    if (output.kind === 'ranking') counters.counter('rankings_total', { ranking: output.ranking }).value++
    if (output.kind !== 'alert') continue
    counters.counter('alert_records_total', { status: output.status }).value++
    if (output.status !== 'open') continue
    const { rule, severity, mode } = output
    counters.counter('alerts_total', { rule, severity, mode }).value++
  }
}
