import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RuleSet, SequenceRule } from '../../model/rule.ts'
import { ruleOf } from '../../sim/build.ts'
import { snapshotOf } from '../testing.ts'
import {
  at,
  entryOf,
  matching,
  opened,
  play,
  type Runner,
  records,
  runner,
  sequenceOf,
  setOf,
  violating,
} from './testing.ts'

const full = sequenceOf({
  ...violating(
    { kind: 'expect', name: 'unpaid', after: 'a', expect: ['b'], withinMs: 30 },
    { kind: 'forbid', name: 'early', forbid: 'b', before: 'a' },
  ),
  ...matching({ name: 'three', order: ['a', 'b', 'c'], without: ['d'], withinMs: 60 }),
  cooldownMs: 40,
})
const without = (rule: SequenceRule): SequenceRule => ({
  ...rule,
  id: 'other',
  hash: 'other',
  matches: [],
  cooldownMs: 0,
})

/** Reads one timeline after the other. */
function reader({ task, sink }: Runner): (timeline: string) => void {
  let position = 0
  return (timeline) => {
    for (const word of timeline.split(' ')) task.process({ position, entry: entryOf(word, position++) }, sink)
  }
}

type Cut = 'snapshot' | 'rebuild' | 'rules'

/** A run whose task is replaced, or whose rule set is installed once more beside another, before word `cutAt`. */
function cutRun(set: RuleSet, words: readonly string[], cut: Cut | null, cutAt: number): Runner {
  let run = runner(set, false)
  const records = words.map((word, position) => ({ position, entry: entryOf(word, position) }))
  records.forEach((record, i) => {
    if (i === cutAt && cut !== null) {
      if (cut === 'rules') run.task.install(setOf(...set.sequences, without({ ...full, version: 2 })), i)
      else {
        const before = run
        run = runner(set, false, before)
        if (cut === 'snapshot') run.task.restore(snapshotOf(before.task))
        else {
          run.task.beginReplay(before.kept)
          for (const past of records.slice(0, i)) run.task.replay(past)
          run.task.endReplay(before.kept)
        }
      }
    }
    run.task.process(record, run.sink)
    run.task.flush(run.sink)
  })
  run.task.finish('drained', run.sink)
  return run
}

const word = fc.record({
  letter: fc.constantFrom('A', 'B', 'C', 'D'),
  gap: fc.nat({ max: 25 }),
  late: fc.nat({ max: 60 }),
  shop: fc.constantFrom('S', 'T'),
})
const timeline = fc.array(word, { minLength: 2, maxLength: 40, size: 'max' }).map((list) => {
  let now = 0
  return list.map(({ letter, gap, late, shop }) => {
    now += gap
    return `${letter}@${late > 45 ? Math.max(0, now - late) : now}/${shop}`
  })
})

test.each(['snapshot', 'rebuild', 'rules'] as const)(
  'a run that is cut by a %s says what the whole one says, settled or not',
  (cut) => {
    const settled = { ...without(full), settleMs: 20, matches: full.matches }
    const kind = 'expect_each'
    const again = violating({ kind, name: 'again', after: 'a', expect: ['b', 'c'], withinMs: 30 })
    const set = setOf(full, settled, { ...without(full), ...again, id: 'each', hash: 'each' })
    fc.assert(
      fc.property(timeline, fc.nat({ max: 39 }), (words, cutAt) => {
        const own = ({ alerts }: Runner) => alerts.filter((a) => a.version === 1)
        const whole = own(cutRun(set, words, null, 0))
        expect(own(cutRun(set, words, cut, cutAt % words.length))).toEqual(whole)
      }),
      { numRuns: 30 },
    )
  },
)

test('a sequence that stays in force goes on knowing what no window holds any more', () => {
  const rule = { ...full, forgetAfterMs: 1_000_000, matches: [] }
  const run = runner(setOf(rule), false)
  const read = reader(run)
  read('C@0/T A@1 B@5 |900000')
  run.task.install(setOf(rule, without(rule)), 1)
  read('|1000000 B@1000001 |1000002')
  // the other one knows nothing of A, and knows that it does not
  expect(opened(run)).toBe('')
  read('B@1000002/T |1000004')
  expect(run.alerts.filter((a) => a.status === 'open').map((a) => `${a.rule} ${a.violation}`)).toEqual([
    'sequence early',
  ])
})

