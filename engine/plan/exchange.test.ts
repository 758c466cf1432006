import { expect, test } from 'vitest'
import { type Exchange, otherPartitions, partitionsOfNew } from './exchange.ts'

const set = { rules: [], sequences: [], rankings: [], features: [], lists: [], hash: '' } as unknown as Exchange['set']
const exchange = (id: string, by: Exchange['by']): Exchange => {
  return { id, by, set, reads: [], known: [], types: [], streams: [] }
}
const shop = exchange('by-shop_id', { kind: 'field', name: 'shop_id' })
const buyer = exchange('by-buyer_id', { kind: 'field', name: 'buyer_id' })
const all = exchange('all', { kind: 'all' })

test('"all" has one partition, any other one as many as are configured', () => {
  expect([shop, buyer, all].map((one) => partitionsOfNew(one, 6))).toEqual([6, 6, 1])
})

test('an exchange that has another number than the configured one; not "all", not one that is still to be created', () => {
  const counts = new Map([
    ['g.exchange.by-shop_id', 4],
    ['g.exchange.all', 1],
  ])
  expect(otherPartitions('g', [all, buyer, shop], counts, 4)).toEqual([])
  expect(otherPartitions('g', [all, buyer, shop], counts, 6)).toEqual([
    { topic: 'g.exchange.by-shop_id', has: 4, configured: 6 },
  ])
})
