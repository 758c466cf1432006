import { describe, expect, test } from 'vitest'
import { offsetOfRow } from '../../../model/source-position.ts'
import { APPEND_ONLY, BY_STATUS, orderStream, readAll } from './testing.ts'

const NOON_MS = Date.UTC(2026, 0, 5, 12)
const created = {
  type: 'order.created',
  event_time: NOON_MS,
  order_id: '1001',
  buyer_id: 'B1',
  amount: 10.5,
  gift: true,
}

describe('canal 1.1.7, flat messages', () => {
  const byStatus = orderStream('canal', BY_STATUS)
  const row = (id: string, status: string) => ({ id, buyer_id: 'B1', amount: '10.50', gift: '1', status })
  const message = (type: string, data: unknown, old: unknown = null, more: object = {}) => ({
    data,
    database: 'shop',
    es: NOON_MS,
    gtid: '',
    id: 9,
    isDdl: false,
    mysqlType: {
      id: 'bigint',
      buyer_id: 'varchar(64)',
      amount: 'decimal(10,2)',
      gift: 'tinyint(1)',
      status: 'varchar(16)',
    },
    old,
    pkNames: ['id'],
    sql: '',
    sqlType: { id: -5, buyer_id: 12, amount: 3, gift: -7, status: 12 },
    table: 'orders',
    ts: NOON_MS + 512,
    type,
    ...more,
  })

  test('all rows of a statement, at rising fractions of the offset', async () => {
    const { rows, offsets, bad } = await readAll(byStatus, [
      message('INSERT', [row('1001', 'new'), row('1234567890123456781', 'new')]),
      message('INSERT', [row('1003', 'new')]),
    ])
    expect(rows).toEqual([created, { ...created, order_id: '1234567890123456781' }, { ...created, order_id: '1003' }])
    expect(offsets).toEqual([0, offsetOfRow(0, 1), 1])
    expect(bad).toEqual([])
  })
  test('updates: only of a column that is among the old ones, with another value', async () => {
    const { rows, passed } = await readAll(byStatus, [
      message(
        'UPDATE',
        [row('1', 'paid'), row('2', 'paid'), row('3', '3')],
        [{ status: 'new' }, { amount: '9.00' }, { status: 'paid' }],
      ),
      message('UPDATE', [row('4', 'paid')], [row('4', 'paid')]), // old in full, unchanged
      message('UPDATE', [row('5', 'held')], [{ status: 'new' }]),
      message('UPDATE', [row('6', 'paid')], null),
      message('DELETE', [row('7', 'paid')]),
    ])
    expect(rows.map((one) => [one.type, one.order_id])).toEqual([
      ['payment.captured', '1'],
      ['item.delivered', '3'],
      ['order.removed', '7'],
    ])
    expect(passed).toEqual({ update: 3, update_before_unknown: 1 })
  })
  test('one bad row makes the record a dead letter, whole; what was passed over in it is not counted', async () => {
    const rows = [row('1', 'paid'), row('2', 'other'), { ...row('3', 'paid'), amount: 'ten' }]
    const old = rows.map(() => ({ status: 'new' }))
    const read = await readAll(byStatus, [message('INSERT', [row('0', 'new')]), message('UPDATE', rows, old)])
    expect(read.rows).toHaveLength(1)
    expect(read.bad).toEqual(['MALFORMED: row 3 of 3: "amount" is no decimal that fits: "ten"'])
    expect(read.passed).toEqual({})
  })
  test('statements, other tables, marks of TiCDC', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      message('ALTER', null, null, { isDdl: true, sql: 'ALTER TABLE orders ADD x INT' }),
      message('QUERY', null),
      message('TRUNCATE', null, null, { isDdl: true }),
      message('INSERT', [row('1', 'new')], null, { table: 'users' }),
      message('TIDB_WATERMARK', null),
    ])
    expect([rows, bad, passed]).toEqual([[], [], { ddl: 3, other_table: 1, heartbeat: 1 }])
  })
  test('without es the time of canal; 4,096 rows at most', async () => {
    const late = await readAll(byStatus, [message('INSERT', [row('1001', 'new')], null, { es: null })])
    expect(late.rows[0].event_time).toBe(NOON_MS + 512)
    const many = Array.from({ length: 4_097 }, () => ({ id: '1' }))
    const { rows, bad } = await readAll(byStatus, [message('INSERT', many.slice(1)), message('INSERT', many)])
    expect([rows.length, bad]).toEqual([4_096, ['OVERSIZED: 4097 rows, at most 4096']])
  })
  test('dead letters', async () => {
    const { bad } = await readAll(byStatus, [
      message('INSERT', null),
      message('INSERT', [3]),
      message('UPSERT', []),
      message('INSERT', [row('1', 'new')], null, { table: null }),
      message('INSERT', [row('1', 'new')], null, { es: 0, ts: 'x' }),
    ])
    expect(bad).toEqual([
      'MALFORMED: "data" is no list',
      'MALFORMED: "data" holds something else than objects, at 1',
      'MALFORMED: "type" is no change: "UPSERT"',
      'MALFORMED: it does not say which table it is about',
      'NO_TIME: no "event_time"',
    ])
  })
})

