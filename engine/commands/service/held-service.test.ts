import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { Outputs } from '../../edge/local/outputs.ts'
import type { Block, LogEntry, RuleSource } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { DEFAULT_LIMITS } from '../../model/limits.ts'
import { LocalService } from './local-service.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-held-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams, ...rest } = defaultConfig(root)
const transactions = streams.find((s) => s.name === 'transactions')!
const [event, buyer, shop] = ['event_id', 'buyer_id', 'shop_id'].map((name) =>
  transactions.fields.findIndex((f) => f.name === name),
) as [number, number, number]
const T0 = 1_767_225_600_000
const ROWS = 1_000
const RECORDS = 100

const rules = (limit: number, version: number): RuleSource[] => [
  {
    path: 'burst.yaml',
    text: `rule: burst
version: ${version}
title: many orders
on: order.created
by: [buyer_id]
window: 3h
measure: { orders: { count: events }, shops: { distinct: shop_id } }
when: orders % ${limit} == 0 && shops > 1
severity: high
alert: { cooldown: 1s, suspects: { of: shop_id, k: 2 } }
`,
  },
]

/** A thousand orders in two and a half minutes: the window holds some 72,000, memory 4,096. */
function blockOf(i: number): Block {
  const builder = new BlockBuilder(transactions, 'orders', 0)
  for (let k = 0; k < ROWS; k++) {
    const n = i * ROWS + k
    builder.begin(n, T0 + n * 150, 'order.created')
    builder.string(event, `E${n}`)
    builder.string(buyer, `B${n % 7}`)
    builder.string(shop, `S${n % 50}`)
  }
  return builder.build()
}

async function open(data: string, eventsInMemory: number) {
  const quiet = (): void => {}
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const limits = { ...DEFAULT_LIMITS, eventsInMemory }
  const config = { ...rest, streams, data, limits, snapshots: { everyMs: 3_600_000, records: 30 } }
  const service = await LocalService.open({ config, files: rules(900, 1), logger, mayMark: () => false })
  service.start()
  const append = async (...entries: LogEntry[]): Promise<void> => {
    await service.log.writer.append(entries)
    await service.caughtUp()
  }
  const feed = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      await append(blockOf(i))
      await sleep(0)
    }
  }
  return { service, feed, append }
}

function alertsIn(data: string): readonly string[] {
  const outputs = Outputs.open(data)
  const found = outputs.newest('alerts', 10_000)
  outputs.close()
  return found
}

test('with a window that memory cannot hold, killed and changed on the way, a service says what one in memory does', {
  timeout: 60_000,
}, async () => {
  const changed: LogEntry = { kind: 'rules', files: rules(700, 2) }
  const inMemory = join(root, 'memory')
  const whole = await open(inMemory, 10_000_000)
  await whole.feed(0, 80)
  await whole.append(changed)
  await whole.feed(80, RECORDS)
  await whole.service.stop()

  const data = join(root, 'files')
  const first = await open(data, 4_096)
  await first.feed(0, 60)
  expect(first.service.task.gauges.heldEvents).toBeGreaterThan(50_000)
  const gauge = (name: string) => first.service.gauges().find((g) => g.name === name)!.value
  expect(gauge('held_bytes') / gauge('held_events')).toBeLessThan(60)
  const killed = join(root, 'killed')
  cpSync(data, killed, { recursive: true })
  await first.service.stop()
  expect(existsSync(join(data, 'held'))).toBe(false)

  const again = await open(killed, 4_096)
  await again.feed(60, 80)
  await again.append(changed)
  expect(readdirSync(join(killed, 'held'))).toHaveLength(1)
  await again.feed(80, RECORDS)
  expect(again.service.counters.total('segments_written_total')).toBeGreaterThan(10)
  await again.service.stop()
  const expected = alertsIn(inMemory)
  expect(expected.length).toBeGreaterThan(100)
  expect(alertsIn(killed)).toEqual(expected)
})
