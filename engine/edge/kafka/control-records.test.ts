import { expect, test } from 'vitest'
import type { Feature, NamedList } from '../../model/rule.ts'
import type { ControlTopic } from '../../plan/control-topics.ts'
import { announced, listMessage, readControl } from './control-records.ts'

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
const read = (control: ControlTopic, { key, value }: { key: string; value: string | null }, offset = 7) =>
  readControl(control, offset, bytes(key), bytes(value))
const own = (of: 'string' | 'number'): ControlTopic => {
  return { kind: 'list', topic: 't', list: { id: 'known', kind: 'allow', of, items: [] } satisfies NamedList }
}
const all: ControlTopic = { kind: 'lists', topic: 'g.lists' }
const added = { item: 'a/"b"', on: true, ttlMs: 60_000, untilMs: null, atMs: 5 }

test('what is written of a list is read as it was', () => {
  const removed = { ...added, on: false, ttlMs: null }
  for (const change of [added, removed])
    expect(read(all, listMessage('lists', 'known', change))).toEqual({ offset: 7, list: 'known', ...change })
  expect(read(own('string'), listMessage('list', 'known', added))).toEqual({ offset: 7, list: 'known', ...added })
  expect(listMessage('list', 'known', removed).value).toBeNull()
  const { topic, ...message } = announced('g', { kind: 'list', list: 'known', item: 5, untilMs: 9, atMs: 1 })
  expect([topic, read(all, message)]).toEqual([
    'g.lists',
    { offset: 7, list: 'known', item: 5, on: true, ttlMs: null, untilMs: 9, atMs: 1 },
  ])
})

test("others may write to a list's own topic: a key is on it as long as it has a value", () => {
  const on = { offset: 7, list: 'known', item: 'a', on: true, ttlMs: null, untilMs: null, atMs: 0 }
  for (const value of ['', 'yes', '{}', '[1]', '{"ttl_ms":"1h"}'])
    expect(read(own('string'), { key: 'a', value })).toEqual(on)
  expect(read(own('string'), { key: 'a', value: null })).toEqual({ ...on, on: false })
  expect(read(own('number'), { key: '12.5', value: '' })).toEqual({ ...on, item: 12.5 })
})

test('what a task could not use is no record: values that are no times, texts that are no Unicode, keys that are no value', () => {
  for (const value of [
    '{"on":true,"ttl_ms":"1h"}',
    '{"on":true,"until_ms":{}}',
    '{"on":true,"at_ms":1e400}',
    '5',
    '[]',
  ])
    expect([value, read(all, { key: 'known/"a"', value })]).toEqual([value, null])
  for (const item of ['"\\ud800"', '1e400'])
    expect(read(all, { key: `known/${item}`, value: '{"on":true}' })).toBeNull()
  expect(readControl(own('string'), 7, Buffer.of(0x53, 0xff), Buffer.from(''))).toBeNull()
  const feature: ControlTopic = { kind: 'feature', topic: 'f', feature: { id: 'f', version: 1 } as Feature }
  for (const key of ['null', '{}', '[1]']) expect(read(feature, { key, value: '[1]' })).toBeNull()
  for (const value of ['{}', '5', '[{}]', '[[[1]]]']) expect(read(feature, { key: '"a"', value })).toBeNull()
})

test('what is no record of a control topic is passed over', () => {
  for (const key of ['twelve', 'Infinity', ' ', '']) expect(read(own('number'), { key, value: '' })).toBeNull()
  for (const key of ['', ' ', 'x'.repeat(1_001)]) expect(read(own('string'), { key, value: '' })).toBeNull()
  for (const item of ['null', 'true', '["a"]'])
    expect(read(all, { key: `known/${item}`, value: '{"on":true}' })).toBeNull()
  expect(read(all, { key: 'known/"a"', value: null })).toBeNull()
  expect(read(all, { key: 'known/"a"', value: '5' })).toBeNull()
  for (const value of ['', '{', '5']) expect(read(all, { key: 'known', value })).toBeNull()
  expect(readControl(all, 7, null, bytes('{}'))).toBeNull()
})

test('what a feature says is read as it was', () => {
  const feature = { id: 'market', version: 2 } as Feature
  const control: ControlTopic = { kind: 'feature', topic: 'g.feature.market.2', feature }
  for (const values of [[1, null, ['a', 'b']], null]) {
    const { topic, ...message } = announced('g', { kind: 'feature', feature: 'market', version: 2, key: 'I1', values })
    expect(topic).toBe('g.feature.market.2')
    expect(read(control, message)).toEqual({ offset: 7, feature: 'market', version: 2, key: 'I1', values })
  }
})
