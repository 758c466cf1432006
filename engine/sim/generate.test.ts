import { expect, test } from 'vitest'
import { firstDifference } from './compare.ts'
import { type Case, cases, recordsOf, seededCase } from './generate.ts'
import { ReferenceEngine } from './reference.ts'

function run({ stream, set, finite, measures, until, entries }: Case) {
  const engine = new ReferenceEngine({ streams: [stream], set, finite, measures })
  const outputs = recordsOf({ stream, entries }).flatMap(({ entry }) =>
    entry.kind === 'block' || entry.kind === 'mark' ? engine.process(entry) : [],
  )
  return { outputs: [...outputs, ...engine.finish(until)], counters: engine.counters }
}

test('generated cases make every kind of output and reach every counter', () => {
  const seen = new Map<string, number>()
  const add = (what: string, n = 1) => seen.set(what, (seen.get(what) ?? 0) + n)
  for (let seed = 0; seed < 200; seed++) {
    const { outputs, counters } = run(seededCase(seed, 120))
    for (const o of outputs) {
      add(o.kind === 'alert' ? o.status : o.kind)
      if (o.kind === 'alert' && o.episodes > 1) add('several episodes')
      if (o.kind === 'alert' && o.suspects.length > 1) add('suspects')
      if (o.kind === 'alert' && o.coverage < 1) add('part of the window')
      if (o.kind === 'ranking' && o.items.some((i) => i.previous_rank !== null)) add('previous rank')
    }
    for (const [name, n] of Object.entries(counters)) add(name, n)
  }
  if (process.env.LAPWING_SIM_SHOW) console.table(Object.fromEntries(seen))
  const wanted = [
    'open',
    'updated',
    'closed',
    'ranking',
    'measures',
    'several episodes',
    'suspects',
    'part of the window',
  ]
  wanted.push('previous rank', 'duplicate_offsets_total', 'duplicate_ids_total', 'late_total', 'null_keys_total')
  wanted.push('muted_total', 'abstained_total.null', 'abstained_total.division_by_zero')
  wanted.push('abstained_total.minimum_sample', 'out_of_range_total')
  for (const what of wanted) expect(seen.get(what) ?? 0, what).toBeGreaterThan(5)
})

test('one seed is one case', () => {
  expect(seededCase(7, 50)).toEqual(seededCase(7, 50))
  const one = run(seededCase(3, 60)).outputs
  expect(firstDifference(one, run(seededCase(3, 60)).outputs)).toBe(null)
  expect(cases(5)).toBeDefined()
})
