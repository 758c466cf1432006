import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { LogEntry } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { RankedItem, RankingRecord } from '../model/output.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const behavior = streams.find((s) => s.name === 'behavior')!
const T0 = 1_767_225_600_000
const MINUTE = 60_000

const rules: LogEntry = {
  kind: 'rules',
  files: [
    {
      path: 'hot.yaml',
      text: `ranking: hot
version: 1
title: hot items
on: [item.viewed]
rank: item_id
per: [category_id]
window: { sliding: 2m, step: 1m }
score: { weights: { item.viewed: 1 } }
limit: 2
ties: [item_id asc]
columns: { change: { rank_change: 2m }, trend: { sparkline: 4, step: 1m }, coarse: { sparkline: 3, step: 2m } }
`,
    },
  ],
}

const view = fc.record({ gap: fc.nat(70_000), item: fc.nat(3), category: fc.nat(1) })
const views = fc.array(view, { minLength: 10, maxLength: 60, size: 'max' })

function entriesOf(views: readonly { gap: number; item: number; category: number }[]): LogEntry[] {
  let timeMs = T0
  const blocks = views.map(({ gap, item, category }, i) => {
    timeMs += gap
    const row = { offset: i, timeMs, type: 'item.viewed', event_id: `E${i}`, item_id: `I${item}` }
    return blockFromRows(behavior, { topic: 'b', partition: 0 }, [{ ...row, category_id: `C${category}` }])
  })
  return [rules, ...blocks]
}

/** `before`: what to do with the task before each entry; the one that reads it is what that returns. */
function play(entries: readonly LogEntry[], before = (task: Task, _at: number): Task => task): RankingRecord[] {
  const outputs: RankingRecord[] = []
  const sink = { output: (o: unknown) => void outputs.push(o as RankingRecord), change: () => {} }
  let task = newTask()
  for (let at = 0; at < entries.length; at++) {
    task = before(task, at)
    task.process({ position: at * 2 + 1, entry: entries[at] }, sink)
    task.flush(sink)
  }
  return outputs
}

const newTask = (): Task => new Task({ streams, counters: new Counters(), finite: false })

test('columns that look back say what rankings of before said, whoever comes, goes and comes again', () => {
  fc.assert(
    fc.property(views, (views) => {
      const outputs = play(entriesOf(views))
      const then = (of: RankingRecord, ms: number, id: unknown): RankedItem | undefined =>
        outputs
          .find((o) => o.as_of === of.as_of - ms && o.per.category_id === of.per.category_id)
          ?.items.find((item) => item.id === id)
      for (const output of outputs)
        for (const { id, rank, previous_rank, change, trend, coarse } of output.items) {
          const scores = (points: number, stepMs: number) =>
            Array.from({ length: points }, (_, i) => then(output, (points - 1 - i) * stepMs, id)?.score ?? null)
          expect(trend).toEqual(scores(4, MINUTE))
          expect(coarse).toEqual(scores(3, 2 * MINUTE))
          expect(previous_rank).toBe(then(output, MINUTE, id)?.rank ?? null)
          const before = then(output, 2 * MINUTE, id)
          expect(change).toBe(before ? before.rank - rank : null)
        }
    }),
    { numRuns: 60 },
  )
})

test('they say the same after a restart from a snapshot, and after the rules were read again', () => {
  fc.assert(
    fc.property(views, fc.array(fc.constantFrom('on', 'restart', 'rules'), { maxLength: 20 }), (views, events) => {
      const entries = entriesOf(views)
      const disturbed = play(entries, (task, at) => {
        const event = events[at % 20]
        if (event === 'rules') task.process({ position: at * 2, entry: rules }, { output: () => {}, change: () => {} })
        if (event !== 'restart') return task
        const restarted = newTask()
        restarted.restore(snapshotOf(task))
        return restarted
      })
      expect(disturbed).toEqual(play(entries))
    }),
    { numRuns: 60 },
  )
})
