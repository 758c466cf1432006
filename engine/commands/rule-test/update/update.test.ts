import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../../config.ts'
import { compileOrRefuse } from '../../compiled.ts'
import { runRuleTest } from '../run.ts'
import { updateExpectations } from './update.ts'

const { streams } = defaultConfig()
const RULE = `# first line
rule: busy_shop
version: 1
title:   A shop receives many orders     # odd blanks stay
owner: test
mode: live
on: order.created
by: [shop_id]
window: 10m
measure:
  orders:  { count: events }
  buyers:  { distinct: buyer_id }
  each:    { ratio: [orders, buyers], at_least: { orders: 2 } }
when: orders >= 3 && each > 1
severity: high
exceptions:
  - { name: sale, when: key.shop_id == "S9", apply: mute_alert, reason: sale, until: 2027-12-31 }
alert: { about: shop_id, suspects: { of: buyer_id, k: 1 }, explain: "{orders} orders" }
tests:
`
/** Three shops, the first alerts at 2m, the second at 12m, S9 would at 22m. */
const EVENTS = `    events:
      - { at: 0m, repeat: 3, every: 1m, type: order.created, shop_id: S1, buyer_id: "B{n % 2}" }
      - { at: 10m, repeat: 3, every: 1m, type: order.created, shop_id: "1", buyer_id: "B{n % 2}" }
      - { at: 20m, repeat: 3, every: 1m, type: order.created, shop_id: S9, buyer_id: "B{n % 2}" }
`

function update(text: string, path = 'r.yaml') {
  const files = [{ path, text }]
  const { set, tests } = compileOrRefuse(files, streams)
  const failed = tests.map((t) => runRuleTest(set, t, streams)).filter((r) => !r.ok)
  const updated = updateExpectations(files, failed, streams)
  return { ...updated, failed: failed.length, text: updated.files.get(path) ?? text }
}
/** What a test with these expectations becomes; all around it stays as it is. */
function updated(expectations: string): string {
  const before = `${RULE}  - name: t # a comment\n${EVENTS}${expectations}  - name: u\n${EVENTS}    expect_abstained: 0 # false && abstain is false\n`
  const { text, left } = update(before)
  expect(left).toEqual([])
  expect(update(text).failed).toBe(0)
  const [head, tail] = [
    before.slice(0, before.indexOf(expectations)),
    before.slice(-before.length + before.indexOf(expectations) + expectations.length),
  ]
  expect(text.startsWith(head)).toBe(true)
  expect(text.endsWith(tail)).toBe(true)
  return text.slice(head.length, text.length - tail.length)
}

describe('the rows say what came out, and name what they named', () => {
  test.each([
    [
      '    expect: [] # quiet?\n',
      '    expect:\n      - { at: 2m, key: { shop_id: S1 }, severity: high }\n      - { at: 12m, key: { shop_id: "1" }, severity: high } # quiet?\n',
    ],
    [
      '    expect: [{ at: 3m, key: { shop_id: S1 } }, { at: 12m }]\n',
      '    expect: [{ at: 2m, key: { shop_id: S1 } }, { at: 12m }]\n',
    ],
    [
      '    expect:\n      # the first\n      - at:   2m # early\n        measure: { orders: 4,   each: 1.5 }\n        folded: 7\n      - { at: 12m }\n',
      '    expect:\n      # the first\n      - at:   2m # early\n        measure: { orders: 3,   each: 1.5 }\n        folded: 0\n      - { at: 12m }\n',
    ],
    [
      '    expect:\n      - { at: 2m, suspects: [B1], explain_contains: "9 orders" }\n      - { at: 12m, suspects: [{ value: B0, events: 9 }] }\n',
      '    expect:\n      - { at: 2m, suspects: [B0], explain_contains: 3 orders }\n      - { at: 12m, suspects: [{ value: B0, events: 2 }] }\n',
    ],
    [
      '    expect:\n      - { at: 2m }\n      - { at: 12m }\n      # one too many\n      - { at: 40m,\n          severity: low }\n',
      '    expect:\n      - { at: 2m }\n      - { at: 12m }\n      # one too many\n',
    ],
    [
      '    expect:\n      - at: 2m\n        key: { shop_id: S1 }\n\n',
      '    expect:\n      - at: 2m\n        key: { shop_id: S1 }\n      - { at: 12m, key: { shop_id: "1" }, severity: high }\n\n',
    ],
    [
      '    expect: [\n      { at: 2m },\n      { at: 12m }, # second\n      { at: 13m },\n    ]\n',
      '    expect: [\n      { at: 2m },\n      { at: 12m }, # second\n    ]\n',
    ],
    [
      '    expect: [\n      { at: 2m } # the first\n    ]\n',
      '    expect: [\n      { at: 2m },\n      { at: 12m, key: { shop_id: "1" }, severity: high } # the first\n    ]\n',
    ],
    ['    expect: [{ at: 2m }, { at: 12m }, {}]\n', '    expect: [{ at: 2m }, { at: 12m }]\n'],
    ['    expect_muted: []\n', '    expect_muted: [{ at: 22m, key: { shop_id: S9 }, severity: high }]\n'],
    ['    expect_abstained: 9 # why\n', '    expect_abstained: 0 # why\n'],
  ])('%s', (before, after) => expect(updated(before)).toBe(after))
})

test('rows that nothing came of go; the last one leaves []', () => {
  const text = `${RULE}  - name: t\n    events: [{ at: 0m, type: order.created, shop_id: S1 }]\n    expect:\n      - { at: 0m }\n      - { at: 1m }\n`
  expect(update(text).text).toBe(text.replace(/expect:.*/s, 'expect: []\n'))
})

test('a file without a break at its end, with CRLF, with several documents', () => {
  const test = '  - name: t\n    events: [{ at: 0m, type: order.created, shop_id: S1 }]\n    expect: [{ at: 0m }]'
  const text = `${RULE}${test}\n---\n${RULE.replace('busy_shop', 'other_shop')}${test}`.replaceAll('\n', '\r\n')
  expect(update(text)).toMatchObject({ failed: 2, left: [], text: text.replaceAll('[{ at: 0m }]', '[]') })
})

test('a test that cannot be put right is left as it is, and named', () => {
  const ranking = `ranking: hot
version: 1
title: Hot items
owner: test
on: item.viewed
rank: item_id
window: { sliding: 1h, step: 1m }
limit: 3
tests:
  - name: at no step
    events: [{ at: 0m, type: item.viewed, item_id: I1 }, { advance: 5m }]
    expect: [{ at: 30s, items: [I1] }]
  - name: other items
    events: [{ at: 0m, repeat: 3, every: 1s, type: item.viewed, item_id: "I{n % 2}" }, { advance: 1m }]
    expect: [{ at: 1m, items: [{ id: I1, score: 2, rank: 1 }] }]
`
  const { left, text } = update(ranking)
  expect(left.map((t) => t.name)).toEqual(['at no step'])
  expect(text).toBe(
    ranking.replace(
      '[{ id: I1, score: 2, rank: 1 }]',
      '[{ id: I0, score: 2, rank: 1 }, { id: I1, score: 1, rank: 2 }]',
    ),
  )
})

test('the difference of each test is shown', () => {
  const { diffs } = update(`${RULE}  - name: t\n${EVENTS}    expect:\n      - { at: 2m }\n      - { at: 13m }\n`)
  expect(diffs.map((d) => d.diff)).toEqual(['@@ line 27\n-       - { at: 13m }\n+       - { at: 12m }'])
})
