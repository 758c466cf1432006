import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crashTest } from './crash.ts'

test('killed three times while it reads, the engine puts out what it would have, each record once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-crash-'))
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const seed = Date.now() % 1_000
  const options = { folder, times: 3, seed, minutes: 20, ordersPerSecond: 2, lifeMs: 800, log }
  const result = await crashTest(options)
  expect(result, lines.join('\n')).toMatchObject({ ok: true, repeated: [], differences: [], kills: 3 })
  expect(result.eventsInLog).toBe(result.events)
  expect(result.alertRecords + result.rankings).toBeGreaterThan(100)
  rmSync(folder, { recursive: true })
}, 60_000)
