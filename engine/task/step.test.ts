import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { LogRecord } from '../model/block.ts'
import { Counters } from '../model/counters.ts'
import { rebuild, step } from './step.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const fresh = () => new Task({ streams, counters: new Counters(), finite: false })
const rule =
  'rule: r\nversion: 1\ntitle: t\non: order.created\nby: [shop_id]\nwindow: 10m\nmeasure: { n: { count: events } }\nwhen: n > 99\nseverity: low\n'
const rules: LogRecord = { position: 0, entry: { kind: 'rules', files: [{ path: 'r.yaml', text: rule }] } }
const mark = (position: number, upToMs: number): LogRecord => ({
  position,
  entry: { kind: 'mark', sourceTopic: 'trade', sourcePartition: 0, upToMs, sources: ['trade/0'] },
})

/** Stream time from which a rebuild asks the log, when the given records had been read. */
async function askedFromMs(
  records: readonly LogRecord[],
): Promise<{ fromMs: number; spanMs: number; streamMs: number }> {
  const kept = new Map<string, string>()
  const before = fresh()
  for (const [key, value] of step(before, records).changes) if (value !== null) kept.set(key, value)
  let fromMs = Number.NaN
  const task = fresh()
  const position = await rebuild(task, {
    committed: async () => ({ position: records[records.length - 1].position, kept }),
    past: async function* (from) {
      fromMs = from
      yield records
    },
  })
  expect(position).toBe(records[records.length - 1].position)
  return { fromMs, spanMs: before.rebuildSpanMs, streamMs: task.streamMs }
}

test('a rebuild asks the log for as much as the longest window needs before the stream time of the last commit', async () => {
  const { fromMs, spanMs, streamMs } = await askedFromMs([rules, mark(1, 5_000_000), mark(2, 9_000_000)])
  expect(streamMs).toBe(9_000_000)
  expect(spanMs).toBeGreaterThanOrEqual(600_000)
  expect(fromMs).toBe(9_000_000 - spanMs)
})
