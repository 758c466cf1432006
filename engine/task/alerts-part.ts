import { own } from '../kit/own.ts'
import type { Cell } from '../model/output.ts'
import { type Alert, alertFromJson } from './alert.ts'
import type { AlertPlan } from './alert-plan.ts'
import type { Core } from './core.ts'
import type { StatePart } from './state-part.ts'

/**
 * Open alerts as a part of the state: in the changelog, each under its own key, and in snapshots as the changelog has
 * them. They are found again by rule id, version and violation, and the values of the key. Those of rules that are gone
 * are forgotten without a record.
 */
export function alertsPart(core: Core): StatePart<readonly Alert[]> {
  const { alerts } = core
  const slotOf = (plan: AlertPlan, key: Alert['key']): number => core.slotOfKey(plan, cellsOf(plan, key))
  return {
    name: 'alerts',
    writeChanges: () => alerts.flush(),
    save: () => {
      alerts.flush() // into `kept`
      return {}
    },
    // the memory has the alerts' references to their keys: they are taken back, for each alert brings its own
    load: ({ kept }) => {
      for (const alert of alertsIn(kept)) {
        alerts.restore(alert, (plan, key) => {
          const slot = slotOf(plan, key)
          core.layout.spaces[plan.space].releaseOpen(slot)
          return slot
        })
      }
    },
    endReplay: ({ entries }) => {
      for (const alert of alertsIn(entries)) alerts.restore(alert, slotOf)
    },
    handOver: () => {
      alerts.flush()
      return alerts.open()
    },
    migrate: (handed) => {
      for (const alert of handed) if (!alerts.restore(alert, slotOf)) alerts.forget(alert)
    },
  }
}

/** In order of opening. */
function alertsIn(entries: Iterable<readonly [string, string]>): Alert[] {
  const found = [...entries].filter(([key]) => key.startsWith('alert/')).map(([, value]) => alertFromJson(value))
  return found.sort((a, b) => a.sequence - b.sequence)
}

function cellsOf(plan: AlertPlan, key: Alert['key']): Cell[] {
  return plan.rule.by.map((name) => own(key, name) ?? null)
}
