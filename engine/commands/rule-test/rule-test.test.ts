import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { RuleIssue } from '../../rules/index.ts'
import { compileOrRefuse } from '../compiled.ts'
import { junitOfIssues, junitOfTests } from './junit.ts'
import { failureText, resultJson } from './report.ts'
import { runRuleTest, type TestResult } from './run.ts'

const { streams } = defaultConfig()
const RULE = `rule: busy_shop
version: 1
title: A shop receives many orders
owner: test
mode: live
on: order.created
by: [shop_id]
window: 10m
params: { limit: 3 }
measure:
  orders: { count: events }
  buyers: { distinct: buyer_id }
  each:   { ratio: [orders, buyers], at_least: { orders: 2 } }
when: orders >= params.limit && each > 1
severity: [{ critical: orders >= 2 * params.limit }, { high: otherwise }]
exceptions:
  - { name: sale, when: key.shop_id == "S9", apply: mute_alert, reason: sale, until: 2027-12-31 }
alert:
  about: shop_id
  cooldown: 30m
  suspects: { of: buyer_id, k: 1 }
  explain: "{orders} orders"
`
const EVENTS = '{ at: 0m, repeat: 4, every: 1m, type: order.created, shop_id: S1, buyer_id: "B{n % 2}" }'

function results(tests: string, rule = RULE): TestResult[] {
  const files = [{ path: 'r.yaml', text: `${rule}tests:\n${tests}` }]
  const { set, tests: all } = compileOrRefuse(files, streams)
  return all.map((t) => runRuleTest(set, t, streams))
}
function only(expectations: string, events = EVENTS): TestResult {
  return results(`  - name: t\n    events: [${events}]\n    ${expectations}\n`)[0]!
}

describe('what is asked for is there', () => {
  test.each([
    'expect: [{ at: 2m }]',
    'expect: [{}]',
    'expect: [{ key: { shop_id: S1 }, severity: high, measure: { orders: 3, each: 1.5 } }]',
    'expect: [{ folded: 1 }]', // the fourth order, with no record of its own
    'expect: [{ suspects: [B0, B1] }]',
    'expect: [{ suspects: [{ value: B0, events: 2 }, { value: B1, events: 2 }] }]',
    'expect: [{ explain_contains: 3 orders }]',
    'expect_abstained: 0', // false && abstain is false
  ])('%s', (expectations) => expect(only(expectations).failed).toEqual([]))
})

describe('what is asked for is not there', () => {
  test.each([
    'expect: []',
    'expect: [{ at: 3m }]',
    'expect: [{}, {}]',
    'expect: [{ severity: critical }]',
    'expect: [{ measure: { orders: 4 } }]',
    'expect: [{ suspects: [B0] }]',
    'expect: [{ explain_contains: four }]',
    'expect_muted: [{ at: 2m }]',
    'expect_abstained: 1',
  ])('%s', (expectations) => expect(only(expectations).ok).toBe(false))
})

test('two alerts are matched in any order, each row with one of its own', () => {
  const events = `${EVENTS}, ${EVENTS.replace('S1', 'S2').replace('0m', '1m')}`
  expect(only('expect: [{}, { key: { shop_id: S1 } }]', events).ok).toBe(true)
  expect(only('expect: [{ key: { shop_id: S1 } }, { key: { shop_id: S1 } }]', events).ok).toBe(false)
})

test('an alert that is missing altogether: how far the events got', () => {
  const orders = (more: string) => `{ at: 0m, repeat: 3, every: 1m, type: order.created, ${more} }`
  const nearest = (events: string, rule: string) =>
    results(`  - name: t\n    events: [${events}]\n    expect: [{ key: { shop_id: S1 } }]\n`, rule)[0]!.failed[0]!
      .nearest
  const filtered = RULE.replace('by:', 'where: event.amount > 100 && event.status == "new"\nby:')
  expect(nearest(orders('shop_id: S1, amount: 5, status: new'), filtered)).toBe(
    '3 of 3 events are of order.created; where: event.amount > 100 holds for 0; where: event.status == "new" holds for 3',
  )
  expect(nearest(orders('buyer_id: B1, amount: 500, status: new'), filtered)).toContain('; key: 3 have no shop_id')
  expect(nearest(orders('shop_id: S1').replace('created', 'paid'), RULE)).toBe(
    'none of 3 events is of a type in "on": order.created',
  )
  expect(nearest(orders('shop_id: S2'), RULE)).toContain('3 were counted, of other keys: shop_id S2')
  expect(nearest(orders('shop_id: S1'), RULE.replace('by:', 'unless: event.shop_id == "S1"\nby:'))).toContain(
    'unless: event.shop_id == "S1" leaves 0',
  )
})

test('a muted alert is not there, and expect_muted finds it', () => {
  const events = EVENTS.replace('S1', 'S9')
  expect(
    only('expect: []\n    expect_muted: [{ at: 2m, key: { shop_id: S9 }, severity: high }]', events).failed,
  ).toEqual([])
})

