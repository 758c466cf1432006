import { expect, test } from 'vitest'
import { compileRuleSet, formatIssues, ruleSetForTest } from '../index.ts'
import { STREAMS } from '../testing.ts'

const RULE = `rule: few_buyers
version: 1
title: Many orders of few buyers
owner: risk
on: order.created
by: [shop_id]
window: 1h
params: { min_orders: 5 }
measure:
  orders: { count: events }
  buyers: { distinct: buyer_id }
  each: { ratio: [orders, buyers], at_least: { orders: params.min_orders, buyers: 1 } }
when: each > 2
severity: high
tests:
  - name: a smaller sample
    params: { min_orders: 2 }
    events: [{ at: 0m, type: order.created, shop_id: S1 }]
    expect: []
`
const sampleOf = (set: ReturnType<typeof ruleSetForTest>) =>
  set.rules[0].measures.find((m) => m.kind === 'ratio')?.atLeast

test('a least sample that is a param follows the file, what is set from outside, and tests', () => {
  const files = [{ path: 'r.yaml', text: RULE }]
  const compile = (params = {}) => {
    const compiled = compileRuleSet(files, { streams: STREAMS, params, lint: { nowMs: 0, whole: true } })
    if (!compiled.ok) throw new Error(formatIssues(compiled.issues, files))
    return compiled
  }
  const { set, tests, issues } = compile()
  expect(issues).toEqual([])
  expect(sampleOf(set)).toEqual({ orders: 5, buyers: 1 })
  expect(sampleOf(ruleSetForTest(set, tests[0]))).toEqual({ orders: 2, buyers: 1 })
  expect(sampleOf(compile({ few_buyers: { min_orders: 9 } }).set)).toEqual({ orders: 9, buyers: 1 })
})
