import { expect, test } from 'vitest'
import { search } from './agree.ts'

const runs = Number(process.env.LAPWING_SIM_RUNS ?? 60)
const timeout = 60_000 + runs * 1_000

test('the fast engine and the reference agree', { timeout }, async () => {
  expect(await search({ trial: 'none', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is restored from a snapshot at a random record', { timeout }, async () => {
  expect(await search({ trial: 'one', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is built again from the log at a random record', { timeout }, async () => {
  expect(await search({ trial: 'replay', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is restored at every record', { timeout }, async () => {
  expect(await search({ trial: 'all', stepsMax: 25, runs })).toBe(null)
})

test('crashes, repetitions, torn snapshots and clock jumps change nothing that is committed', { timeout }, async () => {
  expect(await search({ trial: 'faults', stepsMax: 120, runs })).toBe(null)
})
