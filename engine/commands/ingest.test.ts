import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { openDatabase } from '../edge/local/database.ts'
import { LOG_FILE } from '../edge/local/local-log.ts'
import { LogReader } from '../edge/local/reader.ts'
import { eachRange } from '../model/batch.ts'
import type { Batch } from '../model/block.ts'
import { addDlq } from './dlq.ts'
import { addIngest } from './ingest.ts'
import { runVerb } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-ingest-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams } = defaultConfig()
const order = (n: number) =>
  JSON.stringify({ event_id: `e${n}`, type: 'order.created', event_time: 1_767_225_600_000 + n, shop_id: 'S1' })

function fileOf(name: string, ...lines: string[]): string {
  const path = join(root, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

test('several files one after the other; what cannot be read is in dlq, with its place', async () => {
  const data = join(root, 'several')
  const first = fileOf('a.jsonl', order(1), 'garb\u001bage', order(2))
  const second = fileOf('b.csv', 'event_id,type,event_time', 'e3,order.created,soon', 'e4,order.created,1767225600004')
  const { code, err } = await runVerb(addIngest, 'ingest', first, second, '--data', data)
  expect([code, err.split('\n').at(-2)]).toEqual([
    0,
    '3 events appended, 0 too far in the future, 2 malformed; what was set aside: lapwing dlq',
  ])
  const dlq = await runVerb(addDlq, 'dlq', '--data', data, '--reason', 'MALFORMED')
  expect(dlq.out.split('\n')).toEqual([
    `MALFORMED       ${second}:2  "event_time" is no time: "soon": e3,order.created,soon`,
    `MALFORMED       ${first}:2  not JSON: garb\\u001bage`,
    '',
  ])
})

test('of a file that is something else the first thousand are kept, each time', async () => {
  const data = join(root, 'else')
  const input = fileOf('else.jsonl', ...Array.from({ length: 1_200 }, () => 'x'))
  const { err } = await runVerb(addIngest, 'ingest', input, '--data', data)
  expect(err).toContain('0 events appended, 0 too far in the future, 1200 malformed')
  const again = await runVerb(addIngest, 'ingest', input, '--data', data, '--json')
  expect(JSON.parse(again.out)).toEqual({
    ...{ appended: 0, late: 0, ahead: 0, malformed: 1_200, from: null, to: null },
    unknown_fields: [],
  })
  const { out } = await runVerb(addDlq, 'dlq', '--data', data, '--limit', '5000', '--json')
  expect(out.trim().split('\n')).toHaveLength(2_000)
})

test('nothing is appended where a file is missing, or where no engine would read it', async () => {
  const data = join(root, 'nothing')
  const there = fileOf('there.jsonl', order(1))
  const missing = await runVerb(addIngest, 'ingest', there, join(root, 'gone.jsonl'), '--data', data)
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('gone.jsonl: no such file or folder')])
  expect(await runVerb(addDlq, 'dlq', '--data', data)).toMatchObject({ code: 2 })
  const config = fileOf('kafka.yaml', "log: { kind: kafka, brokers: ['127.0.0.1:1'] }")
  const kafka = await runVerb(addIngest, 'ingest', there, '-c', config)
  expect([kafka.code, kafka.err]).toEqual([2, expect.stringContaining('the configured log is Kafka')])
})

test('a name that is no field is said once, with the field that may have been meant, and counted', async () => {
  const csv = fileOf(
    'wrong.csv',
    'event_id,type,event_time,shopid',
    ...[1, 2].map((n) => `f${n},order.created,${1_767_225_600_000 + n},S`),
  )
  const jsonl = fileOf('wrong.jsonl', order(1), order(2).replace('shop_id', 'colour'), order(3).replace('"S1"', 'null'))
  const { code, err } = await runVerb(addIngest, 'ingest', csv, jsonl, '--data', join(root, 'wrong'))
  expect([code, err.split('\n')]).toEqual([
    0,
    [
      `${csv}:2: "shopid" is not a field of transactions, and is passed over: did you mean "shop_id"?`,
      `${jsonl}:2: "colour" is not a field of transactions, and is passed over`,
      'event time from 2026-01-01T00:00:00.001Z to 2026-01-01T00:00:00.003Z',
      '5 events appended, 0 too far in the future, 0 malformed',
      'values passed over, of what is no field: shopid of transactions 2, colour of transactions 1',
      '',
    ],
  ])
})

test('streams that take turns stand in one record, in the order of the file, without what is too far ahead', async () => {
  const data = join(root, 'turns')
  const view = (n: number) => order(n).replace('order.created', 'item.viewed')
  const future = order(9).replace(/"event_time":\d+/, `"event_time":${Date.now() + 86_400_000}`)
  const input = fileOf('turns.jsonl', order(50), view(20), future, view(30), order(70), view(500))
  const { err } = await runVerb(addIngest, 'ingest', input, input, '--data', data)
  expect(err).toContain('10 events appended, 2 too far in the future, 0 malformed')
  const db = openDatabase(join(data, LOG_FILE))
  const read = new LogReader(db, streams).after(-1)!
  db.close()
  const rows = read.records.map(({ entry }) => {
    const said: string[] = []
    eachRange(entry as Batch, ({ stream, timesMs, offsets }, from, to) => {
      for (let i = from; i < to; i++) said.push(`${stream[0]}${timesMs[i]! - 1_767_225_600_000}@${offsets[i]}`)
    })
    return said.join(' ')
  })
  expect(rows).toEqual(['t50@0 b20@0 b30@1 t70@1 b500@2', 't50@2 b20@3 b30@4 t70@3 b500@5'])
})

test('where alerts feed lists, a record of the log holds 100 ms', async () => {
  const burst = `rule: burst
version: 1
title: An order
on: order.created
by: [shop_id]
window: 1h
measure: { orders: { count: events } }
when: orders >= 1
severity: low
`
  const fed = `${burst}---\nlist: fed\nkind: watch\nof: string\nsource: { alerts: burst }\n`
  const input = fileOf('spans.jsonl', ...Array.from({ length: 120 }, (_, i) => order(i * 50)))
  const recordsOf = async (rules: string) => {
    const data = mkdtempSync(join(root, 'spans-'))
    const config = fileOf('lapwing.yaml', `data: ${data}`, `rules: [${fileOf('rules.yaml', rules)}]`)
    expect((await runVerb(addIngest, 'ingest', input, '-c', config)).code).toBe(0)
    const db = openDatabase(join(data, LOG_FILE))
    const count = db.prepare('SELECT count(*) FROM log').pluck().get()
    db.close()
    return count
  }
  expect([await recordsOf(burst), await recordsOf(fed)]).toEqual([1, 60])
})

test('the span of event times is told, and what comes late; an input that is mostly late is an error', async () => {
  const data = join(root, 'late')
  const hour = 3_600_000
  const told = await runVerb(
    addIngest,
    'ingest',
    fileOf('l.jsonl', order(hour), order(0), order(hour + 1)),
    '--data',
    data,
  )
  expect([told.code, told.err.split('\n')]).toEqual([
    0,
    [
      'event time from 2026-01-01T00:00:00.000Z to 2026-01-01T01:00:00.001Z',
      '3 events appended (1 of them late: an engine drops them), 0 too far in the future, 0 malformed',
      '',
    ],
  ])
  const old = await runVerb(addIngest, 'ingest', fileOf('old.jsonl', order(1), order(2)), '--data', data)
  expect([old.code, old.err]).toEqual([1, expect.stringContaining('most events are late')])
})
