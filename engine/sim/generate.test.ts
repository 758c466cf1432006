import { expect, test } from 'vitest'
import { runReference } from './agree.ts'
import { firstDifference } from './compare.ts'
import { FEATURES, type Feature } from './generate/features.ts'
import { cases, seededCase } from './generate.ts'

test('generated cases make every kind of output and reach every counter', { timeout: 120_000 }, () => {
  const seen = new Map<string, number>()
  const add = (what: string, n = 1) => seen.set(what, (seen.get(what) ?? 0) + n)
  for (let seed = 0; seed < 200; seed++) {
    const c = seededCase(seed, 120)
    const { outputs, counters } = runReference(c)
    for (const o of outputs) {
      if (o.kind === 'alert' && o.violation) add(o.violation[0] === 'v' ? 'violation' : 'match')
      if (o.kind === 'alert' && o.violation?.startsWith('v_each')) add('violation each time')
      if (o.kind === 'alert' && o.violation && o.coverage < 1) add('part of what is remembered')
      if (o.kind === 'measures' && typeof o.measures['usual.mean'] === 'number') add('usual')
      add(o.kind === 'alert' ? o.status : o.kind)
      if (o.kind === 'alert' && o.episodes > 1) add('several episodes')
      if (o.kind === 'alert' && o.suspects.length > 1) add('suspects')
      if (o.kind === 'alert' && o.coverage < 1) add('part of the window')
      if (o.kind === 'ranking' && o.items.some((i) => i.previous_rank !== null)) add('previous rank')
      if (o.kind === 'ranking' && o.items.some((i) => typeof i.change === 'number' && i.change !== 0))
        add('rank change')
      if (o.kind === 'ranking' && o.items.some(({ trend }) => Array.isArray(trend) && trend[0] !== null))
        add('sparkline')
      if (o.kind === 'ranking' && o.items.some((i) => i.m0 !== undefined && i.m0 !== null)) add('column')
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
  wanted.push('rank change', 'sparkline', 'column')
  wanted.push('previous rank', 'duplicate_offsets_total', 'duplicate_ids_total', 'late_total', 'null_keys_total')
  wanted.push('muted_total', 'abstained_total.null', 'abstained_total.division_by_zero')
  wanted.push('abstained_total.minimum_sample', 'out_of_range_total', 'missed_windows_total')
  wanted.push('violation', 'match', 'part of what is remembered', 'usual', 'violation each time')
  for (const what of wanted) expect(seen.get(what) ?? 0, what).toBeGreaterThan(5)
  for (const what of ['abstained_total.not_a_share', 'partial_matches_dropped_total', 'sequence_answers_joined_total'])
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
})

test('each feature can be left out, and is there when it is not', () => {
  const texts = (features?: ReadonlySet<Feature>) =>
    Array.from({ length: 60 }, (_, seed) => JSON.stringify(seededCase(seed, 5, features).set)).join('\n')
  const signs: Record<Feature, string> = {
    last: '"kind":"last"',
    share: '"kind":"share"',
    top: '"kind":"top"',
    percentile: '"kind":"percentile"',
    lower_bound: '"lowerBoundZ"',
    prior: '"prior"',
    tumbling: '"tumbling"',
    baseline: '"kind":"baseline"',
    sequences: '"kind":"sequence"',
    published: '"op":"feature"',
  }
  const all = texts()
  for (const feature of FEATURES) {
    expect(all, feature).toContain(signs[feature])
    const others = FEATURES.filter((f) => f !== feature)
    expect(texts(new Set(others)), feature).not.toContain(signs[feature])
  }
})

test('one seed is one case', () => {
  expect(seededCase(7, 50)).toEqual(seededCase(7, 50))
  const one = runReference(seededCase(3, 60)).outputs
  expect(firstDifference(one, runReference(seededCase(3, 60)).outputs)).toBe(null)
  expect(cases(5)).toBeDefined()
})
