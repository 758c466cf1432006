import { expect, test } from 'vitest'
import { controlsOf, ownControls } from './control-topics.ts'
import type { Exchange } from './exchange.ts'
import { placedBy, planExchanges } from './plan.ts'
import { filesFor } from './rule-files.ts'
import { fileOf, rankingText, ruleText, STREAMS, sequenceOf, setOf } from './testing.ts'

const planOf = (...texts: string[]) => planExchanges(setOf(fileOf(...texts)), STREAMS)
const shown = (exchanges: readonly Exchange[]) =>
  exchanges.map(
    ({ id, set }) => `${id}: ${[...set.rules, ...set.sequences, ...set.rankings].map((d) => d.id).join(' ')}`,
  )

test('rules share the field that all their keys contain', () => {
  const texts = [ruleText('a', '[shop_id]'), ruleText('b', '[shop_id, device_id]'), ruleText('c', '[buyer_id]')]
  expect(shown(planOf(...texts))).toEqual(['by-buyer_id: c', 'by-shop_id: a b'])
})

test('a sequence is partitioned as a rule of its key is, and wants the types of its steps', () => {
  const life = sequenceOf('life', ['order_id'], ['order.created', 'order.refunded'])
  const planOfBoth = (...texts: string[]) => planExchanges({ ...setOf(fileOf(...texts)), sequences: [life] }, STREAMS)
  const [alone] = planExchanges(
    { ...setOf(fileOf(ruleText('a', '[order_id]'))), rules: [], sequences: [life] },
    STREAMS,
  )
  expect([alone.id, alone.types, alone.set.sequences]).toEqual([
    'by-order_id',
    ['order.created', 'order.refunded'],
    [life],
  ])
  expect(shown(planOfBoth(ruleText('a', '[shop_id]')))).toEqual(['by-shop_id: a life'])
  expect(shown(planOfBoth(ruleText('a', '[device_id]')))).toEqual(['by-device_id: a', 'by-order_id: life'])
})

test('a field that is determined saves an exchange', () => {
  const byOrder = ruleText('steps', '[order_id]')
  expect(shown(planOf(byOrder))).toEqual(['by-order_id: steps'])
  expect(shown(planOf(byOrder, ruleText('a', '[shop_id]')))).toEqual(['by-shop_id: steps a'])
  expect(shown(planOf(byOrder, ruleText('a', '[device_id]')))).toEqual(['by-device_id: a', 'by-order_id: steps'])
})

test('a let partitions by its value; written alike it is one exchange, otherwise another; an alias is its field', () => {
  const pair = 'pair: "unordered(event.shop_id, event.buyer_id)"'
  const [one] = planOf(ruleText('a', '[pair]', { lets: pair }))
  expect(one.id).toMatch(/^by-pair-[0-9a-f]{6}$/)
  const both = planOf(ruleText('a', '[pair]', { lets: pair }), ruleText('b', '[pair]', { lets: pair }))
  expect(shown(both)).toEqual([`${one.id}: a b`])
  const other = planOf(ruleText('a', '[pair]', { lets: 'pair: "unordered(event.shop_id, event.device_id)"' }))
  expect(other[0].id).not.toBe(one.id)
  expect(shown(planOf(ruleText('a', '[s]', { lets: 's: event.shop_id' })))).toEqual(['by-shop_id: a'])
  expect(shown(planOf(ruleText('a', '[pair, device_id]', { lets: pair })))).toEqual(['by-device_id: a'])
})

test('the member of a key that says where its events are', () => {
  const placed = (exchanges: readonly Exchange[]) =>
    exchanges.flatMap((exchange) => exchange.set.rules.map((rule) => [rule.id, placedBy(rule, exchange)]))
  const pair = 'pair: "unordered(event.shop_id, event.buyer_id)"'
  const alias = ruleText('alias', '[s]', { lets: 's: event.shop_id' })
  const texts = [ruleText('both', '[device_id, shop_id]'), alias, ruleText('order', '[order_id]')]
  expect(placed(planOf(...texts))).toEqual([
    ['both', 'shop_id'],
    ['alias', 's'],
    ['order', null],
  ])
  expect(placed(planOf(ruleText('a', '[pair]', { lets: pair })))).toEqual([['a', 'pair']])
  expect(placed(planOf(ruleText('a', '[seen]', { lets: 'seen: event.shop_id == "S1"' })))).toEqual([['a', 'seen']])
})

test('a let that reads a list cannot say where an event belongs: one partition', () => {
  const list = 'list: known\nkind: watch\nof: string\nitems: [S1]\n'
  const rule = ruleText('a', '[seen]', { lets: 'seen: event.shop_id in lists.known' })
  const [exchange] = planOf(list, rule)
  expect([exchange.id, exchange.by]).toEqual(['all', { kind: 'all' }])
})

