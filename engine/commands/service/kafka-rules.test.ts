import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { Counters } from '../../model/counters.ts'
import { KafkaRules } from './kafka-rules.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const rule = `rule: burst
version: 1
title: Many orders at one shop
on: order.created
by: [shop_id]
window: 1h
measure: { orders: { count: events } }
when: orders > 10
severity: high
`
const feature = `feature: market_price
version: 1
title: What an item sells for
on: payment.captured
by: item_id
window: 7d
measure: { median: { percentile: unit_price, p: 50 } }
every: 1m
`

const { streams, outputs } = defaultConfig()
const connection = { group: 'lapwing' } as never
const rest = { counters: new Counters(), logger: silent, read: () => [], clock: () => 0 }
const options = { connection, streams, outputs, ...rest }
const rulesOf = (...texts: string[]) => new KafkaRules([{ path: 'a.yaml', text: texts.join('---\n') }], options)

test('features, and lists that alerts feed, are taken; a set with nothing to run is refused', () => {
  const made = (...texts: string[]) => rulesOf(...texts).set
  const fed = 'list: fed\nkind: watch\nof: string\nsource: { alerts: burst }\n'
  const set = made(rule, feature, fed)
  expect([set.rules.length, set.features.length, set.lists.length]).toEqual([1, 1, 1])
  expect(() => made(fed)).toThrow('no rule and no ranking is live or shadow')
})

test('a list whose topic is in use for something else is a fault of the configuration', () => {
  const list = 'list: known\nkind: deny\nof: string\nsource: { topic: risk.alerts.v1 }\n'
  const fault = 'list "known": its topic "risk.alerts.v1" is outputs.alerts: give the list a topic of its own'
  expect(() => rulesOf(rule, list)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: fault }))
  const rules = rulesOf(rule)
  rules.offer([{ path: 'a.yaml', text: `${rule}---\n${list}` }])
  expect([rules.set.lists, rules.status().trouble]).toEqual([[], expect.stringContaining(fault)])
})
