import avsc from 'avsc'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SchemaRegistry, startRegistry } from '../../../scripts/kafka/registry.ts'
import { testBroker } from '../../../scripts/kafka/test-broker.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { cellAt } from '../../model/column.ts'
import { streamFromAvro } from '../../model/testing.ts'
import { RecordDecoder } from './record-decoder.ts'
import { RegistryRest } from './rest.ts'
import { ConfluentSchemas } from './schemas.ts'

const broker = await testBroker() // only for whether there is Java and Maven

const record = (name: string, fields: object[]) => ({ type: 'record', name, namespace: 'shop', fields })
const money = { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 }
const price = record('Price', [{ name: 'net', type: money }])
const at = { name: 'at', type: 'long' }
const amount = (type: unknown) => ({ name: 'amount', type })

describe.skipIf('skip' in broker)('Apicurio Registry', () => {
  let registry: SchemaRegistry
  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(() => registry?.stop())

  test('schemas by record-name subjects, with references; ids that nobody knows; what is no registry', async () => {
    const rest = new RegistryRest(registry.url)
    await rest.look()
    const put = async (subject: string, schema: object, references: object[] = []) => {
      const body = { schemaType: 'AVRO', schema: JSON.stringify(schema), references }
      const { status, body: answer } = await rest.ask('POST', `subjects/${subject}/versions`, body)
      expect(status, JSON.stringify(answer)).toBe(200)
      return answer.id as number
    }
    await put('shop.Price', price)
    const order = record('Order', [at, { name: 'price', type: 'shop.Price' }, amount(money)])
    const id = await put('shop.Order', order, [{ name: 'shop.Price', subject: 'shop.Price', version: 1 }])

    const schemas = new ConfluentSchemas(registry.url)
    const stream = streamFromAvro({
      ...{
        name: 'orders',
        topic: 'orders',
        timeField: 'at',
        timeFormat: 'ms',
        idField: null,
        type: { fixed: 'order' },
      },
      ...{ types: [], latenessMs: 0, maxAheadMs: 0, dedupeMs: 0, determines: {} },
      avro: record('Order', [at, amount({ ...money, scale: 4 })]),
    })
    const whole = record('Order', [at, { name: 'price', type: price }, amount(money)])
    const value = { at: 1_767_614_400_000, price: { net: Buffer.from([1]) }, amount: Buffer.from([4, 0xe2]) }
    const bytes = Buffer.concat([Buffer.alloc(5), avsc.Type.forSchema(whole as never).toBuffer(value)])
    bytes.writeInt32BE(id, 1)
    const decoder = new RecordDecoder(stream, schemas)
    const builder = new BlockBuilder(stream, 'orders', 0)
    await decoder.prepare(bytes, 0, bytes.length)
    expect(decoder.decode(bytes, 0, bytes.length, builder, 0, null)).toBeNull()
    expect(builder.build().columns.map((column) => cellAt(column, 0))).toEqual([1_767_614_400_000, 12.5])

    expect(await schemas.byId(4_711, 'orders')).toBeNull()
    expect(await schemas.register('orders', stream.avro)).toBeGreaterThan(id)
    const elsewhere = new ConfluentSchemas(registry.url.replace('/apis/ccompat/v7', ''))
    await expect(elsewhere.byId(id, 'orders')).rejects.toThrow('is this the URL of a schema registry, with its path?')
    await registry.pause()
    await expect(new ConfluentSchemas(registry.url).byId(id, 'orders')).rejects.toThrow('ECONNREFUSED')
  })
})
