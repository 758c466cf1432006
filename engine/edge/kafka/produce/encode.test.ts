import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Message } from 'kafkajs'
import { expect, test } from 'vitest'
import { encodeProduce, type ProduceRequest } from './encode.ts'

const require = createRequire(import.meta.url)
type Theirs = (request: ProduceRequest) => { encode(): Promise<{ buffer: Buffer }> }
const theirs = require('kafkajs/src/protocol/requests/produce/v3/request.js') as Theirs

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const message = fc.record({
  key: fc.option(fc.oneof(text, bytes), { nil: null }),
  value: fc.option(fc.oneof(text, bytes), { nil: null }),
  timestamp: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }).map(String),
  headers: fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 3 })), { maxKeys: 3 }),
})
const part = fc.record({
  partition: fc.nat(100),
  firstSequence: fc.nat(),
  messages: fc.array(message, { minLength: 1, maxLength: 150 }),
})
const request = fc.record<ProduceRequest>(
  {
    topicData: fc.array(fc.record({ topic: text, partitions: fc.array(part, { maxLength: 3 }) }), { maxLength: 3 }),
    transactionalId: fc.string({ minLength: 1 }),
    producerId: fc.nat(),
    producerEpoch: fc.nat(30_000),
    acks: fc.constantFrom(-1, 1),
    timeout: fc.nat(60_000),
  },
  { requiredKeys: ['topicData', 'producerId', 'producerEpoch', 'acks', 'timeout'] },
)

test('the bytes are those of kafkajs', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const { buffer } = await theirs(given).encode()
      expect(encodeProduce(given, 0).equals(buffer)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('a message without a timestamp has that of now; a header without a value has none', () => {
  const sent = (timestamp: string | undefined, header: Buffer | null) => {
    const messages = [{ value: 'v', timestamp, headers: { h: header } } as unknown as Message]
    const topicData = [{ topic: 't', partitions: [{ partition: 0, firstSequence: 0, messages }] }]
    return encodeProduce({ topicData, producerId: 1, producerEpoch: 0, acks: -1, timeout: 1 }, 5_000)
  }
  expect(sent(undefined, null)).toEqual(sent('5000', null))
  expect(sent('5000', Buffer.from('')).length).toBe(sent('5000', null).length)
  expect(sent('5000', Buffer.from(''))).not.toEqual(sent('5000', null))
})
