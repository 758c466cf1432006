import { expect, test } from 'vitest'
import { stretchesOf } from './source-reader.ts'

test('from the first record of the time, or the oldest that is left; partitions in order, empty ones left out', () => {
  const bounds = [
    { partition: 2, offset: '90', low: '0', high: '90' },
    { partition: 0, offset: '500', low: '100', high: '500' },
    { partition: 1, offset: '70', low: '0', high: '70' },
    { partition: 3, offset: '40', low: '40', high: '40' },
  ]
  const starts = [
    { partition: 0, offset: '20' }, // deleted meanwhile
    { partition: 1, offset: '70' }, // none is that late
    { partition: 2, offset: '60' },
    { partition: 3, offset: '0' }, // what an emptied partition is given
  ]
  expect(stretchesOf('t', starts, bounds)).toEqual([
    { topic: 't', partition: 0, from: 100, end: 500 },
    { topic: 't', partition: 2, from: 60, end: 90 },
  ])
  expect(stretchesOf('t', [], bounds).map(({ from }) => from)).toEqual([100, 0, 0])
})
