import type { Producer, ProducerBatch, ProducerRecord } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Mark } from '../../../model/block.ts'
import { decodeEntry } from '../../../model/block-codec.ts'
import { blockFromRows } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import { NOWHERE } from '../../../plan/placing.ts'
import { STREAMS } from '../../../plan/testing.ts'
import { bareLetter } from './dead-letter.ts'
import { ExchangeWriter } from './exchange-writer.ts'
import type { Staged } from './source-lane.ts'
import { EXCHANGES, laneOf } from './testing.ts'

/** Sends are answered by hand. */
class FakeProducer {
  /** By send: `topic/partition` and what the record says. */
  readonly sends: string[][] = []
  /** The largest record batch that kafkajs would have made of one send. */
  largestBytes = 0
  readonly headers: unknown[] = []
  #answer: ((error?: unknown) => void) | null = null

  sendBatch({ topicMessages = [] }: ProducerBatch): Promise<unknown> {
    const sent: string[] = []
    for (const { topic, messages } of topicMessages) {
      const sizes = new Map<number, number>()
      for (const { partition, value, timestamp, headers } of messages) {
        sent.push(`${topic}/${partition} ${said(value as Buffer)}`)
        this.headers.push({ timestamp, ...headers })
        sizes.set(partition!, (sizes.get(partition!) ?? 0) + (value as Buffer).length)
      }
      this.largestBytes = Math.max(this.largestBytes, ...sizes.values())
    }
    this.sends.push(sent)
    return new Promise<void>((resolve, reject) => {
      this.#answer = (error) => (error === undefined ? resolve() : reject(error))
    })
  }

  async send({ messages }: ProducerRecord): Promise<unknown> {
    const large = messages.some(({ value }) => String(value) === 'large')
    if (large) throw Object.assign(new Error('too large'), { code: 10 })
    this.sends.push(messages.map(({ value, headers }) => `dead ${value} ${headers?.['lapwing.value.dropped'] ?? ''}`))
    return []
  }

