import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { AlertRecord, MeasuresRecord } from '../../model/output.ts'
import type { Expectation, RuleTest } from '../../rules/index.ts'
import { compileOrRefuse } from '../compiled.ts'
import { compareAlerts } from './compare.ts'
import { eventsOfKey, nearestMoment } from './nearest.ts'

const { streams } = defaultConfig()
const START_MS = Date.UTC(2026, 0, 1)
const minutes = (n: number): number => START_MS + n * 60_000

const RULE = `rule: steady
version: 1
title: T
owner: test
on: order.created
by: [shop_id]
window: 1h
params: { times: 3 }
measure:
  orders: { count: events }
  best: { top: buyer_id, k: 2 }
  state: { last: status }
  usual: { baseline: orders, over: 7d, step: 1d }
when: orders > usual.mean + params.times * usual.stddev && state == "paid" && key.shop_id in best && size(best) > 2
severity: high
`
const SEQUENCE = `rule: lifecycle
version: 1
title: T
owner: test
by: [order_id]
sequence: { steps: { created: order.created, paid: payment.captured } }
violations: [{ name: unpaid, after: created, expect: paid, within: 15m, severity: low }]
`

function compiled(rule: string, expectation: string, events = '') {
  const text = `${rule}tests:\n  - name: t\n    events: [${events}]\n    expect: [${expectation}]\n`
  const { set, tests } = compileOrRefuse([{ path: 'r.yaml', text }], streams)
  return { set, test: tests[0] as RuleTest, expectation: tests[0]!.expect![0] as Expectation }
}

const alert: AlertRecord = {
  kind: 'alert',
  alert_id: 'a',
  revision: 0,
  status: 'open',
  rule: 'steady',
  version: 1,
  rule_hash: '',
  mode: 'live',
  severity: 'high',
  violation: null,
  key: { shop_id: 'S1' },
  event_time: START_MS,
  first_seen: START_MS,
  last_seen: START_MS,
  folded: 0,
  measures: {
    orders: 4,
    best: ['B1', 'B2'],
    state: 'paid',
    'usual.mean': 2.5,
    'usual.stddev': null,
    'usual.points': 3,
  },
  params: {},
  window: { start: START_MS, end: START_MS },
  episodes: 1,
  suspects: [],
  explain: 'x',
  evidence: null,
  coverage: 1,
  source: { topic: 't', partition: 0, offset: 0 },
}

describe('measures of any type', () => {
  test.each([
    ['{ state: paid, best: [B1, B2], usual.mean: 2.5, usual.points: 3, usual.stddev: null }', true],
    ['{ state: open }', false],
    ['{ state: null }', false],
    ['{ best: [B2, B1] }', false],
    ['{ best: [B1] }', false],
    ['{ best: [] }', false],
    ['{ usual.mean: 2 }', false],
  ])('%s', (measure, ok) => {
    const { test, expectation } = compiled(RULE, `{ measure: ${measure} }`)
    expect(compareAlerts(test, [expectation], [alert]).map((p) => p.ok)).toEqual([ok])
  })
})

test('alerts of a sequence are told apart by what was violated', () => {
  const { test, expectation } = compiled(SEQUENCE, '{ violation: unpaid, severity: low }')
  const unpaid: AlertRecord = { ...alert, key: { order_id: 'O1' }, violation: 'unpaid', severity: 'low', measures: {} }
  const early: AlertRecord = { ...unpaid, violation: 'early' }
  const [right, wrong] = compareAlerts(test, [expectation], [early, unpaid])
  expect([right!.ok, wrong!.ok]).toEqual([true, false])
  expect(wrong!.lines[0]!.actual).toBe('at 0s, order_id O1, early, low: x')
  expect(compareAlerts(test, [expectation], [early])[0]!.lines).toContainEqual({
    name: 'violation',
    expected: 'unpaid',
    actual: 'early',
    ok: false,
  })
})

describe('the nearest moment', () => {
  const row = (measures: MeasuresRecord['measures']): MeasuresRecord => ({
    kind: 'measures',
    rule: 'steady',
    key: { shop_id: 'S1' },
    event_id: 'e',
    event_time: minutes(5),
    measures,
    matched: false,
  })

  test('names the comparisons that did not hold, with baselines, text and lists', () => {
    const { set, test, expectation } = compiled(RULE, '{ at: 5m }')
    const told = nearestMoment(test, set.rules[0]!, expectation, [
      row({ orders: 4, best: ['B1'], state: 'open', 'usual.mean': 2.5, 'usual.stddev': 1, 'usual.points': 3 }),
    ])
    expect(told).toBe(
      'at 5m: orders 4, best [B1], state open, usual.mean 2.5, usual.stddev 1, usual.points 3; ' +
        'orders 4 is not > 5.5; state open is not == paid; key.shop_id S1 is not in [B1]; the left side 1 is not > 2',
    )
  })

  test('passes over what is not known', () => {
    const { set, test, expectation } = compiled(RULE, '{ at: 5m }')
    const told = nearestMoment(test, set.rules[0]!, expectation, [
      row({ orders: 4, best: null, state: 'paid', 'usual.mean': null, 'usual.stddev': null, 'usual.points': 1 }),
    ])
    expect(told).toBe('at 5m: orders 4, best none, state paid, usual.mean none, usual.stddev none, usual.points 1')
  })

  test('of a sequence is the events of the key', () => {
    const events =
      '{ at: 0m, type: order.created, order_id: O1 }, { at: 1m, type: order.created, order_id: O2 }, ' +
      '{ at: 5m, type: payment.captured, order_id: O1 }, { at: 6m, type: order.cancelled, order_id: O1 }, { advance: 1h }'
    const { set, test, expectation } = compiled(SEQUENCE, '{ key: { order_id: O1 } }', events)
    expect(eventsOfKey(test, set.sequences[0]!, expectation)).toBe(
      'order_id O1: order.created at 0s, payment.captured at 5m',
    )
    const nobody = { ...expectation, key: { order_id: 'O3' } }
    expect(eventsOfKey(test, set.sequences[0]!, nobody)).toBe('no event of its key')
  })
})
