import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { NamedList, RuleSet } from '../model/rule.ts'
import { listTopicFault } from './list-topics.ts'

const { streams, outputs } = defaultConfig()
const faultOf = (...topics: string[]) => {
  const lists = topics.map((topic, i): NamedList => {
    return { id: `l${i}`, kind: 'deny', of: 'string', items: [], source: { kind: 'topic', topic } }
  })
  return listTopicFault({ lists } as unknown as RuleSet, { group: 'lapwing', outputs, streams })
}

test('a list has a topic of its own, which may be beside those of the engine', () => {
  expect(faultOf('known', 'lapwing.known', 'lapwing.lists.mine', 'other.control')).toBeNull()
})

test.each([
  ['risk.alerts.v1', 'outputs.alerts'],
  ['risk.hot-items.v1', 'outputs.rankings'],
  ['risk.dlq.v1', 'outputs.dlq'],
  ['trade.behavior.v1', 'that of stream "behavior"'],
  ...['control', 'router', 'lists', 'exchange.by-shop_id', 'state.all', 'feature.price.1'].map((name) => [
    `lapwing.${name}`,
    'one that the engines of group "lapwing" keep for themselves',
  ]),
])('%s is in use', (topic, use) => {
  expect(faultOf(topic)).toBe(`list "l0": its topic "${topic}" is ${use}: give the list a topic of its own`)
})

test('two lists do not share one', () => {
  expect(faultOf('known', 'known')).toContain('list "l1": its topic "known" is that of list "l0" too')
})
