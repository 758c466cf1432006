import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { batchOf } from '../../model/batch.ts'
import { blockFromRows } from '../../model/column.ts'
import { DEFAULT_LIMITS } from '../../model/limits.ts'
import type { AlertRecord, Output } from '../../model/output.ts'
import { settingsOf } from '../backtest/sets.ts'
import { table } from '../backtest/table.ts'
import { compileOrRefuse } from '../compiled.ts'
import { withoutFuture } from '../future.ts'
import { FiniteInput, type InputOptions, type Until, untilOption } from './input.ts'
import { Labels, readLabels } from './labels.ts'
import { playFinite } from './play.ts'
import { mostlyLeftOut, Summary } from './summary.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-finite-'))
afterAll(() => rmSync(root, { recursive: true }))
let files = 0
function fileOf(lines: readonly (object | string)[]): string {
  const path = join(root, `${files++}.jsonl`)
  writeFileSync(path, lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n'))
  return path
}

const { streams } = defaultConfig(root)
const RULE = `rule: busy_shop
version: 1
title: A shop receives three orders
owner: test
mode: live
on: order.created
by: [shop_id]
window: 10m
params: { limit: 3 }
measure: { orders: { count: events } }
when: orders >= params.limit
severity: high
alert: { explain: "{orders} orders" }
`
const { set } = compileOrRefuse([{ path: 'r.yaml', text: RULE }], streams)
const T0 = Date.UTC(2026, 0)
const MINUTE_MS = 60_000
const orderAt = (minute: number) => ({
  event_id: `e${minute}`,
  type: 'order.created',
  event_time: T0 + minute * MINUTE_MS,
  shop_id: 'S',
})

async function played(
  lines: readonly (object | string)[],
  options: Partial<InputOptions> & { until?: Until; measures?: boolean } = {},
) {
  const input = new FiniteInput({ input: fileOf(lines), ...options }, streams)
  const outputs: Output[] = []
  const { until = 'drained', measures = false } = options
  const result = await playFinite({ input, streams, set, until, measures }, async (some) => {
    outputs.push(...some)
    return true
  })
  return {
    ...result,
    outputs,
    input,
    story: outputs.map((o) => (o.kind === 'alert' ? `${o.status} ${(o.event_time - T0) / MINUTE_MS}` : o.kind)),
  }
}

describe('the end of a finite input', () => {
  // window 10 m: three orders from minute 2 on, the first leaves at 10
  const orders = [0, 1, 2].map(orderAt)
  test('drained', async () => expect((await played(orders)).story).toEqual(['open 2', 'closed 10']))
  test('last', async () => expect((await played(orders, { until: 'last' })).story).toEqual(['open 2', 'closed 2']))
  test('a time', async () =>
    expect((await played(orders, { until: T0 + 5 * MINUTE_MS })).story).toEqual(['open 2', 'closed 5']))
  test('which --help tells', () => expect(untilOption().description).toMatch(/what is open closes: .*last event/))
  test('what opens as windows empty is told in the summary', async () => {
    // A's order leaves at minute 10: two orders of one buyer are left
    const text = RULE.replace(
      '{ orders: { count: events } }',
      '{ orders: { count: events }, buyers: { distinct: buyer_id } }',
    )
    const files = [
      {
        path: 'r.yaml',
        text: text.replace('orders >= params.limit', 'orders >= 2 && buyers == 1 && params.limit > 0'),
      },
    ]
    const input = [[0, 'A'], [1, 'B'], [2, 'B']].map(([m, buyer_id]) => ({ ...orderAt(m as number), buyer_id })) // biome-ignore format: rows
    const summed = async (until: Until) => {
      const summary = new Summary()
      const finite = new FiniteInput({ input: fileOf(input) }, streams)
      const { set } = compileOrRefuse(files, streams)
      const result = await playFinite({ input: finite, streams, set, until, measures: false }, async (outputs) => {
        for (const output of outputs) summary.add(output)
        return true
      })
      return summary.text(result, finite)
    }
    expect(await summed('drained')).toContain('1 alerts of 1 keys (high 1), 1 of them after the last event')
    expect(await summed('last')).toContain('no alerts')
  })
  test('nothing at all', async () => expect((await played([])).story).toEqual([]))
})

test('disorder is that of a live stream, unless it is sorted first', async () => {
  const orders = [5, 0, 6, 1, 7].map(orderAt)
  const live = await played(orders)
  expect(live.story).toEqual(['open 7', 'closed 15'])
  expect(live.counters.total('late_total')).toBe(2)
  const sorted = await played(orders, { sort: true })
  expect(sorted.story).toEqual(['open 5', 'updated 6', 'updated 7', 'closed 15'])
  expect((sorted.outputs[0] as AlertRecord).source.offset).toBe(2)
  expect(sorted.rows).toBe(5)
})

test('an input that is mostly late, or mostly too far ahead, is another one than was meant', async () => {
  const backwards = await played([9, 6, 3].map(orderAt))
  expect(mostlyLeftOut(backwards, backwards.input)).toContain('most events were late (2 of 3)')
  const forwards = await played([3, 6, 9].map(orderAt))
  expect(mostlyLeftOut(forwards, forwards.input)).toBeNull()
  expect(mostlyLeftOut(forwards, { ...forwards.input, ahead: 4 } as FiniteInput)).toContain('too far ahead (4 of 7)')
})

test('what no window holds any more is let go of batch by batch', async () => {
  const usual = RULE.replace('orders: { count', 'usual: { baseline: orders, over: 1h, step: 10m }, orders: { count')
  const { set } = compileOrRefuse([{ path: 'r.yaml', text: usual }], streams)
  const stream = streams[0]!
  const batches = async function* () {
    for (let i = 0; i < 20; i++) {
      const row = { offset: i, timeMs: i * 600 * MINUTE_MS, type: 'order.created', event_id: `e${i}`, shop_id: `S${i}` }
      const block = blockFromRows(stream, { topic: stream.topic, partition: 0 }, [row])
      yield batchOf([block])
    }
  }
  const input = { name: 'i', malformed: 0, ahead: 0, firstAhead: null, late: null, share: null, batches }
  const limits = { ...DEFAULT_LIMITS, keys: 10 } // of shops, which their baselines remember
  const play = { input, streams, set, until: 'last' as const, measures: false, limits }
  const { counters } = await playFinite(play, async () => true)
  expect(counters.total('keys_refused_total')).toBe(0)
})

test('malformed records are counted, or end it', async () => {
  const lines = [orderAt(0), '{', orderAt(1), 'x', orderAt(2)]
  expect((await played(lines)).input.malformed).toBe(2)
  await expect(played(lines, { strict: true })).rejects.toMatchObject({ code: 'INPUT_MALFORMED' })
})

test('a summary names alerts, keys and what was left out', async () => {
  const run = await played([...[0, 1, 2].map(orderAt), orderAt(2)])
  const summary = new Summary()
  for (const output of run.outputs) summary.add(output)
  const text = summary.text(
    { ...run, tookMs: 2_000, taskMs: 1_500 },
    { name: 'x', malformed: 1, ahead: 0, firstAhead: null, late: null },
  )
  expect(text).toBe(`4 events in 2.0 s, 2 events/s (rules 1.5 s, reading and writing 0.5 s)
event time from 2026-01-01T00:00:00.000Z to 2026-01-01T00:02:00.000Z
  busy_shop@1: 1 alerts of 1 keys (high 1)
late 0, duplicate 1, malformed 1, abstained 0, muted 0`)
})

describe('labels', () => {
  const of = (label: string, group: string | null = null) => ({ label, group })
  test('recall and precision, whatever the other labels are', () => {
    const labels = new Labels(new Map([['a', of('ring')], ['b', of('ring')], ['c', of('wash')], ['g', of('0')], ['h', of('0')]])) // biome-ignore format: pairs
    for (const id of ['a', 'c', 'g', 'unknown']) labels.flag(id)
    expect(labels.scores()).toMatchObject([
      { label: 'ring', events: 2, flagged: 1, recall: 0.5, precision: 0.5 },
      { label: 'wash', events: 1, flagged: 1, recall: 1, precision: 0.5 },
      { label: 'any', events: 3, flagged: 2, recall: 2 / 3, precision: 2 / 3 },
      { label: 'good', events: 2, flagged: 1, precision: null },
    ])
  })
  test('groups: found when one of their events was flagged; honest crowds are no positives', () => {
    const events = {
      a: of('ring', 'r1'),
      b: of('ring', 'r1'),
      c: of('ring', 'r2'),
      s: of('sale', 's1'),
      t: of('0', 's2'),
    }
    const labels = new Labels(new Map(Object.entries(events)), ['sale'])
    for (const id of ['a', 's']) labels.flag(id)
    expect(labels.scores()).toMatchObject([
      { label: 'ring', events: 3, precision: 0.5, groups: 2, groupsFound: 1 },
      { label: 'any', groups: 2, groupsFound: 1 },
      { label: 'good', events: 2, flagged: 1, groups: 2, groupsFound: 1 },
    ])
    expect(
      labels
        .fresh()
        .scores()
        .map((s) => s.flagged),
    ).toEqual([0, 0, 0])
  })
  test('an arrival is flagged when it was evaluated true, folded or not', async () => {
    const { outputs } = await played([0, 1, 2, 3].map(orderAt), { measures: true })
    const matched = outputs.flatMap((o) => (o.kind === 'measures' && o.matched ? [o.event_id] : []))
    expect(matched).toEqual(['e2', 'e3'])
  })
  test('a file of labels', async () => {
    const path = fileOf(['label,event_id,x', 'ring,"a,1",2', '0,b,'])
    const labels = await readLabels(path)
    labels.flag('a,1')
    expect(labels.scores().map((s) => [s.label, s.recall])).toEqual([
      ['ring', 1],
      ['any', 1],
      ['good', 0],
    ])
    await expect(readLabels(fileOf(['id,label']))).rejects.toMatchObject({ code: 'INPUT_MALFORMED' })
    await expect(readLabels(join(root, 'none'))).rejects.toMatchObject({ code: 'INPUT_MISSING' })
  })
})

describe('--set', () => {
  test('every combination, for every rule that has the param', () => {
    const settings = settingsOf(['limit=2,3', 'busy_shop.limit=4'], set)
    expect(settings.map((s) => s.values)).toEqual([
      { limit: 2, 'busy_shop.limit': 4 },
      { limit: 3, 'busy_shop.limit': 4 },
    ])
    expect(settings[0]!.params).toEqual({ busy_shop: { limit: 4 } })
    expect(settingsOf([], set)).toEqual([{ values: {}, params: {} }])
  })
  test.each(['limt=1', 'limit', 'limit=', '=2', 'other.limit=2'])('%s is refused', (text) => {
    expect(() => settingsOf([text], set)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
  test('a table', () => {
    expect(table([['limit', 'name'], ['2', 'a'], ['10', 'bcd']])).toBe('limit  name\n    2  a\n   10  bcd') // biome-ignore format: rows
  })
})

test('values of what is no field are in the summary; a field that is missing is not', async () => {
  const { shop_id, ...rest } = orderAt(0)
  const result = await played([orderAt(1), { ...rest, shopId: shop_id }])
  expect(new Summary().text(result, result.input)).toContain('of what is no field: shopId of transactions 1')
  const plain = await played([orderAt(1), rest])
  expect(new Summary().text(plain, plain.input)).not.toContain('no field')
})

test('what is too far ahead of the clock becomes a dead letter, the rest is appended', async () => {
  const input = new FiniteInput({ input: fileOf([0, 1, 2].map(orderAt)) }, streams)
  for await (const batch of input.batches()) {
    const { kept, letters } = withoutFuture(batch, streams, T0 + 90_000) // 30 s ahead are allowed: minute 2 just so
    expect([...kept.blocks[0]!.timesMs]).toEqual([T0, T0 + 60_000, T0 + 120_000])
    expect(letters).toEqual([])
    const earlier = withoutFuture(batch, streams, T0 + 89_999)
    expect([...earlier.kept.blocks[0]!.timesMs]).toEqual([T0, T0 + 60_000])
    expect(earlier.letters).toMatchObject([
      {
        reason: 'FUTURE_TIME',
        stream: 'transactions',
        event_time: T0 + 120_000,
        record: { event_id: 'e2', shop_id: 'S' },
      },
    ])
  }
})
