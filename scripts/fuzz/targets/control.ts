import { strict as assert } from 'node:assert'
import { announced, listMessage, readControl } from '../../../engine/edge/kafka/control-records.ts'
import { readRulesRecord } from '../../../engine/edge/kafka/rules-records.ts'
import type { FeatureRecord, ListRecord } from '../../../engine/model/block.ts'
import type { Announcement } from '../../../engine/model/output.ts'
import type { Feature } from '../../../engine/model/rule.ts'
import type { ControlTopic } from '../../../engine/plan/control-topics.ts'
import type { Target } from '../target.ts'
import { never } from './engine-errors.ts'
import { NOON_MS, WORDS } from './topics.ts'

/** Between a record's key and its value; what has none is a tombstone. */
const BETWEEN = 0
const TOPICS = [
  { kind: 'lists', topic: 'g.lists' },
  { kind: 'list', topic: 'shops', list: { id: 'shops', of: 'string' } },
  { kind: 'list', topic: 'codes', list: { id: 'codes', of: 'number' } },
  { kind: 'feature', topic: 'g.feature.price', feature: { id: 'price', version: 1 } as Feature },
] as unknown as readonly ControlTopic[]

const change = { item: 'S1', on: true, ttlMs: 5_000, untilMs: null, atMs: NOON_MS }
const price: Announcement = { kind: 'feature', feature: 'price', version: 1, key: 'I1', values: [1.5, null, ['a']] }
const MESSAGES = [
  listMessage('lists', 'shops', change),
  listMessage('lists', 'codes', { ...change, item: 7, ttlMs: null, untilMs: NOON_MS }),
  listMessage('list', 'shops', change),
  announced('g', price),
  { key: 'rules', value: JSON.stringify({ files: [{ path: 'a.yaml', text: 'rule: a', runs: 'here' }], configured: null, atMs: NOON_MS }) },
  { key: 'answer', value: JSON.stringify({ hash: 'ab', refused: null }) },
] // biome-ignore format: one record a line

/** Records of control topics: lists, features, rule sets. Each input is read as a record of all of them. */
export const control: Target = {
  seeds: MESSAGES.map(({ key, value }) => Buffer.from(`${key}\0${value ?? ''}`)),
  words: [...WORDS, 'on', 'ttl_ms', 'until_ms', 'at_ms', 'files', '/', '\0'],
  read(bytes) {
    const at = bytes.indexOf(BETWEEN)
    const key = at < 0 ? bytes : bytes.subarray(0, at)
    const value = at < 0 ? null : bytes.subarray(at + 1)
    const records = TOPICS.map((topic) => readControl(topic, 5, key, value))
    for (const record of records) if (record) checkRecord(record)
    const rules = readRulesRecord(key, value ?? Buffer.alloc(0))
    return { count: records.filter(Boolean).length, digest: JSON.stringify([records, rules]) }
  },
  named: never,
}

/** What a task does without a second look. */
function checkRecord(record: ListRecord | FeatureRecord): void {
  if ('feature' in record) {
    const isCell = (value: unknown) =>
      value === null || typeof value === 'boolean' || Number.isFinite(value) || isText(value)
    assert(isCell(record.key) && record.key !== null, 'a key is one value')
    const { values } = record
    const isMeasure = (value: unknown) => (Array.isArray(value) ? value.every(isCell) : isCell(value))
    assert(values === null || (Array.isArray(values) && values.every(isMeasure)), 'values of measures')
    return
  }
  const { item, ttlMs, untilMs, atMs } = record
  assert(Number.isFinite(item) || isText(item), 'an item is a number or a text')
  for (const ms of [ttlMs, untilMs, atMs]) assert(ms === null || Number.isFinite(ms), 'times are numbers')
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && (value as string & { isWellFormed(): boolean }).isWellFormed()
}
