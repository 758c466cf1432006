import { alertId } from '../../model/alert-id.ts'
import type { AlertRecord } from '../../model/output.ts'
import type { Definition } from '../../model/rule.ts'

/** What an alert says beyond its rule. */
export type AlertFields = Omit<AlertRecord, 'kind' | 'alert_id' | 'rule' | 'version' | 'rule_hash' | 'mode' | 'params'>

export function alertRecord(definition: Definition, fields: AlertFields): AlertRecord {
  const { id, version, hash, mode, params } = definition
  const { violation, key, first_seen, source } = fields
  return {
    kind: 'alert',
    alert_id: alertId({ rule: id, version, violation, key, openedMs: first_seen, source }),
    rule: id,
    version,
    rule_hash: hash,
    mode,
    params,
    ...fields,
  }
}