test('events that arrive late, and the clock moved by hand', () => {
  // window 10 m; the order of 1m arrives at 5m, two others leave the window at 10m and 12m
  const events =
    '{ at: 0m, type: order.created, shop_id: S1, buyer_id: B0 }, { at: 2m, type: order.created, shop_id: S1, buyer_id: B0 }, ' +
    '{ at: 3m, arrives: 4m, type: order.created, shop_id: S1, buyer_id: B0 }, { advance: 1h }'
  expect(only('expect: [{ at: 4m, folded: 0, measure: { orders: 3 } }]', events).failed).toEqual([])
})

test('a settled rule is judged when its own clock stands at the last row', () => {
  const rule = RULE.replace('window: 10m', 'window: 10m\nsettle: 30s')
  const [result] = results(`  - name: t\n    events: [${EVENTS}]\n    expect: [{ at: 2m, folded: 1 }]\n`, rule)
  expect(result!.failed).toEqual([])
})

test('a failure shows both sides and the nearest moment', () => {
  const result = only('expect: [{ at: 3m, severity: high }]\n    params: { limit: 5 }')
  expect(failureText(result)).toBe(`FAIL busy_shop@1: t
     r.yaml:24:5
     expect      expected  actual
     ✗ at        3m        (no such alert)
     ✗ severity  high      (no such alert)
     at 3m: orders 4, buyers 2, each 2; orders 4 is not >= 5
`)
  expect(JSON.parse(JSON.stringify(resultJson(result)))).toMatchObject({ rule: 'busy_shop', name: 't', ok: false })
})

test('junit: a suite for each rule, with the failures of its tests', () => {
  const tests = '  - { name: a<b & "c", events: [], expect: [] }\n  - { name: d, events: [], expect: [{}] }\n'
  expect(junitOfTests(results(tests))).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lapwing test" tests="2" failures="1">
  <testsuite name="busy_shop@1" tests="2" failures="1">
    <testcase name="a&lt;b &amp; &quot;c&quot;" classname="busy_shop@1"/>
    <testcase name="d" classname="busy_shop@1">
      <failure message="r.yaml:25:7">FAIL busy_shop@1: d
     r.yaml:25:7
     expect   expected  actual
     ✗ alert  one       (no such alert)
     the test has no events
</failure>
    </testcase>
  </testsuite>
</testsuites>
`)
})

test('junit of faults: a suite for each file, warnings pass', () => {
  const issue: RuleIssue = {
    code: 'unused',
    severity: 'warning',
    file: 'a.yaml',
    line: 1,
    column: 2,
    length: 1,
    rule: null,
    message: 'x\u0001',
    suggestion: null,
  }
  const issues: RuleIssue[] = [issue, { ...issue, severity: 'error', file: 'b.yaml', code: 'bad-name' }]
  expect(
    junitOfIssues(issues, [{ path: 'a.yaml', text: '' }], () => 'why'),
  ).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lapwing check" tests="2" failures="1">
  <testsuite name="a.yaml" tests="1" failures="0">
    <testcase name="a.yaml" classname="a.yaml"/>
  </testsuite>
  <testsuite name="b.yaml" tests="1" failures="1">
    <testcase name="1:2 bad-name" classname="b.yaml">
      <failure message="x·">why</failure>
    </testcase>
  </testsuite>
</testsuites>
`)
})

test('a surplus alert is named beside the ones that are right', () => {
  const events = `${EVENTS}, ${EVENTS.replace('S1', 'S2')}`
  expect(failureText(only('expect: [{ key: { shop_id: S1 }, at: 2m }]', events))).toContain(
    'expected  actual (1 more as expected)\n     ✗ alert  nothing   at 2m, shop_id S2, high: 3 orders\n',
  )
})

describe('rankings', () => {
  const RANKING = `ranking: hot
version: 1
title: Hot
owner: test
on: [item.viewed]
rank: item_id
window: { sliding: 5m, step: 1m }
limit: 10
ties: [item_id asc]
`
  const rankingTest = (expectations: string) =>
    results(
      `  - name: t\n    events: [{ at: 1s, repeat: 3, every: 1s, type: item.viewed, item_id: "I{n % 2}" }, { advance: 2m }]\n    ${expectations}\n`,
      RANKING,
    )[0]!
  test.each([
    ['expect: [{ at: 1m, items: [I0, I1] }]', true],
    ['expect: [{ at: 2m }]', true],
    ['expect: [{ at: 1m, items: [I1, I0] }]', false],
    ['expect: [{ at: 1m, items: [{ id: I0, rank: 1, previous_rank: null }, I1] }]', true],
    ['expect: [{ at: 1m, items: [{ id: I0, rank: 2 }, I1] }]', false],
    ['expect: [{ at: 9m }]', false],
    ['expect: []', false],
  ])('%s', (expectations, ok) => expect(rankingTest(expectations).ok).toBe(ok))
})
