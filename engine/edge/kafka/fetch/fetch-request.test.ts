import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import type { Broker } from './cluster.ts'
import { decode, encode, fetchRaw } from './fetch-request.ts'

const require = createRequire(import.meta.url)
const request = require('kafkajs/src/protocol/requests/fetch/v11/request.js')
const Encoder = require('kafkajs/src/protocol/encoder.js')

const part = (topic: string, partition: number, offset: number) => ({ topic, partition, offset, bytesMax: 1_000 })

test('a request has the bytes that kafkajs would send', async () => {
  const wanted = [part('a', 1, 2 ** 52), part('a', 0, 7), part('店', 3, 0), part('a', 2, 9)]
  const topics = [
    { topic: 'a', partitions: [1, 0] },
    { topic: '店', partitions: [3] },
    { topic: 'a', partitions: [2] },
  ].map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => {
      const { offset, bytesMax } = wanted.find((one) => one.topic === topic && one.partition === partition)!
      return { partition, fetchOffset: String(offset), maxBytes: bytesMax }
    }),
  }))
  const options = { replicaId: -1, maxWaitTime: 50, minBytes: 1, maxBytes: 5_000, topics }
  const theirs = await request(options).encode()
  expect(encode(wanted, { waitMsMax: 50, bytesMax: 5_000 }).buffer).toEqual(theirs.buffer)
})

function answerBytes(throttleMs: number, errorCode = 0): Buffer {
  const aborted = new Encoder().writeInt64(7).writeInt64(100)
  const partition = new Encoder()
    .writeInt32(3)
    .writeInt16(0)
    .writeInt64(2 ** 40)
    .writeInt64(90)
    .writeInt64(5)
  partition.writeArray([aborted]).writeInt32(-1).writeInt32(4).writeBufferInternal(Buffer.from('abcd'))
  const gone = new Encoder().writeInt32(4).writeInt16(1).writeInt64(-1).writeInt64(-1).writeInt64(-1)
  gone.writeInt32(-1).writeInt32(-1).writeInt32(-1) // no list, no replica, no records
  const topic = new Encoder().writeString('t').writeArray([partition, gone])
  return new Encoder().writeInt32(throttleMs).writeInt16(errorCode).writeInt32(0).writeArray([topic]).buffer
}

test('an answer, without a copy of its records', () => {
  const bytes = answerBytes(0)
  const { parts, throttleMs, sizeBytes } = decode(bytes)
  expect({ throttleMs, sizeBytes }).toEqual({ throttleMs: 0, sizeBytes: bytes.length })
  const unknown = { highWatermark: -1, lastStableOffset: -1, logStart: -1, aborted: [], records: Buffer.alloc(0) }
  expect(parts).toEqual([
    {
      ...{ topic: 't', partition: 3, errorCode: 0, highWatermark: 2 ** 40, lastStableOffset: 90, logStart: 5 },
      ...{ aborted: [{ producerId: 7, firstOffset: 100 }], records: Buffer.from('abcd') },
    },
    { topic: 't', partition: 4, errorCode: 1, ...unknown },
  ])
  expect(parts[0].records.buffer).toBe(bytes.buffer)
})

test('what the broker asks to wait is where kafkajs looks for it', () => {
  expect(decode(answerBytes(250)).clientSideThrottleTime).toBe(250)
})

test('an answer that is refused or cut short anywhere', () => {
  expect(() => decode(answerBytes(0, 71))).toThrow('the broker refuses to be read from: error 71')
  const bytes = answerBytes(0)
  for (let length = 0; length < bytes.length; length++)
    expect(() => decode(bytes.subarray(0, length))).toThrow('a fetch that is cut short')
})

test('a broker without version 11; one whose connection is lost is connected to again', async () => {
  let disconnected = 0
  const broker = (maxVersion: number) =>
    ({
      versions: { 1: { minVersion: 4, maxVersion } },
      connectionPool: {
        send: () => Promise.reject(Object.assign(new Error('x'), { name: 'KafkaJSRequestTimeoutError' })),
      },
      disconnect: async () => {
        disconnected++
      },
    }) as unknown as Broker
  const limits = { waitMsMax: 1, bytesMax: 1 }
  await expect(fetchRaw(broker(10), [part('t', 0, 0)], limits)).rejects.toThrow('speaks Fetch 4 to 10, not 11')
  await expect(fetchRaw(broker(17), [part('t', 0, 0)], limits)).rejects.toThrow('x')
  expect(disconnected).toBe(1)
})