  async answer(error?: unknown): Promise<void> {
    this.#answer?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Offsets of the rows, or the kind of the entry. */
function said(value: Buffer): string {
  const entry = decodeEntry(value, STREAMS)
  return entry.kind === 'batch' ? entry.blocks.map(({ offsets }) => [...offsets].join(',')).join(';') : entry.kind
}

/** Rows of these offsets; in the first exchange at partition 1, in the second nowhere. */
function rowsOf(offsets: readonly number[], sizeBytes = 10): Staged {
  const rows = offsets.map((offset) => ({ offset, timeMs: 1_000 + offset, type: 'order.created' }))
  return {
    block: blockFromRows(STREAMS[0], { topic: 'orders', partition: 0 }, rows),
    places: [new Int32Array(offsets.length).fill(1), new Int32Array(offsets.length).fill(NOWHERE)],
    sizes: new Uint32Array(offsets.length).fill(sizeBytes),
    appendedMs: 500,
  }
}

const upTo = (from: number, end: number) => Array.from({ length: end - from }, (_, i) => from + i)
const mark: Mark = { kind: 'mark', sourceTopic: 'orders', sourcePartition: 0, upToMs: 5, sources: ['orders/0'] }

function writerOf() {
  const producer = new FakeProducer()
  const counters = new Counters()
  const exchanges = EXCHANGES.map((routed, i) => ({ ...routed, topic: 'xy'[i] }))
  const options = { dlqTopic: 'dlq', streams: STREAMS, counters }
  const writer = new ExchangeWriter(producer as unknown as Producer, exchanges, options)
  const events: string[] = []
  writer.acknowledged$.subscribe({
    next: () => events.push('acknowledged'),
    error: (error: Error) => events.push(error.message),
  })
  const add = (staged: Staged) => {
    for (let row = 0; row < staged.block.length; row++) writer.addRow(staged, row)
  }
  const { lane } = laneOf()
  return { producer, counters, writer, events, add, lane }
}

/** Whether it is settled after some turns of the event loop. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {
      done = true
    },
  )
  await new Promise((resolve) => setImmediate(resolve))
  return done
}

test('one send at a time: what comes meanwhile is the next one, and an offset counts when its rows are acknowledged', async () => {
  const { producer, writer, lane, add, events } = writerOf()
  add(rowsOf([0, 1]))
  writer.reached(lane, 2)
  await writer.accept(true)
  add(rowsOf([2]))
  writer.reached(lane, 3)
  await writer.accept(true)
  add(rowsOf([3]))
  writer.reached(lane, 4)
  await writer.accept(false)
  expect([producer.sends, lane.acknowledged]).toEqual([[['x/1 0,1']], 0])
  await producer.answer()
  expect([producer.sends, lane.acknowledged]).toEqual([[['x/1 0,1'], ['x/1 2,3']], 2])
  await producer.answer()
  expect([lane.acknowledged, events]).toEqual([4, ['acknowledged', 'acknowledged']])
})

test('little is not sent while more comes; what moved without a record is acknowledged without a send', async () => {
  const { producer, writer, lane, add } = writerOf()
  add(rowsOf([0]))
  await writer.accept(false)
  expect(producer.sends).toEqual([])
  await writer.accept(true)
  await producer.answer()
  expect(producer.sends).toEqual([['x/1 0']])
  writer.reached(lane, 9)
  await writer.accept(true)
  await writer.settled()
  expect([producer.sends.length, lane.acknowledged]).toEqual([1, 9])
})

test('a mark goes to every partition of its exchange, behind the rows of before and before those of after', async () => {
  const { producer, writer, add } = writerOf()
  add(rowsOf([0, 1]))
  writer.addToAll(0, mark, 5)
  add(rowsOf([2]))
  await writer.accept(true)
  expect(producer.sends).toEqual([['x/0 mark', 'x/1 0,1', 'x/1 mark', 'x/1 2']])
  expect(producer.headers).toEqual([
    { timestamp: '5' },
    { timestamp: '1001', appended: '500' },
    { timestamp: '5' },
    { timestamp: '1002', appended: '500' },
  ])
})

test('rows of several lanes keep their order, and go to each exchange that wants them', async () => {
  const { producer, writer } = writerOf()
  const [a, b] = [rowsOf([0, 1]), rowsOf([7, 8])]
  b.places[1][1] = 0
  writer.addRow(a, 0)
  writer.addRow(b, 0)
  writer.addRow(a, 1)
  writer.addRow(b, 1)
  await writer.accept(true)
  expect(producer.sends).toEqual([['x/1 0,7,1,8', 'y/0 8']])
})

test('a batch has at most 4,096 rows, or 512 KiB of records and one more', async () => {
  const { producer, writer, counters, add } = writerOf()
  add(rowsOf(upTo(0, 5_000)))
  await writer.accept(true)
  await producer.answer()
  add(rowsOf([5_000, 5_001, 5_002], 300_000))
  await writer.accept(true)
  const lengths = producer.sends.map((sent) => sent.map((text) => text.split(',').length))
  expect(lengths).toEqual([
    [4_096, 904],
    [2, 1],
  ])
  expect(counters.total('router_blocks_total')).toBe(4)
})

test.each([
  ['rows', rowsOf(upTo(0, 32_768), 10)],
  ['bytes', rowsOf(upTo(0, 8), 1 << 19)],
])('full of %s: it is sent though more comes, and accept waits for room while a send is under way', async (_, much) => {
  const { producer, writer, add } = writerOf()
  add(much)
  expect(await isDone(writer.accept(false))).toBe(true) // sent: there is room
  expect(producer.sends).toHaveLength(1)
  add(much)
  const waits = writer.accept(false)
  expect(await isDone(waits)).toBe(false)
  await producer.answer()
  expect(await isDone(waits)).toBe(true)
  expect(producer.sends).toHaveLength(2) // room is there because they are sent, not because one send is over
})

test('one send brings no partition more than its topic takes in a record batch', async () => {
  const { producer, writer, lane, add } = writerOf()
  const large = rowsOf(upTo(0, 40), 300_000)
  const text = 'x'.repeat(300_000)
  const rows = upTo(0, 40).map((offset) => ({ offset, timeMs: offset, type: 'order.created', order_id: text + offset }))
  add({ ...large, block: blockFromRows(STREAMS[0], { topic: 'orders', partition: 0 }, rows) })
  writer.reached(lane, 40)
  await writer.accept(true)
  while (lane.acknowledged === 0) await producer.answer()
  expect(producer.sends.length).toBeGreaterThan(1)
  expect(
    producer.sends
      .flat()
      .map((sent) => sent.slice(4))
      .join(','),
  ).toBe(upTo(0, 40).join(','))
  expect(producer.largestBytes).toBeLessThan(8 << 20)
})

test('after a failure nothing more is written', async () => {
  const { producer, writer, lane, add, events } = writerOf()
  add(rowsOf([0]))
  writer.reached(lane, 1)
  await writer.accept(true)
  add(rowsOf([1]))
  await writer.accept(true)
  await producer.answer(new Error('timed out'))
  await expect(writer.accept(true)).rejects.toThrow('timed out')
  await writer.settled()
  expect([producer.sends, lane.acknowledged, events]).toEqual([[['x/1 0']], 0, ['timed out']])
})

test('who waits for room hears of the failure', async () => {
  const { producer, writer, add } = writerOf()
  add(rowsOf([0]))
  await writer.accept(true)
  add(rowsOf(upTo(1, 9), 1 << 19))
  const waits = writer.accept(false)
  const failed = expect(waits).rejects.toThrow('timed out')
  await producer.answer(new Error('timed out'))
  await failed
})

test('a failure from elsewhere ends it too; what was on its way then counts if it is acknowledged', async () => {
  const { producer, writer, lane, add, events } = writerOf()
  add(rowsOf([0]))
  writer.reached(lane, 1)
  await writer.accept(true)
  writer.fail(new Error('no assignment'))
  await producer.answer()
  add(rowsOf([1]))
  await expect(writer.accept(true)).rejects.toThrow('no assignment')
  expect([producer.sends, lane.acknowledged, events]).toEqual([[['x/1 0']], 1, ['no assignment']])
})

test('what is left of a dead letter that no topic takes says its place, its reason and what was cut', () => {
  const headers = { mine: 'x'.repeat(99), 'lapwing.reason': 'MALFORMED', '__connect.errors.topic': 'orders' }
  const place = { '__connect.errors.partition': '3', '__connect.errors.offset': '17' }
  const letter = { key: Buffer.alloc(500), value: Buffer.alloc(7), headers: { ...headers, ...place } }
  expect(bareLetter(letter)).toEqual({
    key: 'orders/3@17',
    value: null,
    headers: {
      ...{ ...place, 'lapwing.reason': 'MALFORMED', '__connect.errors.topic': 'orders' },
      ...{
        'lapwing.value.dropped': '7 bytes',
        'lapwing.key.dropped': '500 bytes',
        'lapwing.headers.dropped': '1 headers',
      },
    },
  })
})

test('dead letters go first; one that is too large for its topic goes without its value, counted', async () => {
  const { producer, writer, lane, counters, add } = writerOf()
  add(rowsOf([0]))
  for (const value of ['small', 'large', 'other']) writer.addDead({ key: null, value: Buffer.from(value) })
  writer.reached(lane, 1)
  await writer.accept(true)
  await producer.answer()
  expect(lane.acknowledged).toBe(0) // of the rows nothing is known yet
  await producer.answer()
  expect(producer.sends.flat()).toEqual(['dead small ', 'dead null 5 bytes', 'dead other ', 'x/1 0'])
  expect(counters.total('dead_letter_values_dropped_total')).toBe(1)
  expect(lane.acknowledged).toBe(1)
})
