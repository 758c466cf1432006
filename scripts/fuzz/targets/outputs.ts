import { OutputDecoder } from '../../../engine/edge/registry/output-decoder.ts'
import { OutputEncoder } from '../../../engine/edge/registry/record-encoder.ts'
import type { AlertRecord, RankingRecord } from '../../../engine/model/output.ts'
import type { Target } from '../target.ts'
import { namedBy } from './engine-errors.ts'
import { NOON_MS } from './topics.ts'

const window = { start: NOON_MS - 3_600_000, end: NOON_MS }
const alert: AlertRecord = {
  ...{ kind: 'alert', alert_id: '5c1f', revision: 0, status: 'open', rule: 'burst', version: 1, rule_hash: '9d0e' },
  ...{ mode: 'live', severity: 'high', violation: null, key: { shop_id: 'S1', n: 3, flag: true, none: null } },
  ...{ event_time: NOON_MS, first_seen: NOON_MS, last_seen: NOON_MS, folded: 0, measures: { orders: 9, share: 2.5 } },
  ...{ params: { limit: 3, name: 'x' }, window, episodes: 1, suspects: [{ value: 'B0', events: 3 }] },
  ...{
    explain: 'Shop S1: 9 orders',
    coverage: 1,
    source: { topic: 't', partition: 3, offset: 1234 },
    truncated: false,
  },
  evidence: { events: [{ event_id: 'e', amount: 1.5 }], total: 9, truncated: false },
}
const ranking: RankingRecord = {
  ...{ kind: 'ranking', ranking: 'hot', version: 1, per: { category: 'C1' }, as_of: NOON_MS, window, truncated: false },
  items: [
    { id: 'I1', score: 12.5, rank: 1, previous_rank: 2, spark: [1, 2, 3] },
    { id: null, score: 1, rank: 2, previous_rank: null },
  ],
}
const encoder = new OutputEncoder()
const [alerts, rankings] = [new OutputDecoder('alert'), new OutputDecoder('ranking')]

/** Alerts and rankings of a topic, read back. The last byte says which. */
export const outputs: Target = {
  seeds: [
    ...[encoder.encodeAlert(alert), encoder.encodeAlert({ ...alert, evidence: null, violation: 'unpaid' })].map(
      (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
    ),
    Buffer.concat([encoder.encodeRanking(ranking), Buffer.of(1)]),
  ],
  repair(bytes) {
    bytes.fill(0, 0, Math.min(5, bytes.length))
    if (bytes.length > 0) bytes[bytes.length - 1] &= 1
  },
  read(bytes) {
    const decoder = bytes.at(-1) === 1 ? rankings : alerts
    return { count: 1, digest: JSON.stringify(decoder.decode(bytes.subarray(0, -1))) }
  },
  named: namedBy('LOG_CORRUPT'),
}
