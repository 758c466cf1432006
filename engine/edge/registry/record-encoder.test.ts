import avsc from 'avsc'
import { describe, expect, test } from 'vitest'
import type { AlertRecord, RankingRecord } from '../../model/output.ts'
import { OutputEncoder, shippedSchema } from './record-encoder.ts'

const alert: AlertRecord = {
  kind: 'alert',
  alert_id: '5c1f',
  revision: 0,
  status: 'open',
  rule: 'shop_order_concentration',
  version: 1,
  rule_hash: '9d0e',
  mode: 'live',
  severity: 'high',
  violation: null,
  key: { shop_id: 'S1', n: 3, flag: true, none: null },
  event_time: 1_767_227_999_000,
  first_seen: 1_767_227_999_000,
  last_seen: 1_767_227_999_000,
  folded: 0,
  measures: { orders: 9, concentration: 2.5, none: null },
  params: { limit: 3, name: 'x', on: false },
  window: { start: 1_767_224_399_000, end: 1_767_227_999_000 },
  episodes: 1,
  suspects: [{ value: 'B0', events: 3 }],
  explain: 'Shop S1: 9 orders',
  evidence: { events: [{ event_id: 'e', amount: 1.5, gift: true, none: null }], total: 9, truncated: false },
  coverage: 1,
  source: { topic: 'trade.transactions.v1', partition: 3, offset: 1234 },
  truncated: false,
}
const ranking: RankingRecord = {
  kind: 'ranking',
  ranking: 'hot_items',
  version: 1,
  per: { category_id: 'C1' },
  as_of: 1_767_228_000_000,
  window: { start: 1_767_224_400_000, end: 1_767_228_000_000 },
  items: [
    { id: 'I1', score: 12.5, rank: 1, previous_rank: 2 },
    { id: null, score: 1, rank: 2, previous_rank: null },
  ],
  truncated: false,
}
const IDS = { alerts: 7, shadow: 9, rankings: 8 }
const decoded = (name: 'alert' | 'ranking', bytes: Buffer) => {
  const value = avsc.Type.forSchema(shippedSchema(name) as avsc.Schema).fromBuffer(bytes.subarray(5))
  return JSON.parse(JSON.stringify(value)) as unknown
}

test('an alert has the names and values of its record', () => {
  const bytes = new OutputEncoder(IDS).encodeAlert(alert)
  expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, 0, 7])
  expect(decoded('alert', bytes)).toEqual({ ...alert, now: null })
  expect(decoded('alert', new OutputEncoder().encodeAlert({ ...alert, evidence: null, violation: 'unpaid' }))).toEqual({
    ...alert,
    now: null,
    evidence: null,
    violation: 'unpaid',
  })
})

test('measures are of any type, and lists of mixed ones', () => {
  const measures = { orders: 9, state: 'paid', flag: false, none: null, best: ['B1', 2.5, true], nobody: [] }
  expect(decoded('alert', new OutputEncoder().encodeAlert({ ...alert, measures }))).toEqual({
    ...alert,
    measures,
    now: null,
  })
  // A sequence has none, and its evidence says where its steps stand.
  const events = [{ step: 'paid', event_time: 1_767_227_999_000, topic: 't', partition: 3, offset: 7 }]
  const late = { ...alert, violation: 'unpaid', measures: {}, evidence: { events, total: 1, truncated: false } }
  expect(decoded('alert', new OutputEncoder().encodeAlert(late))).toEqual({ ...late, now: null })
})

test('a ranking has the names and values of its record', () => {
  const bytes = new OutputEncoder(IDS).encodeRanking(ranking)
  expect(bytes[4]).toBe(8)
  const items = ranking.items.map((item) => ({ ...item, columns: null }))
  expect(decoded('ranking', bytes)).toEqual({ ...ranking, items })
})

test('the columns of a ranking stand in a map; readers of before pass them over', () => {
  const [item] = ranking.items
  const columns = { users: 3, change: null, trend: [null, 2.5], last: 'a', best: ['B1', true] }
  const bytes = new OutputEncoder(IDS).encodeRanking({ ...ranking, items: [{ ...item!, ...columns }] })
  expect(decoded('ranking', bytes)).toEqual({ ...ranking, items: [{ ...item, columns }] })

  const shipped = shippedSchema('ranking')
  const older = JSON.parse(JSON.stringify(shipped), (key, value) =>
    key === 'fields' ? value.filter((f: { name: string }) => f.name !== 'columns') : value,
  )
  const [now, before] = [shipped, older].map((schema) => avsc.Type.forSchema(schema as avsc.Schema))
  const readBefore = before!.fromBuffer(bytes.subarray(5), before!.createResolver(now!))
  expect(JSON.parse(JSON.stringify(readBefore))).toEqual({ ...ranking, items: [item] })
  const written = before!.toBuffer({ ...ranking, items: [item] })
  expect(now!.fromBuffer(written, now!.createResolver(before!))).toMatchObject({ items: [{ id: 'I1', columns: null }] })
})

test('schema ids come from the registry', async () => {
  const topics: string[] = []
  const schemas = { byId: async () => null, register: async (topic: string) => 100 + topics.push(topic) }
  const encoder = await OutputEncoder.registered(schemas, { alerts: 'a', shadow: 's', rankings: 'r' })
  expect(topics).toEqual(['a', 's', 'r'])
  const ids = [
    encoder.encodeAlert(alert),
    encoder.encodeAlert({ ...alert, mode: 'shadow' }),
    encoder.encodeRanking(ranking),
  ]
  expect(ids.map((bytes) => bytes[4])).toEqual([101, 102, 103])
})

describe('a consumer of alerts with another version of the schema', () => {
  type Fields = { name: string; type: unknown; default?: unknown }[]
  const shipped = shippedSchema('alert') as { fields: Fields }
  const between = (writer: object, reader: object, record: AlertRecord = alert) => {
    const [from, to] = [writer, reader].map((schema) => avsc.Type.forSchema(schema as avsc.Schema))
    return to!.fromBuffer(from!.toBuffer(record), to!.createResolver(from!))
  }
  const read = (reader: object) => between(shipped, reader)
  const numbers = { type: 'map', values: ['null', 'double'] }
  const onlyNumbers = {
    ...shipped,
    fields: shipped.fields.map((f) => (f.name === 'measures' ? { ...f, type: numbers } : f)),
  }
  test('newer: reads alerts from when measures were numbers', () => {
    expect(between(onlyNumbers, shipped)).toMatchObject({ measures: alert.measures, alert_id: '5c1f' })
  })
  test('older: passes new fields over', () => {
    const older = { ...shipped, fields: shipped.fields.filter((f) => f.name !== 'coverage' && f.name !== 'evidence') }
    expect(read(older)).toMatchObject({ alert_id: '5c1f', source: { offset: 1234 } })
  })
  test('older: takes the default for a severity that it does not know', () => {
    const severity = { type: 'enum', name: 'Severity', symbols: ['info', 'low'], default: 'info' }
    const fields = shipped.fields.map((f) => (f.name === 'severity' ? { ...f, type: severity } : f))
    expect(read({ ...shipped, fields })).toMatchObject({ severity: 'info', status: 'open' })
  })
  test('newer: finds the default', () => {
    const fields = [...shipped.fields, { name: 'owner', type: ['null', 'string'], default: null }]
    expect(read({ ...shipped, fields })).toMatchObject({ owner: null, alert_id: '5c1f' })
  })
})
