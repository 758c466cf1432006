import { expect, test } from 'vitest'
import { BlockBuilder } from '../../../model/block-builder.ts'
import { Counters } from '../../../model/counters.ts'
import type { AlertRecord, Output } from '../../../model/output.ts'
import { compileRuleSet } from '../../../rules/index.ts'
import { Task } from '../../../task/task.ts'
import { OutputDecoder } from '../output-decoder.ts'
import { OutputEncoder } from '../record-encoder.ts'
import { decoderFor } from './decoder-for.ts'
import { BY_STATUS, orderStream } from './testing.ts'

const NOON_MS = Date.UTC(2026, 0, 5, 12)
const RULE = `rule: fast_buyer
version: 1
title: three paid orders
on: payment.captured
by: [buyer_id]
window: 10m
measure: { n: { count: events }, total: { sum: amount } }
when: n >= 3
severity: low
alert: { explain: "{key.buyer_id}: {n} orders, {total}", evidence: { events: 5, fields: [order_id] } }
`

test('updates of a table, several in one message, raise an alert; it says whole offsets', () => {
  const stream = orderStream('canal', BY_STATUS)
  const compiled = compileRuleSet([{ path: 'r.yaml', text: RULE }], { streams: [stream] })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const paid = (...ids: string[]) => ({
    data: ids.map((id) => ({ id, buyer_id: 'B1', amount: '10.50', status: 'paid' })),
    old: ids.map(() => ({ status: 'new' })),
    database: 'shop',
    table: 'orders',
    type: 'UPDATE',
    es: NOON_MS,
    isDdl: false,
  })
  const decoder = decoderFor(stream, null, new Counters())
  const builder = new BlockBuilder(stream, stream.topic, 0)
  for (const [i, message] of [paid('900719925474099301'), paid('2', '3')].entries()) {
    const bytes = Buffer.from(JSON.stringify(message))
    expect(decoder.decode(bytes, 0, bytes.length, builder, 17 + i, NOON_MS)).toBeNull()
  }
  const task = new Task({ streams: [stream], counters: new Counters(), finite: true })
  task.install(compiled.set)
  const outputs: Output[] = []
  const sink = { output: (output: Output) => void outputs.push(output), change: () => {} }
  task.process({ position: 0, entry: builder.build() }, sink)
  task.finish('drained', sink)
  const alert = outputs.find((output): output is AlertRecord => output.kind === 'alert')!
  expect(alert.explain).toBe('B1: 3 orders, 31.5')
  expect(alert.source).toEqual({ topic: 'shop.orders', partition: 0, offset: 18 })
  expect(alert.evidence!.events.map(({ event_id, offset, order_id }) => [event_id, offset, order_id])).toEqual([
    ['shop.orders/0/17', 17, '900719925474099301'],
    ['shop.orders/0/18', 18, '2'],
    ['shop.orders/0/18#2', 18, '3'],
  ])
  const written = new OutputDecoder('alert').decode(new OutputEncoder().encodeAlert(alert)) as { source: unknown }
  expect(written.source).toMatchObject({ offset: 18 })
})
