import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { DEFAULT_LIMITS } from '../../model/limits.ts'
import type { Output } from '../../model/output.ts'
import { compileOrRefuse } from '../compiled.ts'
import { FiniteInput } from '../finite/input.ts'
import { Labels } from '../finite/labels.ts'
import { overBudget } from './budget.ts'
import { Progress } from './progress.ts'
import { overTime } from './report/over-time.ts'
import { reportPage } from './report/page.ts'
import { type Run, runBacktest } from './run.ts'
import { settingsOf } from './sets.ts'
import { sweepJson, sweepRows, sweepTable } from './sweep.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-backtest-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams } = defaultConfig(root)
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 5)

const RULE = `rule: busy_shop
version: 1
title: A shop receives many orders
owner: test
on: order.created
by: [shop_id]
window: 10m
params: { limit: 2 }
measure: { orders: { count: events } }
when: orders >= params.limit
severity: high
alert: { explain: "{orders} orders" }
`
const files = [{ path: 'r.yaml', text: RULE }]
/** Shop A gets 2 orders on the first day and 2 on the second, B 3 on the first, <C> 1. */
const ORDERS = [['A', 0], ['A', 1], ['B', 60], ['B', 61], ['B', 62], ['<C>', 70], ['A', 1440], ['A', 1441]] as const // biome-ignore format: a table
const path = join(root, 'orders.jsonl')
const record = ([shop_id, minute]: readonly [string, number], n: number) => ({
  event_id: `e${n}`,
  type: 'order.created',
  event_time: START_MS + minute * 60_000,
  shop_id,
})
writeFileSync(path, ORDERS.map((order, n) => JSON.stringify(record(order, n))).join('\n'))

const quiet = new Progress({ write: () => true })
async function ran(
  limit: number,
  labels: Labels | null = null,
  range?: { fromMs: number; toMs: number },
): Promise<Run> {
  const { set } = compileOrRefuse(files, streams, { params: { busy_shop: { limit } } })
  return runBacktest({
    input: new FiniteInput({ input: path, ...(range ? { range } : {}) }, streams),
    streams,
    set,
    until: 'drained',
    measures: false,
    limits: DEFAULT_LIMITS,
    labels,
    isWanted: (_: Output) => false,
    writer: null,
    progress: quiet,
    what: '',
  })
}

test('a budget is for each rule and day', async () => {
  const { summary } = await ran(2)
  expect(overBudget(summary, 2)).toEqual([])
  expect(overBudget(summary, 1)).toEqual([{ rule: 'busy_shop@1', day: '2026-01-05', alerts: 2 }])
})

test('events of a time range, and no others', async () => {
  const run = await ran(2, null, { fromMs: START_MS + 60 * 60_000, toMs: START_MS + DAY_MS })
  expect([run.played.rows, run.summary.alerts]).toEqual([4, 1])
})

test('recall is of the labelled events that were read', async () => {
  const labels = new Labels(new Map(ORDERS.map((_, n) => [`e${n}`, { label: 'ring', group: `ring-${n}` }])))
  const run = await ran(2, labels, { fromMs: START_MS + 60 * 60_000, toMs: START_MS + DAY_MS })
  expect(run.scores[0]).toMatchObject({ label: 'ring', events: 4, flagged: 2, recall: 0.5, groups: 4 })
  expect(run.labelsLeftOut).toBe(4)
})

describe('a sweep', async () => {
  const settings = settingsOf(['limit=2,3'], compileOrRefuse(files, streams).set)
  const group = (n: number) => ({ label: n < 2 ? 'ring' : '0', group: n < 2 ? 'ring-0' : 'crowd-0' })
  const labels = new Labels(new Map(ORDERS.map((_, n) => [`e${n}`, group(n)])))
  const rows = sweepRows(settings, [await ran(2, labels.fresh()), await ran(3, labels.fresh())])

  test('alerts a day, keys, and how many of them other values find too', () => {
    const span = 1441 / 1440
    expect(sweepJson(rows)).toMatchObject([
      { limit: 2, alerts: 3, alerts_per_day: 3 / span, keys: 2, shared_keys: { 'limit=2': 2, 'limit=3': 1 } },
      { limit: 3, alerts: 1, keys: 1, shared_keys: { 'limit=2': 1, 'limit=3': 1 }, 'groups ring': '0/1' },
    ])
    expect(sweepTable(rows).split('\n')[0]!.split(/ {2,}/)).toEqual([
      'limit', 'alerts', 'per day', 'keys', 'abstained', 'recall ring', 'precision ring', 'recall any', 'precision any',
      'groups found', 'honest groups hit', 'also in 2', 'also in 3',
    ]) // biome-ignore format: names
  })

  test('a report is one page that fetches nothing and hides nothing from readers', () => {
    const page = reportPage(rows)
    expect(page).not.toMatch(/https?:|<script|<link|url\(/)
    const charts = page.match(/<svg[^>]*>/g)!
    expect(charts.length).toBeGreaterThanOrEqual(4) // alerts by setting, the curve, one a rule and setting
    for (const chart of charts) expect(chart).toMatch(/role="img" aria-label="[^"]+"/)
    expect(page).toContain('prefers-color-scheme: dark')
    expect(page).toMatch(/<th scope="row">limit=3<\/th>/)
    expect(page.match(/<table>/g)).toHaveLength(page.match(/<caption>/g)!.length)
    expect(reportPage(rows)).toBe(page)
  })
})

test('bars over time: empty stretches too, in a step that fits the span', () => {
  const hour = overTime([START_MS + 60_000, START_MS + 61_000], START_MS, START_MS + 3_600_000)
  expect([hour.unit, hour.bars.length, hour.bars[0]]).toEqual(['per 5 minutes', 13, { name: '00:00', value: 2 }])
  const month = overTime([START_MS], START_MS, START_MS + 30 * DAY_MS)
  expect([month.unit, month.bars.length, month.bars[0]!.name]).toEqual(['per day', 31, '2026-01-05'])
  expect(overTime([0], 0, 1e15).bars.length).toBeLessThanOrEqual(400)
})

describe('progress', () => {
  function shown(isTTY: boolean, stepMs: number) {
    let [text, nowMs] = ['', 0]
    const progress = new Progress({ isTTY, write: (t: string) => (text += t) }, () => nowMs)
    for (let i = 1; i <= 25; i++) {
      nowMs = i * stepMs
      progress.at(1_000 * i, i / 25, START_MS)
    }
    progress.end()
    return text
  }
  test('a line every ten seconds', () => {
    expect(shown(false, 1_000)).toBe(
      '40%, 10,000 events, 1,000 events/s, at 2026-01-05T00:00:00Z\n80%, 20,000 events, 1,000 events/s, at 2026-01-05T00:00:00Z\n',
    )
  })
  test('a bar on a terminal, gone at the end', () => {
    const text = shown(true, 1_000)
    expect(text).toContain('\r\x1b[K[#####...................] 20%, 5,000 events')
    expect(text.endsWith('\r\x1b[K')).toBe(true)
  })
})
