import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { RawRecord } from '../../edge/kafka/source-reader.ts'
import { RecordDecoder } from '../../edge/registry/record-decoder.ts'
import { EventEncoder } from '../../edge/registry/record-encoder.ts'
import type { Schemas } from '../../edge/registry/schemas.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { EngineError } from '../../model/errors.ts'
import { decodedBlocks } from './decoded.ts'

const [stream] = defaultConfig().streams
const T0 = Date.UTC(2026, 0)
const encoder = new EventEncoder(stream!)
const event = (timeMs: number, by = encoder): Buffer =>
  by.encodeEvent({ event_id: `e${timeMs}`, type: 'order.created', event_time: T0 + timeMs, order_id: 'O', quantity: 1 })
const record = (offset: number, timestampMs: number, value: Buffer | null): RawRecord => ({
  offset,
  timestampMs: timestampMs < 0 ? timestampMs : T0 + timestampMs,
  key: null,
  value,
})

async function decoded(
  pieces: readonly (readonly RawRecord[])[],
  untilMs = Number.POSITIVE_INFINITY,
  schemas: Schemas | null = null,
) {
  const bad: string[] = []
  const times: number[] = []
  let [read, asked] = [0, 0]
  async function* from() {
    for (const piece of pieces) {
      asked += 1
      yield piece
    }
  }
  const blocks = decodedBlocks(from(), {
    decoder: new RecordDecoder(stream!, schemas),
    builder: new BlockBuilder(stream!, stream!.topic, 0),
    untilMs: T0 + untilMs,
    onBad: ({ offset }, reason) => bad.push(`${offset} ${reason.split(':', 1)[0]}`),
    onRead: (offset) => {
      read = offset
    },
  })
  for await (const block of blocks) times.push(...block.timesMs.map((timeMs) => timeMs - T0))
  return { times, bad, read, asked }
}

test('records that are none are passed over, also one that was ahead of its own record', async () => {
  const aheadMs = stream!.maxAheadMs + 1
  const piece = [
    record(3, 1_000, event(1_000)),
    record(4, 1_000, Buffer.from('{}')),
    record(5, 1_000, event(1_000 + aheadMs)),
    record(6, -1, event(2_000 + aheadMs)),
    record(9, 5_000, null),
  ]
  expect(await decoded([piece])).toEqual({
    times: [1_000, 2_000 + aheadMs],
    bad: ['4 BAD_MAGIC', '5 FUTURE_TIME', '9 MALFORMED'],
    read: 10,
    asked: 1,
  })
})

test('it ends behind the first event at the end of the range or later, and asks for no more', async () => {
  const pieces = [[1_000, 3_000], [2_999, 2_500], [4_000]].map((times, i) =>
    times.map((timeMs, j) => record(2 * i + j, timeMs, event(timeMs))),
  )
  expect(await decoded(pieces, 3_001)).toMatchObject({ times: [1_000, 3_000, 2_999, 2_500, 4_000], asked: 3 })
  expect(await decoded(pieces, 3_000)).toMatchObject({ times: [1_000, 3_000], read: 2, asked: 1 })
})

test('with a registry: an id that it does not know is passed over, one that is away ends the reading', async () => {
  const schemas: Schemas = {
    async byId(id) {
      if (id === 8) throw new EngineError('REGISTRY_UNREACHABLE', 'the registry is away')
      return id === 7 ? stream!.avro : null
    },
    register: async () => 1,
  }
  const written = (offset: number, id: number) => record(offset, 1_000, event(1_000, new EventEncoder(stream!, id)))
  const until = Number.POSITIVE_INFINITY
  expect(await decoded([[written(0, 7), written(1, 9)]], until, schemas)).toMatchObject({
    times: [1_000],
    bad: ['1 UNKNOWN_SCHEMA'],
  })
  await expect(decoded([[written(0, 7)], [written(1, 8)]], until, schemas)).rejects.toThrow('the registry is away')
})
