import type { Producer, ProducerBatch, ProducerRecord } from 'kafkajs'
import { expect, test } from 'vitest'
import { Counters } from '../../../model/counters.ts'
import { STREAMS } from '../../../plan/testing.ts'
import { BlockWriter } from './block-writer.ts'
import { SourceLane } from './source-lane.ts'

/** Sends are answered by hand. */
class FakeProducer {
  readonly sent: string[] = []
  #answer: ((error?: unknown) => void) | null = null

  sendBatch({ topicMessages = [] }: ProducerBatch): Promise<unknown> {
    for (const { topic, messages } of topicMessages)
      for (const { partition, value } of messages) this.sent.push(`${topic}/${partition} ${value}`)
    return this.#wait()
  }

  async send({ messages }: ProducerRecord): Promise<unknown> {
    const large = messages.some(({ value }) => String(value) === 'large')
    if (large) throw Object.assign(new Error('too large'), { code: 10 })
    for (const { value, headers } of messages)
      this.sent.push(`dead ${value} ${headers?.['lapwing.value.dropped'] ?? ''}`)
    return []
  }

  async answer(error?: unknown): Promise<void> {
    this.#answer?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answer = (error) => (error === undefined ? resolve() : reject(error))
    })
  }
}

function writerOf() {
  const producer = new FakeProducer()
  const failures: unknown[] = []
  const counters = new Counters()
  const on = { sent: () => {}, failure: (error: unknown) => failures.push(error) }
  const writer = new BlockWriter(producer as unknown as Producer, 'dlq', counters, on)
  const decoder = { prepare: () => null, decode: () => null }
  const lane = new SourceLane({ stream: STREAMS[0], topic: 'orders', partition: 0 }, decoder, 0)
  const add = (text: string) => writer.add('x', 1, Buffer.from(text), 0)
  return { producer, failures, counters, writer, lane, add }
}

test('one send at a time, in order; an offset counts once its records are acknowledged', async () => {
  const { producer, writer, lane, add } = writerOf()
  add('a')
  writer.reached(lane, 1)
  writer.flush()
  add('b')
  writer.reached(lane, 2)
  writer.flush()
  expect([producer.sent, lane.acknowledged]).toEqual([['x/1 a'], 0])
  await producer.answer()
  expect([producer.sent, lane.acknowledged]).toEqual([['x/1 a', 'x/1 b'], 1])
  await producer.answer()
  expect(lane.acknowledged).toBe(2)
})

test('after a failure nothing more is written', async () => {
  const { producer, writer, lane, add, failures } = writerOf()
  add('a')
  writer.reached(lane, 1)
  writer.flush()
  add('b')
  await producer.answer(new Error('timed out'))
  writer.flush()
  expect([producer.sent, lane.acknowledged, writer.hasRoom]).toEqual([['x/1 a'], 0, false])
  expect(failures).toHaveLength(1)
})

test('dead letters go first; one that is too large for its topic goes without its value, counted', async () => {
  const { producer, writer, lane, counters, add } = writerOf()
  add('a')
  for (const value of ['small', 'large', 'other']) writer.addDead({ key: null, value: Buffer.from(value) })
  writer.reached(lane, 1)
  writer.flush()
  await producer.answer()
  await producer.answer()
  expect(producer.sent).toEqual(['dead small ', 'dead null 5 bytes', 'dead other ', 'x/1 a'])
  expect(counters.total('dead_letter_values_dropped_total')).toBe(1)
  expect(lane.acknowledged).toBe(1)
})

test('there is room for 1 MiB', () => {
  const { writer } = writerOf()
  writer.add('x', 0, Buffer.alloc(1 << 19), 0)
  expect([writer.isFull, writer.hasRoom]).toEqual([true, true])
  writer.add('x', 0, Buffer.alloc(1 << 19), 0)
  expect(writer.hasRoom).toBe(false)
})