test('a ranking goes by its per, or to the one partition of all; streams and types are those that are wanted', () => {
  const exchanges = planOf(
    rankingText('hot', null),
    rankingText('hot_of_shop', '[shop_id]'),
    ruleText('a', '[shop_id]'),
  )
  expect(shown(exchanges)).toEqual(['all: hot', 'by-shop_id: a hot_of_shop'])
  expect(exchanges.map(({ types, streams }) => [types, streams])).toEqual([
    [['item.viewed'], ['views']],
    [
      ['item.viewed', 'order.created'],
      ['orders', 'views'],
    ],
  ])
})

test('the same plan whatever the order of the rules', () => {
  const texts = ['[shop_id, buyer_id]', '[buyer_id, device_id]', '[device_id, shop_id]', '[order_id]'].map((by, i) =>
    ruleText(`r${i}`, by),
  )
  const ids = (list: readonly string[]) => planOf(...list).map((exchange) => exchange.id)
  expect(ids(texts)).toEqual(['by-buyer_id', 'by-device_id'])
  expect(ids(texts.toReversed())).toEqual(ids(texts))
})

test('each exchange gets its documents as they were written, and all lists', () => {
  const list = 'list: known\nkind: watch\nof: string\nitems: [S1]\n'
  const file = fileOf(`# of shops\n${ruleText('a', '[shop_id]')}`, list, `${ruleText('b', '[buyer_id]')}# the end\n`)
  const tests = { path: 'a.test.yaml', text: 'for: a\ntests: []\n' }
  const set = setOf(file)
  const [byBuyer, byShop] = planExchanges(set, STREAMS).map((exchange) => filesFor([file, tests], exchange, STREAMS))
  expect(byBuyer.map(({ path }) => path)).toEqual(['rules.yaml'])
  expect(byBuyer[0].text).toContain('rule: b')
  expect(byBuyer[0].text).not.toContain('rule: a')
  expect(byShop[0].text).toContain('list: known')
  expect(setOf(...byShop).rules.map((rule) => rule.hash)).toEqual(
    set.rules.filter((r) => r.id === 'a').map((r) => r.hash),
  )
})

test('a feature runs where its key is; who reads it knows it, and reads its control topic, as those of lists', () => {
  const feature = (id: string, by: string, where = '') => `feature: ${id}
version: 3
title: t
owner: o
on: order.created
by: ${by}
${where}window: 1h
measure: { n: { count: events } }
every: 1m
`
  const list = (id: string, source: string) => `list: ${id}\nkind: watch\nof: string\n${source}\n`
  const file = fileOf(
    feature('of_device', 'device_id'),
    feature('of_shop', 'shop_id', 'where: features.of_device[event.device_id].n > 1\n'),
    ruleText('a', '[buyer_id]').replace('when: n > 1', 'when: n > 1 && features.of_shop[event.shop_id].n > 5'),
    ...[list('known', 'items: [B1]'), list('fed', 'source: { alerts: a }'), list('own', 'source: { topic: t }')],
  )
  const exchanges = planExchanges(setOf(file), STREAMS)
  expect(exchanges.map(({ id, set, reads }) => [id, set.features.map((f) => f.id), reads.map((f) => f.id)])).toEqual([
    ['by-buyer_id', [], ['of_shop']],
    ['by-device_id', ['of_device'], []],
    ['by-shop_id', ['of_shop'], ['of_device']],
  ])
  const topics = exchanges.map((exchange) => controlsOf('g', exchange).map(({ topic }) => topic))
  expect(topics[0]).toEqual(['g.lists', 't', 'g.feature.of_shop.3'])
  expect(topics[1]).toEqual(['g.lists', 't'])
  expect(ownControls('g', exchanges)).toEqual(['g.lists', 'g.feature.of_device.3', 'g.feature.of_shop.3'])
  const [byBuyer, byDevice, byShop] = exchanges.map((exchange) => setOf(...filesFor([file], exchange, STREAMS)))
  expect([byBuyer.features, byBuyer.shared?.features.map((f) => f.id)]).toEqual([[], ['of_shop']])
  expect([byDevice.features.length, byDevice.shared]).toEqual([1, { features: [] }])
  expect([byShop.features.map((f) => f.id), byShop.shared?.features.map((f) => f.id)]).toEqual([
    ['of_shop'],
    ['of_device'],
  ])
  expect(new Set([byBuyer, byDevice, byShop].map((set) => set.hash)).size).toBe(3)
})
