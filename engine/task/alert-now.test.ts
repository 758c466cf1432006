import { expect, test } from 'vitest'
import { Counters } from '../model/counters.ts'
import type { AlertRecord, Output } from '../model/output.ts'
import { call, deal, markOf, measured, ruleOf, running, setOf } from '../sim/build.ts'
import { blockOf, dealStream } from '../sim/deals.ts'
import { play } from '../sim/play.ts'
import { Task } from './task.ts'

test('records after the opening carry the measures of their own moment beside those of the opening', () => {
  const rule = ruleOf({
    windowMs: 600_000,
    measures: [running('n', 'count', null, 600_000)],
    when: call('ge', measured('n'), 2),
    explain: [{ expression: measured('n'), format: 'plain', digits: 0 }],
  })
  const timeline = [...[0, 1, 60_002, 120_003].map((ms) => deal(ms)), markOf(900_000)]
  const outputs: Output[] = []
  const task = new Task({ streams: [dealStream], counters: new Counters(), finite: true })
  task.install(setOf([rule]))
  timeline.forEach((step, position) => {
    const entry = 'kind' in step ? step : blockOf(dealStream, 0, [step])
    task.process({ position, entry }, { output: (o) => outputs.push(o), change: () => {} })
  })
  const told = (outputs as AlertRecord[]).map((a) => [a.status, a.measures.n, a.now?.measures.n, a.now?.explain])
  expect(told).toEqual([
    ['open', 2, undefined, undefined],
    ['updated', 2, 3, '3'],
    ['updated', 2, 4, '4'],
    ['closed', 2, 1, '1'],
  ])
  const reference = play({ set: setOf([rule]) }, timeline).alerts
  expect(outputs).toEqual(reference)
})
