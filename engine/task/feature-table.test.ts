import { expect, test } from 'vitest'
import type { Feature } from '../model/rule.ts'
import { Memory } from '../state/memory.ts'
import { StringTable } from '../state/string-table.ts'
import { FeatureTable } from './feature-table.ts'

test('a list that is longer than its measure keeps leaves the measure behind it alone', () => {
  const measures = [
    { name: 'most', kind: 'top', of: 'shop_id', k: 2 },
    { name: 'orders', kind: 'count', of: null },
  ]
  const memory = new Memory()
  const feature = { id: 'f', version: 1, measures } as unknown as Feature
  const table = new FeatureTable(feature, () => false, { memory, strings: new StringTable(memory), sets: 1 })
  const slot = table.add('a', 10)
  table.setValues(slot, (i) => (i === 1 ? 7 : null))
  // the second measure as it stands once the first was written
  table.setValues(slot, (i) => (i === 0 ? ['x', 'y', 'z', 'w'] : table.values(slot)[1]))
  expect(table.values(slot)).toEqual([['x', 'y'], 7])
})
