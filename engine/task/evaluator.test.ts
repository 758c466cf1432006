import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { markAll } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import { compileRuleSet } from '../rules/index.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

function setOf(...rules: string[]): RuleSet {
  const compiled = compileRuleSet([{ path: 'rules.yaml', text: rules.join('---\n') }], { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  return compiled.set
}

const rule = (id: string, by: string, rest: string, window = '1s') =>
  `rule: ${id}\nversion: 1\ntitle: t\non: order.created\nby: [${by}]\nwindow: ${window}\nseverity: low\n${rest}\n`

class Play {
  readonly outputs: Output[] = []
  readonly counters = new Counters()
  readonly task = new Task({ streams, counters: this.counters, finite: true })
  readonly #sink = { output: (o: Output) => this.outputs.push(o), change: () => {} }
  #position = 0

  order(ms: number, shop: string, buyer: string, amount = 1): void {
    const offset = this.#position++
    const row = { offset, timeMs: T0 + ms, type: 'order.created', event_id: `E${offset}`, order_id: `O${offset}` }
    const rows = [{ ...row, shop_id: shop, buyer_id: buyer, amount }]
    this.task.process(
      { position: offset, entry: blockFromRows(transactions, { topic: 'trade', partition: 0 }, rows) },
      this.#sink,
    )
  }

  advance(ms: number): void {
    this.task.process({ position: this.#position, entry: markAll(T0 + ms) }, this.#sink)
  }

  /** Rule, key and moment of each alert that opened since the last asking. */
  opened(): string[] {
    const alerts = this.outputs.splice(0).flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [o] : []))
    return alerts.map((a) => `${a.rule} ${Object.values(a.key)} ${a.event_time - T0}`)
  }
}

test('an event is evaluated rule by rule, in the order of the set, whatever their keys', () => {
  const count = 'measure: { n: { count: events } }\nwhen: n >= 1'
  const play = new Play()
  play.task.install(setOf(rule('a', 'shop_id', count), rule('b', 'buyer_id', count), rule('c', 'shop_id', count)))
  play.order(0, 'S', 'B')
  expect(play.opened()).toEqual(['a S 0', 'b B 0', 'c S 0'])
})

test('what left at one moment is evaluated rule by rule, keys in the order in which they left', () => {
  const sum = 'measure: { total: { sum: amount } }\nwhen: total < 0'
  const play = new Play()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  play.task.install(setOf(...names.map((id, i) => rule(id, i % 2 === 0 ? 'shop_id' : 'buyer_id', sum))))
  play.order(0, 'S2', 'B2', 5)
  play.order(0, 'S1', 'B1', 5)
  play.order(1, 'S1', 'B1', -3)
  play.order(1, 'S2', 'B2', -3)
  play.advance(1000)
  const expected = names.flatMap((id, i) =>
    (i % 2 === 0 ? ['S2', 'S1'] : ['B2', 'B1']).map((key) => `${id} ${key} 1000`),
  )
  expect(play.opened()).toEqual(expected)
})

test('a rule whose windows were filled without evaluation is asked as events leave, though its condition can only fall', () => {
  const count = (least: number) => `measure: { n: { count: events } }\nwhen: n >= ${least}`
  const play = new Play()
  play.task.install(setOf(rule('a', 'shop_id', count(99))))
  for (const ms of [0, 1, 2]) play.order(ms, 'S', 'B')
  play.task.install(setOf(rule('a', 'shop_id', count(99)), rule('b', 'shop_id', count(2))))
  play.advance(1000)
  expect(play.opened()).toEqual(['b S 1000'])
})

test('a key that an event leaves as its tumbling window ends is evaluated once', () => {
  const play = new Play()
  const measure = 'measure: { n: { count: events }, recent: { avg: amount, window: 30s } }\nwhen: recent > 0 || n >= 2'
  play.task.install(setOf(rule('a', 'shop_id', measure, '{ tumbling: 1m, zone: UTC }')))
  play.order(30_000, 'S', 'B')
  play.order(30_000, 'S', 'B')
  expect(play.opened()).toEqual(['a S 30000'])
  play.advance(60_000)
  expect(play.counters.total('abstained_total')).toBe(1)
})
