import { type Case, event, order, proveAll, RULE } from './testing.ts'

const FEATURE = `feature: f
version: 1
title: T
owner: o
on: payment.captured
by: shop_id
window: 10m
measure: { n: { count: events } }
every: 1m
`
const paid = event('0m', 'payment.captured', 'repeat: 2, every: 1s, shop_id: S1, item_id: I1, buyer_id: B1')
const ASKING = { when: 'features.f[key.shop_id].n >= 2' }

/** Two payments, and an order three minutes later that asks for them. */
function read(row: string, beside: string, besideWithout: string, expect = 'expect: [{ at: 3m }]'): Case {
  return { row, keys: ASKING, events: [paid, order('3m')], expect, without: {}, beside, besideWithout }
}
const changed = (row: string, from: string, to: string) => read(row, FEATURE, FEATURE.replace(from, to))
const added = (row: string, line: string) => read(row, FEATURE + line, FEATURE, 'expect: []')
const refused = (c: Case): Case => ({ ...c, isRefused: true })

proveAll(RULE, [
  refused(changed('feature', 'feature: f', 'feature: g')),
  refused(changed('feature.version', 'version: 1\n', '')),
  refused(changed('feature.title', 'title: T\n', '')),
  changed('feature.on', 'payment.captured', 'item.delivered'),
  changed('feature.by', 'by: shop_id', 'by: item_id'),
  changed('feature.window', '10m', '1m'),
  changed('feature.measure', 'count: events', 'distinct: buyer_id'),
  changed('feature.every', 'every: 1m', 'every: 1d'),
  read(
    'feature.let',
    FEATURE.replace('by: shop_id', 'let: { k: event.shop_id }\nby: k'),
    FEATURE.replace('by: shop_id', 'let: { k: event.item_id }\nby: k'),
  ),
  added('feature.where', 'where: event.shop_id == "S9"\n'),
  added('feature.unless', 'unless: event.shop_id == "S1"\n'),
  refused(
    read(
      'feature.params',
      `${FEATURE}params: { s: S1 }\nwhere: event.shop_id == params.s\n`,
      `${FEATURE}where: event.shop_id == params.s\n`,
    ),
  ),
  {
    row: 'tests.features',
    keys: {
      ...ASKING,
      tests:
        '\n  - name: t\n    features: { f: { S1: { n: 2 } } }\n    events: [{ at: 0m, type: order.created, shop_id: S1 }]\n    expect: [{ at: 0m }]',
    },
    events: [],
    expect: '',
    without: {
      tests: '\n  - name: t\n    events: [{ at: 0m, type: order.created, shop_id: S1 }]\n    expect: [{ at: 0m }]',
    },
    beside: FEATURE,
  },
])
