import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../config.ts'
import type { EngineError } from '../model/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-captured-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The stream `orders`, of the shipped schema, with more keys. */
function orders(more: string, types = 'types: [order.*, payment.captured, item.delivered]') {
  const known = 'schema: schemas/transaction.avsc, topic: shop.orders, time: event_time, type: type'
  writeFileSync(
    join(folder, 'lapwing.yaml'),
    `streams:\n  orders: { ${[known, types, more].filter(Boolean).join(', ')} }\n`,
  )
  return loadConfig({ folder }).streams[0]
}
function faults(more: string, types?: string): string[] {
  try {
    orders(more, types)
    return []
  } catch (error) {
    expect((error as EngineError).code).toBe('CONFIG_INVALID')
    return [...(error as Error).message.matchAll(/error\[.*/g)].map(([line]) => line)
  }
}

test('avro says nothing more; json only its format', () => {
  expect(orders('')).not.toHaveProperty('format')
  expect(orders('format: avro')).toEqual(orders(''))
  expect(orders('format: json')).toMatchObject({ format: 'json' })
  expect(orders('format: json')).not.toHaveProperty('captured')
})

test('a table of events: inserts and snapshots are events of their own type', () => {
  expect(orders('format: canal').captured).toEqual({
    table: null,
    insert: 'own',
    update: 'ignored',
    delete: 'ignored',
    snapshot: true,
    decimals: {},
  })
})

test('a table whose column says what happened', () => {
  const changes =
    '{ insert: order.created, update: { status: { paid: payment.captured, 3: item.delivered } }, delete: ignore, snapshot: ignore }'
  const stream = orders(`format: debezium, table: shop.orders, decimals: { amount: 2 }, changes: ${changes}`)
  expect(stream.captured).toEqual({
    table: 'shop.orders',
    insert: { type: 'order.created' },
    update: { column: 'status', types: { paid: 'payment.captured', 3: 'item.delivered' } },
    delete: 'ignored',
    snapshot: false,
    decimals: { amount: 2 },
  })
  const derived = orders(`format: maxwell, changes: ${changes}`, '')
  expect(derived.types.toSorted()).toEqual(['item.delivered', 'order.created', 'payment.captured'])
})

describe('faults', () => {
  test.each<[string, string[]]>([
    ['format: xml', ['error[wrong-value]: "streams.orders.format" must be avro, json, debezium, canal or maxwell']],
    [
      'table: a, changes: {}',
      [
        'error[wrong-value]: "table" is for debezium, canal and maxwell, not for avro',
        'error[wrong-value]: "changes" is for debezium, canal and maxwell, not for avro',
      ],
    ],
    ['format: canal, decimals: { amount: 2 }', ['error[wrong-value]: "decimals" is for debezium, not for canal']],
    [
      'format: debezium, decimals: { amout: 2 }',
      ['error[unknown-field]: "amout" is not a field of the schema, nor an alias of one'],
    ],
    ['format: canal, changes: { updat: x }', ['error[unknown-key]: "updat" is not a key in "streams.orders.changes"']],
    [
      'format: canal, changes: { snapshot: yes }',
      ['error[wrong-value]: "streams.orders.changes.snapshot" must be insert or ignore'],
    ],
    [
      'format: canal, changes: { update: { a: { x: order.paid }, b: { x: order.paid } } }',
      ['error[wrong-value]: "streams.orders.changes.update" must name one column'],
    ],
    [
      'format: canal, changes: { insert: ordr.created, update: { status: { paid: payment.refunded } } }',
      [
        'error[wrong-value]: "ordr.created" is none of the "types" of the stream',
        'error[wrong-value]: "payment.refunded" is none of the "types" of the stream',
      ],
    ],
  ])('%s', (more, expected) => expect(faults(more)).toEqual(expected))
  test('types that follow from the changes need all of them', () => {
    expect(faults('format: canal, changes: { update: order.changed }', '')).toEqual([
      'error[missing-key]: "changes" must say what an insert becomes, in "insert"',
    ])
    expect(faults('format: canal', '')).toEqual([
      'error[missing-key]: stream "orders" must say which types it carries, in "types"',
    ])
  })
})
