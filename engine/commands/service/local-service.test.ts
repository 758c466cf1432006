import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { Outputs } from '../../edge/local/outputs.ts'
import type { Block } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import { LocalService } from './local-service.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-service-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams, ...rest } = defaultConfig(root)
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000
const RECORDS = 5
const files = [
  {
    path: 'burst.yaml',
    text: `rule: burst
version: 1
title: many orders
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events } }
when: orders >= 2
severity: high
alert: { cooldown: 1s }
`,
  },
]

/** Two buyers, one order each every 10 s; the first one has two every third time. */
function blockOf(i: number): Block {
  const rows = Array.from({ length: i % 3 === 0 ? 3 : 2 }, (_, k) => ({
    offset: k,
    timeMs: T0 + i * 40_000 + k,
    type: 'order.created',
    buyer_id: `B${k % 2}`,
    event_id: `E${i}-${k}`,
  }))
  return blockFromRows(transactions, { topic: 'orders', partition: 0 }, rows)
}

interface Line {
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

async function open(data: string) {
  const lines: Line[] = []
  const tell = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message })
  const logger = { debug: tell, info: tell, warn: tell, error: tell }
  const config = { ...rest, streams, data, snapshots: { everyMs: 3_600_000, records: RECORDS } }
  const service = await LocalService.open({ config, files, logger, mayMark: () => false })
  service.start()
  const feed = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      await service.log.writer.append([blockOf(i)])
      await service.caughtUp()
    }
  }
  return { service, lines, feed, takenUp: lines.find(({ message }) => message === 'state taken up')?.fields }
}

function alertsIn(data: string): readonly string[] {
  const outputs = Outputs.open(data)
  const found = outputs.newest('alerts', 1_000)
  outputs.close()
  return found
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

test('a killed service goes on from its snapshot, reads only what stands behind it, and makes what it would have', async () => {
  const data = join(root, 'undisturbed')
  const { service, feed } = await open(data)
  await feed(0, 4) // with the rules that is the fifth record
  await until(() => service.counters.total('snapshots_total') === 1)
  await feed(4, 7)
  const [killed, damaged] = [join(root, 'killed'), join(root, 'damaged')]
  cpSync(data, killed, { recursive: true })
  cpSync(data, damaged, { recursive: true })
  await feed(7, 12)
  await service.stop()
  const expected = alertsIn(data)
  expect(expected.length).toBeGreaterThan(10)

  const again = await open(killed)
  expect(again.takenUp).toMatchObject({ position: 7, snapshot: 'snapshot-000000000001.manifest', records: 3 })
  expect(again.service.counters.total('events_total')).toBe(0)
  await again.feed(7, 12)
  await again.service.stop()
  expect(alertsIn(killed)).toEqual(expected)

  const folder = join(damaged, 'snapshots')
  const pages = join(folder, readdirSync(folder).find((name) => name.endsWith('.data'))!)
  const bytes = readFileSync(pages)
  bytes[bytes.length >> 1] ^= 1
  writeFileSync(pages, bytes)
  const rebuilt = await open(damaged)
  const refused = rebuilt.lines.filter(({ fields }) => fields.file === 'snapshot-000000000001.manifest')
  expect(refused.map(({ fields, message }) => [fields.code, fields.reason, message])).toEqual([
    ['STATE_CORRUPT', 'checksum', expect.stringMatching(/^snapshot refused: pages-\d+\.data is damaged between/)],
  ])
  expect(rebuilt.takenUp).toMatchObject({ position: 7, snapshot: null })
  expect(rebuilt.service.counters.total('snapshots_refused_total')).toBe(1)
  await rebuilt.feed(7, 12)
  await rebuilt.service.stop()
  expect(alertsIn(damaged)).toEqual(expected)

  // an orderly end leaves a snapshot of the end
  const last = await open(data)
  expect(last.takenUp).toMatchObject({ position: 12, records: 0 })
  await last.service.stop()
})

test('a folder that cannot be written: said and counted, and the service goes on', async () => {
  const data = join(root, 'refusing')
  const { service, feed, lines } = await open(data)
  writeFileSync(join(data, 'snapshots'), 'a file where the folder should be')
  await feed(0, 6)
  await until(() => service.counters.total('snapshot_failures_total') > 0)
  expect(lines.find(({ message }) => message.startsWith('no snapshot was written'))).toBeDefined()
  await feed(6, 8)
  expect(alertsIn(data).length).toBeGreaterThan(3)
  await service.stop()
  const again = await open(data)
  expect(again.takenUp).toMatchObject({ position: 8, snapshot: null })
  await again.service.stop()
})
