import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { LocalLog } from '../../edge/local/local-log.ts'
import { blocksIn } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'
import { cellAt } from '../../model/column.ts'
import type { AlertRecord, Output, RankingRecord } from '../../model/output.ts'
import { Recent } from './recent.ts'
import { TrafficFeed } from './traffic-feed.ts'
import { lineOf, newsOf } from './view.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-dev-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams } = defaultConfig(root)
const HOUR_MS = 3_600_000
const uncut = (batch: Batch) => [batch]
const NOW_MS = Date.UTC(2026, 0, 5, 12)

async function idsIn(log: LocalLog): Promise<string[]> {
  const ids: string[] = []
  for await (const records of log.past(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))
    for (const { stream, columns, length } of records.flatMap(({ entry }) => blocksIn(entry))) {
      const at = streams.find((s) => s.name === stream)!.fields.findIndex((f) => f.name === 'event_id')
      for (let i = 0; i < length; i++) ids.push(String(cellAt(columns[at]!, i)))
    }
  return ids
}

describe('the traffic feed', () => {
  let folders = 0
  const open = (folder = join(root, String(folders++))) => ({ folder, log: new LocalLog(folder, streams) })
  test('plays the past hour in chunks, then goes on', () => {
    const { log } = open()
    const feed = new TrafficFeed(log.writer, streams, 1, NOW_MS)
    expect(feed.untilMs).toBe(NOW_MS - HOUR_MS)
    expect(feed.feed(NOW_MS, uncut)).toBe(false)
    expect(feed.playing).toEqual({ what: 'playing the past hour', share: 10 / 3_600 })
    expect(feed.untilMs).toBe(NOW_MS - HOUR_MS + 10_000)
    while (!feed.feed(NOW_MS, uncut));
    expect(feed.playing).toBeNull()
    expect(log.writer.streamMs).toBeGreaterThan(NOW_MS - 10_000)
    expect(log.writer.streamMs).toBeLessThan(NOW_MS)
    log.close()
  })
  test('stopped anywhere and started again, it makes the same events, each once', async () => {
    const ends = [90_000, 95_000, 130_000, 131_000]
    const runs = [[ends.at(-1)!], ends]
    const [whole, cut] = await Promise.all(
      runs.map(async (stops) => {
        const { folder, log: first } = open()
        first.close()
        for (const stop of stops) {
          const { log } = open(folder)
          // as at the very first start, it begins an hour before
          const feed = new TrafficFeed(log.writer, streams, 1, NOW_MS + HOUR_MS)
          while (!feed.feed(NOW_MS + stop, uncut));
          log.close()
        }
        const { log } = open(folder)
        const ids = await idsIn(log)
        log.close()
        return ids.sort()
      }),
    )
    expect(whole!.length).toBeGreaterThan(1_000)
    expect(cut).toEqual(whole)
  })
  test('a long pause is not made up for, and ids stay unique', async () => {
    const { folder, log } = open()
    const feed = new TrafficFeed(log.writer, streams, 1, NOW_MS)
    feed.feed(NOW_MS, uncut)
    log.close()
    const { log: again } = open(folder)
    const later = new TrafficFeed(again.writer, streams, 1, NOW_MS + 9 * HOUR_MS)
    expect(later.untilMs).toBe(NOW_MS + 8 * HOUR_MS)
    later.feed(NOW_MS + 9 * HOUR_MS, uncut)
    const ids = await idsIn(again)
    expect(new Set(ids).size).toBe(ids.length)
    again.close()
  })
})

describe('what the view shows', () => {
  const alert = (n: number) =>
    ({ kind: 'alert', status: 'open', alert_id: String(n), severity: 'high', explain: '' }) as unknown as AlertRecord
  const ranking = (as_of: number, score: number, per = 'C') =>
    ({
      kind: 'ranking',
      ranking: 'hot',
      as_of,
      per: { c: per },
      items: [{ id: 'I', score }],
    }) as unknown as RankingRecord
  const committed = (outputs: readonly Output[], latencyMs = 5) => ({
    commit: { position: 1, outputs, changes: new Map() },
    events: 30,
    latencyMs,
    isLive: true,
    atMs: 0,
  })
  test('newest alerts first, rates over three seconds, percentiles of what happens now', () => {
    const recent = new Recent()
    recent.take(committed([alert(0)], 999), 0, false)
    for (let n = 1; n <= 100; n++) recent.take(committed([alert(n)], n), 10_000, true)
    expect(recent.alerts[0]!.alert_id).toBe('100')
    expect([recent.alertsTotal, recent.eventsTotal, recent.alerts.length]).toEqual([101, 3_030, 100])
    expect(recent.latency()).toEqual({ p50: 51, p99: 100 })
    expect(recent.eventsPerSecond(12_000)).toBe(1_000)
    expect(recent.eventsPerSecond(13_000)).toBe(0)
  })
  test('the hottest of the latest rankings', () => {
    const recent = new Recent()
    for (const r of [ranking(1, 50, 'A'), ranking(2, 10, 'B'), ranking(2, 30, 'C'), ranking(2, 20, 'D')])
      recent.takeRanking(r)
    expect(recent.hot?.per).toEqual({ c: 'C' })
  })
  test('what is new for those without a terminal: the newest alerts, and how many came before them', () => {
    const recent = new Recent()
    const timed = (n: number) => ({ ...alert(n), event_time: n * 1_000, rule: 'burst', explain: `alert ${n}` })
    recent.take(committed([0, 1, 2].map(timed)), 0, true)
    expect(newsOf(recent, 1)).toEqual([
      '  1970-01-01T00:00:01.000Z high     burst: alert 1',
      '  1970-01-01T00:00:02.000Z high     burst: alert 2',
    ])
    recent.take(committed([3, 4, 5, 6].map(timed)), 0, true)
    expect([newsOf(recent, 0).length, newsOf(recent, 0)[0], newsOf(recent, 7)]).toEqual([6, '  2 alerts, then', []])
  })
  test('a line for those without a terminal', () => {
    const standing = {
      recent: new Recent(),
      streamMs: Number.NEGATIVE_INFINITY,
      openAlerts: 0,
      playing: { what: 'catching up', share: 0.428 },
      footer: '',
    }
    expect(lineOf(standing, 0)).toBe(
      '0 events, 0 events/s, 0 alerts (0 open), no live alert yet, no event yet, catching up, 42%',
    )
  })
})