describe('Maxwell 1.4x', () => {
  const byStatus = orderStream('maxwell', BY_STATUS)
  const row = (status: string) => ({ id: 1001, buyer_id: 'B1', amount: 10.5, gift: 1, status })
  const record = (type: string, data: unknown, more: object = {}) => ({
    database: 'shop',
    table: 'orders',
    type,
    ts: NOON_MS / 1_000,
    xid: 940752,
    commit: true,
    data,
    ...more,
  })

  test('inserts, updates by a column, deletes', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      record('insert', row('new')),
      record('update', row('paid'), { old: { status: 'new' } }),
      record('update', row('paid'), { old: { amount: 9 } }),
      record('update', row('3'), { old: { status: null } }),
      record('delete', row('3'), { commit: undefined, xoffset: 1 }),
    ])
    expect(rows).toEqual(
      ['order.created', 'payment.captured', 'item.delivered', 'order.removed'].map((type) => ({ ...created, type })),
    )
    expect([bad, passed]).toEqual([[], { update: 1 }])
  })
  test('bootstraps: their rows as a snapshot, their marks passed over; statements too', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      record('bootstrap-start', {}),
      record('bootstrap-insert', { ...row('new'), updated_at: '2026-01-05 11:00:00' }),
      record('bootstrap-insert', row('new')),
      record('bootstrap-complete', {}),
      { type: 'table-alter', database: 'shop', table: 'orders', old: {}, def: {}, ts: NOON_MS, sql: 'ALTER TABLE …' },
      { type: 'database-create', database: 'other', ts: NOON_MS },
    ])
    expect(rows).toEqual([{ ...created, event_time: NOON_MS - 3_600_000 }])
    expect([bad, passed]).toEqual([[], { bootstrap_mark: 2, snapshot_without_time: 1, ddl: 2 }])
  })
  test('a table of events, with long ids as numbers', async () => {
    const text = `{"database":"shop","table":"events","type":"insert","ts":1767614400,"xid":1,"commit":true,"data":{"type":"order.created","event_time":${NOON_MS},"order_id":1234567890123456781}}`
    const { rows } = await readAll(orderStream('maxwell', APPEND_ONLY), [text])
    expect(rows).toEqual([{ type: 'order.created', event_time: NOON_MS, order_id: '1234567890123456781' }])
  })
  test('dead letters', async () => {
    const { bad } = await readAll(byStatus, [
      record('upsert', row('new')),
      record('insert', null),
      record('insert', []),
    ])
    expect(bad).toEqual([
      'MALFORMED: "type" is no change: "upsert"',
      'MALFORMED: "data" is no object',
      'MALFORMED: "data" is no object',
    ])
  })
})
