import { expect, test } from 'vitest'
import { fuzzBytes } from './target.ts'
import { TARGETS } from './targets/index.ts'

/** Of each; reading files takes its time. */
const RUNS = 300
const SLOW_RUNS = 40
const SLOW = ['jsonl', 'csv', 'cache', 'snapshots', 'registry']

test.each(Object.keys(TARGETS))('%s: whole seeds are read, broken copies are refused by name', async (name) => {
  const target = await TARGETS[name]()
  let count = 0
  for (const seed of target.seeds) count += (await target.read(Buffer.from(seed))).count
  expect(count).toBeGreaterThan(0)
  const runs = SLOW.includes(name) ? SLOW_RUNS : RUNS
  const { failures, sound } = await fuzzBytes(target, { seed: 20261201, from: 0, to: runs })
  expect(failures).toEqual([])
  expect(sound).toBeGreaterThan(0)
})
