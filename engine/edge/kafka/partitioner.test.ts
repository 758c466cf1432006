import { Partitioners } from 'kafkajs'
import { expect, test } from 'vitest'
import { Prng } from '../../kit/prng.ts'
import { byKey } from './partitioner.ts'

const partitionMetadata = Array.from({ length: 97 }, (_, partitionId) => ({
  ...{ partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] },
}))
const args = (message: { key: Buffer | string | null; partition?: number }) => ({
  ...{ topic: 'x', partitionMetadata, message: { value: null, ...message } },
})

test('a key goes where kafkajs puts it', () => {
  const prng = new Prng(5)
  const [ours, theirs] = [byKey(), Partitioners.DefaultPartitioner()]
  const keys = Array.from({ length: 300 }, (_, length) =>
    Buffer.from(Array.from({ length }, () => Math.floor(prng.next() * 256))),
  )
  for (const key of [...keys, 'S1', 'ünï']) expect(ours(args({ key }))).toBe(theirs(args({ key })))
})

test('a key of 1 MB takes milliseconds', () => {
  const key = Buffer.alloc(1_000_000, 'key')
  const startMs = performance.now()
  byKey()(args({ key }))
  expect(performance.now() - startMs).toBeLessThan(500)
})

test('a record that says its partition stays there; those without a key go round', () => {
  const ours = byKey()
  expect(ours(args({ key: 'a', partition: 3 }))).toBe(3)
  expect(new Set(Array.from({ length: 97 }, () => ours(args({ key: null })))).size).toBe(97)
})