test('a sequence that stays in force knows what has been answered, and what waits, each with its event', () => {
  const each = { kind: 'expect_each', name: 'each', after: 'a', expect: ['b'], withinMs: 30 } as const
  const rule = sequenceOf(violating(each))
  const run = runner(setOf(rule), false)
  const read = reader(run)
  read('A@0 B@5 A@10 A@12/T |20')
  run.task.install(setOf(rule, without(rule)), 5)
  read('|41 |43')
  expect(opened({ alerts: run.alerts.filter((a) => a.rule === rule.id) })).toBe('each@41 each@43/T')
  expect(run.alerts.flatMap((a) => (a.status === 'open' && a.rule === rule.id ? [a.source] : []))).toEqual([
    at(2),
    at(3),
  ])
  read('A@3/U A@4')
  expect(opened({ alerts: run.alerts.filter((a) => a.rule === rule.id) })).toBe('each@41 each@43/T each@43/U')
})

test('a sequence that stays in force has as many timers and keys as before', () => {
  const run = runner(setOf(full), false)
  reader(run)('A@0 B@1/T A@5/T A@6 |20')
  const held = () => [run.task.gauges.liveTimers, run.task.gauges.rememberedKeys]
  const before = held()
  run.task.install(setOf(full), 5)
  expect(held()).toEqual(before)
})

test('a new sequence starts warm, without alerts for the past', () => {
  const held = ruleOf({
    windowMs: 1_000,
    by: ['shop'],
    on: full.on,
    when: { op: 'literal', type: 'boolean', value: false },
  })
  const before: RuleSet = { ...setOf(), hash: 'before', rules: [held] }
  const run = runner(before, false)
  const read = reader(run)
  read('C@0/T A@1 A@80/U A@90/V B@95/V |100')
  run.task.install({ ...setOf({ ...full, matches: [] }), rules: [held] }, 1)
  expect([run.task.gauges.rememberedKeys, run.task.gauges.liveTimers]).toEqual([3, 2])
  read('A@101 B@105 |200')
  // S violated in the past; U is found out in its time
  expect(opened(run)).toBe('unpaid@111/U')
  expect(run.alerts[0].coverage).toBeCloseTo(1)
})

test('a task built again does not tell again of what stood, and tells of what stands later', () => {
  const words = ['A@0', 'A@20/T', '|31', 'C@40', '|60']
  const whole = cutRun(setOf(full), words, null, 0)
  expect(opened(whole)).toBe('unpaid@31 unpaid@51/T')
  expect(records(cutRun(setOf(full), words, 'rebuild', 3))).toBe(records(whole))
})

test('a task built again knows no more of a later sequence than the first one did', () => {
  const set = setOf(full)
  const words = ['A@0', 'C@5/T', '|40']
  const first = runner(setOf(), false)
  words.forEach((word, position) => {
    if (position === 1) first.task.install(set, position)
    if (position < 2) first.task.process({ position, entry: entryOf(word, position) }, first.sink)
    first.task.flush(first.sink)
  })
  const again = runner(set, false, first)
  again.task.beginReplay(first.kept)
  for (const position of [0, 1]) again.task.replay({ position, entry: entryOf(words[position], position) })
  again.task.endReplay(first.kept)
  for (const { task, sink } of [first, again]) task.process({ position: 2, entry: entryOf('|40', 2) }, sink)
  expect([first.task.gauges.rememberedKeys, again.task.gauges.rememberedKeys, first.alerts]).toEqual([1, 1, []])
})

test('how far back the log is needed', () => {
  const span = (rule: SequenceRule) => play(rule, '|0').task.rebuildSpanMs
  const remembered = (forgetAfterMs: number) => span({ ...full, forgetAfterMs })
  expect(remembered(1_000_000) - remembered(900_000)).toBe((full.steps.length + 1) * 100_000)
  const [match] = full.matches
  const longer = { ...full, matches: [{ ...match!, withinMs: match!.withinMs + 1_000_000_000 }] }
  expect(span(longer)).toBeGreaterThan(16_000_000_000)
  expect(span(longer)).toBeLessThan(16_001_000_000)
})

test('an alert of a sequence is kept by its violation, and forgotten as it closes', () => {
  const run = runner(setOf(full))
  const read = reader(run)
  read('A@0 |31')
  run.task.flush(run.sink)
  const key = 'alert/sequence@1/unpaid/{"shop":"S"}'
  expect(JSON.parse(run.kept.get(key) as string)).toMatchObject({ violation: 'unpaid' })
  read('|71')
  run.task.flush(run.sink)
  expect(run.kept.has(key)).toBe(false)
})
