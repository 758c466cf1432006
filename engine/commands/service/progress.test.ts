import { expect, test } from 'vitest'
import { ProgressWatch } from './progress.ts'

function watch() {
  const clock = { ms: 0 }
  const progress = new ProgressWatch(() => clock.ms)
  const at = (ms: number, committed: number, waits: boolean, failing: string | null = null) => {
    clock.ms = ms
    progress.observe([{ partition: 'x/0', committed, waits, failing }])
    return progress.trouble()
  }
  return { progress, at }
}

test('a partition whose records wait while it does not move is trouble after a minute, with its reason', () => {
  const { progress, at } = watch()
  expect(at(0, 4, true)).toBeNull()
  expect(at(60_000, 4, true)).toBeNull()
  expect(at(61_000, 4, true, 'too large')).toBe('partition x/0 has not moved for 61 s, and records wait: too large')
  expect(progress.gauges()).toEqual([{ name: 'partition_stalled_seconds', labels: { partition: 'x/0' }, value: 61 }])
  expect(at(62_000, 5, true)).toBeNull()
  progress.keep(new Set(['y/0']))
  expect(progress.gauges()).toEqual([])
})

test('one that moves, or has nothing to do, is none, however long', () => {
  const { at } = watch()
  for (let i = 0; i < 10; i++) expect(at(i * 50_000, i, true)).toBeNull()
  for (let i = 0; i < 10; i++) expect(at(1e6 + i * 50_000, 10, false)).toBeNull()
  expect(at(2e6, 10, true)).toBeNull()
  expect(at(2e6 + 59_000, 10, true)).toBeNull()
})
