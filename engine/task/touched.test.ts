import { expect, test } from 'vitest'
import { TouchedKeys } from './touched.ts'

test('a few hundred thousand keys of one moment: each once, in their order, within the time of a test', () => {
  const touched = new TouchedKeys()
  const keys = 200_000
  for (let round = 0; round < 2; round++) for (let slot = 0; slot < keys; slot++) touched.add(slot, slot)
  expect(touched.size).toBe(keys)
  expect([touched.slots[0], touched.slots[keys - 1]]).toEqual([0, keys - 1])
})
