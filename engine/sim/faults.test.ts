import { expect, test } from 'vitest'
import type { LogRecord } from '../model/block.ts'
import { endure, troubled } from './faults.ts'
import { type Case, recordsOf, seededCase } from './generate.ts'
import { SimulatedLog } from './simulated-log.ts'

const seeds = Array.from({ length: 25 }, (_, seed) => seed)
const calm = (seed: number): Case => seededCase(seed, 120)

test('every fault happens, and one seed is one run', { timeout: 60_000 }, async () => {
  const total = { crashes: 0, tornSnapshots: 0, restored: 0, rebuilt: 0, outputs: 0 }
  for (const seed of seeds) {
    const run = await endure(calm(seed))
    total.crashes += run.crashes
    total.tornSnapshots += run.tornSnapshots
    total.restored += run.restored
    total.rebuilt += run.rebuilt
    total.outputs += run.outputs.length
  }
  for (const [what, n] of Object.entries(total)) expect(n, what).toBeGreaterThan(10)
  expect(await endure(calm(7))).toEqual(await endure(calm(7)))
})

/** Source offsets in the order in which a task takes them: those above all before. */
function taken(records: readonly LogRecord[]): Map<number, number[]> {
  const taken = new Map<number, number[]>()
  for (const { entry } of records) {
    if (entry.kind !== 'block') continue
    const offsets = taken.get(entry.sourcePartition) ?? []
    taken.set(entry.sourcePartition, offsets)
    for (const offset of entry.offsets) if (offset > (offsets.at(-1) ?? -1)) offsets.push(offset)
  }
  return new Map([...taken].sort(([a], [b]) => a - b))
}

test('a restarted router repeats events and interleaves partitions anew, but each event stands there once', () => {
  let longer = 0
  for (const seed of seeds) {
    const { c, records } = troubled(calm(seed))
    expect(taken(records)).toEqual(taken(recordsOf(c)))
    if (records.length > c.entries.length) longer++
  }
  expect(longer).toBeGreaterThan(12)
})

test('clocks jump by more than lateness, in both directions', () => {
  const jumps = seeds.flatMap((seed) => {
    const times = troubled(calm(seed))
      .c.entries.flatMap((e) => (e.kind === 'deals' ? e.deals : []))
      .map((d) => d.timeMs)
    return times.slice(1).map((ms, i) => ms - times[i]!)
  })
  expect(Math.max(...jumps)).toBeGreaterThan(500_000)
  expect(Math.min(...jumps)).toBeLessThan(-80_000_000)
})

test('a commit that is hit is kept whole or not at all', async () => {
  const outputs = [1, 2, 3].map((as_of) => ({ kind: 'ranking', as_of }) as never)
  const changes = new Map([['task', '{"streamMs":5}']])
  for (const [fault, kept] of [
    ['before', 0],
    ['in', 0],
    ['after', 3],
  ] as const) {
    const log = new SimulatedLog([])
    log.fault = fault
    await expect(log.commit({ position: 9, outputs, changes })).rejects.toThrow()
    expect([(await log.committed()).position, log.outputs.length]).toEqual([kept ? 9 : -1, kept])
    await log.commit({ position: 10, outputs, changes })
    expect(log.outputs).toHaveLength(kept + 3)
  }
})
