import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../model/block.ts'
import { decodeEntry, encodeRows } from '../model/block-codec.ts'
import { blockFromRows, cellAt, type Row } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import { PickedRows } from '../model/picked.ts'
import { hashText } from './partition.ts'
import { NOWHERE, Placing } from './placing.ts'
import { planExchanges } from './plan.ts'
import { fileOf, rankingText, ruleText, STREAMS, sequenceOf, setOf } from './testing.ts'

const [orders] = STREAMS
const rules = fileOf(
  ruleText('shop', '[shop_id]'),
  ruleText('buyer', '[buyer_id]', { on: '[order.created, order.cancelled]' }),
  ruleText('pair', '[pair]', { lets: 'pair: "unordered(event.shop_id, event.buyer_id)"', on: 'order.refunded' }),
  rankingText('hot', null),
)
const life = sequenceOf('life', ['device_id'], ['order.created', 'order.paid'])
const exchanges = planExchanges({ ...setOf(rules), sequences: [life] }, STREAMS).map((exchange) => ({
  exchange,
  partitions: exchange.by.kind === 'all' ? 1 : 3,
}))
const ids = exchanges.map(({ exchange }) => exchange.id)

function routed(rows: readonly Row[], from = 0, to = rows.length, counters = new Counters()) {
  const block = blockFromRows(orders, { topic: 'orders', partition: 7 }, rows)
  const places = new Placing(orders, exchanges, counters).of(block)
  const out: { id: string; partition: number; block: Block }[] = []
  places.forEach((partitions, exchange) => {
    for (let partition = 0; partition < exchanges[exchange].partitions; partition++) {
      const picked = new PickedRows()
      for (let row = from; row < to; row++) if (partitions[row] === partition) picked.add(block, row)
      if (picked.length === 0) continue
      const batch = decodeEntry(encodeRows(picked, STREAMS), STREAMS)
      if (batch.kind === 'batch') out.push({ id: ids[exchange], partition, block: batch.blocks[0] })
    }
    expect([...partitions].every((p) => p === NOWHERE || p < exchanges[exchange].partitions)).toBe(true)
  })
  return out
}

const row = (offset: number, type: string, fields: Record<string, string | number | null> = {}): Row => ({
  offset,
  timeMs: 1_000 + offset,
  type,
  ...fields,
})

test('the hash of a text never changes', () => {
  expect(['', 'a', 'S1', 'shop-12345', 'ä'].map(hashText)).toMatchInlineSnapshot(`
    [
      1625834338,
      3099597559,
      496731941,
      3975239711,
      8931958,
    ]
  `)
})

test('types that no exchange wants are counted; a missing value stands in partition 0, counted', () => {
  const counters = new Counters()
  const out = routed(
    [row(1, 'order.unknown'), row(2, 'order.created', { buyer_id: 'B1', device_id: 'D1' })],
    0,
    2,
    counters,
  )
  expect(counters.total('router_unwanted_total')).toBe(1)
  expect(counters.total('router_null_partition_total')).toBe(1)
  expect(out.filter(({ id }) => id === 'by-shop_id').map(({ partition }) => partition)).toEqual([0])
})

test('a let in either order of its parts is one partition', () => {
  const rows = [
    row(1, 'order.refunded', { shop_id: 'X', buyer_id: 'Y' }),
    row(2, 'order.refunded', { shop_id: 'Y', buyer_id: 'X' }),
  ]
  expect(routed(rows).map(({ id, block }) => [id.slice(0, 7), block.length])).toEqual([['by-pair', 2]])
})

test('every row stands once in each exchange that wants it, whole, with equal keys together', () => {
  const cell = fc.option(fc.constantFrom('', 'a', 'b', 'S1', 'ö'), { nil: null })
  const fields = fc.record({
    type: fc.constantFrom('order.created', 'order.cancelled', 'order.refunded', 'order.paid'),
    shop_id: cell,
    buyer_id: cell,
    quantity: fc.option(fc.integer(), { nil: null }),
    amount: fc.option(fc.constantFrom('1.5', '-99999.1234'), { nil: null }),
  })
  fc.assert(
    fc.property(fc.array(fields, { minLength: 1, maxLength: 40, size: 'max' }), fc.nat(10), (list, skip) => {
      const rows = list.map(({ type, ...rest }, i) => row(2 * i, type, rest))
      const from = Math.min(skip, rows.length - 1)
      const out = routed(rows, from)
      for (const { exchange } of exchanges) {
        const parts = out.filter(({ id }) => id === exchange.id)
        const offsets = parts.flatMap(({ block }) => [...block.offsets]).sort((a, b) => a - b)
        const wanted = rows.slice(from).filter(({ type }) => exchange.types.includes(type))
        expect(offsets).toEqual(wanted.map(({ offset }) => offset))
        const places = new Map<unknown, number>()
        for (const { partition, block } of parts) {
          expect(block.sourcePartition).toBe(7)
          for (let i = 0; i < block.length; i++) {
            const original = rows.find(({ offset }) => offset === block.offsets[i])!
            orders.fields.forEach((field, c) => {
              if (['event_id', 'event_time', 'type'].includes(field.name)) return
              const value = original[field.name] ?? null
              expect(cellAt(block.columns[c], i)).toEqual(
                field.kind === 'decimal' && value !== null ? Number(value) : value,
              )
            })
            if (exchange.by.kind !== 'field') continue
            const key = original[exchange.by.name]
            expect(places.get(key) ?? partition).toBe(partition)
            places.set(key, partition)
          }
        }
      }
    }),
  )
})
