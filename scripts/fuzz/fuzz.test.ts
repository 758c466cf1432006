import { expect, test } from 'vitest'
import { fuzz, goodTexts } from './fuzz.ts'
import { mutant } from './mutate.ts'
import { brokenCopy, fuzzBytes } from './target.ts'
import { TARGETS } from './targets/index.ts'

const RUNS = 2_000

test(`${RUNS} broken copies of good files: faults, never a throw or a hang`, { timeout: 120_000 }, () => {
  const { failures, runs, sound, faults } = fuzz({ seed: 20261122, from: 0, to: RUNS })
  expect(failures).toEqual([])
  expect(runs).toBe(RUNS)
  expect(sound).toBeLessThan(RUNS / 2)
  for (const code of ['yaml-syntax', 'unknown-key', 'unknown-field', 'type-mismatch', 'wrong-value'])
    expect([code, faults[code] > 0]).toEqual([code, true])
})

test('a case is known by its seed and number', () => {
  const texts = goodTexts()
  expect(mutant(texts, 7, 123)).toBe(mutant(texts, 7, 123))
  expect(mutant(texts, 7, 123)).not.toBe(mutant(texts, 8, 123))
  const whole = fuzz({ seed: 7, from: 0, to: 60 })
  const parts = [fuzz({ seed: 7, from: 0, to: 25 }), fuzz({ seed: 7, from: 25, to: 60 })]
  for (const code of Object.keys(whole.faults))
    expect(whole.faults[code]).toBe((parts[0].faults[code] ?? 0) + (parts[1].faults[code] ?? 0))
})

test(`${RUNS} broken record batches: LOG_CORRUPT, and nothing else`, { timeout: 120_000 }, async () => {
  const batches = await TARGETS.batches()
  const { failures, runs, sound, faults, count } = await fuzzBytes(batches, { seed: 20261201, from: 0, to: RUNS })
  expect(failures).toEqual([])
  expect(runs).toBe(RUNS)
  expect(sound).toBeGreaterThan(RUNS / 20)
  expect(sound).toBeLessThan(RUNS / 2)
  expect(count).toBeGreaterThan(RUNS / 2) // of batches that were read whole
  for (const kind of [
    ...['gzip: invalid distance too far back', 'snappy: a copy from nowhere', 'lz', 'zstd: cut short'],
    ...['a record that ends beyond its batch', 'message format '],
  ])
    expect([kind, faults[kind] > 0]).toEqual([kind, true])
  expect(brokenCopy(batches, 7, 123)).toEqual(brokenCopy(batches, 7, 123))
})
