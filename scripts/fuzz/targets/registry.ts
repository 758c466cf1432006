import { ORDER_AVRO, orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import { RecordDecoder } from '../../../engine/edge/registry/record-decoder.ts'
import { RecordEncoder } from '../../../engine/edge/registry/record-encoder.ts'
import { answerOf } from '../../../engine/edge/registry/rest.ts'
import { ConfluentSchemas } from '../../../engine/edge/registry/schemas.ts'
import { BlockBuilder } from '../../../engine/model/block-builder.ts'
import { EngineError } from '../../../engine/model/errors.ts'
import type { Target } from '../target.ts'
import { namedBy } from './engine-errors.ts'
import { NOON_MS, WORDS } from './topics.ts'

const URL = 'http://127.0.0.1:8081'
const stream = orderStream('avro')
const MONEY = { type: 'fixed', name: 'x.Money', size: 4 }
const BOX = { type: 'record', name: 'x.Box', fields: [{ name: 'money', type: ['null', 'x.Money'] }] }
const reference = (name: string) => ({ name, subject: name, version: 1 })
const withPaid = (type: unknown) => ({ ...ORDER_AVRO, fields: [...ORDER_AVRO.fields, { name: 'paid', type }] })
const answer = (schema: unknown, references: unknown[] = []) => JSON.stringify({ schema: JSON.stringify(schema), references }) // biome-ignore format: one text
const record = new RecordEncoder(withPaid(['null', MONEY]), 7).encode({
  ...{ type: 'order.created', event_time: NOON_MS, order_id: 'O1', buyer_id: 'B1', amount: null, pieces: 1 },
  ...{ gift: null, note: null, paid: null },
})

/** One answer a line: the first is that of the schema's id, those that follow are of what it refers to. */
const SEEDS = [
  [answer(withPaid(['null', MONEY]))],
  [answer(withPaid(['null', 'x.Money']), [reference('x.Money')]), answer(MONEY)],
  [answer(withPaid('x.Box'), [reference('x.Box')]), answer(BOX, [reference('x.Money')]), answer(MONEY)],
  ['{"error_code":40403,"message":"Schema not found"}'],
] // biome-ignore format: one list a line

/** What a schema registry answers, up to a reader of the records of that schema. */
export const registry: Target = {
  seeds: SEEDS.map((lines) => Buffer.from(lines.join('\n'))),
  words: [
    ...[...WORDS, 'record', 'array', 'map', 'fixed', 'enum', 'string', 'long', 'bytes', 'x.Money', 'Order', 'Money'],
    ...[
      'type',
      'name',
      'fields',
      'items',
      'values',
      'size',
      'symbols',
      'schema',
      'references',
      'subject',
      'error_code',
    ],
  ],
  async read(bytes) {
    const lines = bytes.toString().split('\n')
    let asked = 0
    const ask = async () => {
      const text = lines[Math.min(asked++, lines.length - 1)]
      const status = text.includes('"error_code":404') ? 404 : 200
      return answerOf(status, text, (what) => new EngineError('REGISTRY_UNREACHABLE', what))
    }
    const decoder = new RecordDecoder(stream, new ConfluentSchemas(URL, { url: URL, ask }))
    const builder = new BlockBuilder(stream, stream.topic, 0)
    await decoder.prepare(record, 0, record.length)
    const letter = decoder.decode(record, 0, record.length, builder, 1, null)
    return { count: builder.length, digest: `${asked} ${letter ? `${letter.reason}: ${letter.detail}` : 'a row'}` }
  },
  named: namedBy('REGISTRY_UNREACHABLE'),
}
