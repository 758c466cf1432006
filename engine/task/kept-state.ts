import type { Cell } from '../model/output.ts'
import { type Alert, alertFromJson } from './alert.ts'
import type { AlertPlan } from './alert-plan.ts'
import { type Core, rankingKey } from './core.ts'

/** What commits keep: alerts and ranks, and whatever else, by their keys. */
export type KeptEntries = readonly (readonly [string, string])[]

/** In order of opening. */
export function alertsIn(kept: KeptEntries): Alert[] {
  const found = kept.filter(([key]) => key.startsWith('alert/')).map(([, value]) => alertFromJson(value))
  return found.sort((a, b) => a.sequence - b.sequence)
}

export function ranksOf(core: Core): [string, string][] {
  return core.boards.flatMap((board) =>
    board.saved().map(([group, value]): [string, string] => [`${rankingKey(board.plan)}/${group}`, value]),
  )
}

/** False when no rule of the core is the alert's own any more. */
export function restoreAlert(
  core: Core,
  alert: Alert,
  slotOf = (plan: AlertPlan, key: Cell[]): number => core.slotOfKey(plan, key),
): boolean {
  const key = (by: readonly string[]): Cell[] => by.map((name) => alert.key[name] ?? null)
  return core.alerts.restore(alert, (plan) => slotOf(plan, key(plan.rule.by)))
}

/** The ranks among `kept`; rankings go on from `streamMs`, null = they know where they stand. */
export function restoreRanks(core: Core, kept: KeptEntries, streamMs: number | null): void {
  for (const board of core.boards) {
    const prefix = `${rankingKey(board.plan)}/`
    for (const [key, value] of kept) if (key.startsWith(prefix)) board.restore(key.slice(prefix.length), value)
    if (streamMs !== null) board.arm(streamMs - board.plan.ranking.settleMs, false)
  }
}
