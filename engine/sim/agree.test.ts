import { expect, test } from 'vitest'
import { search } from './agree.ts'

const runs = Number(process.env.LAPWING_SIM_RUNS ?? 60)
const timeout = 60_000 + runs * 1_000

test('the fast engine and the reference agree', { timeout }, () => {
  expect(search({ cuts: 'none', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is restored from a snapshot at a random record', { timeout }, () => {
  expect(search({ cuts: 'one', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is built again from the log at a random record', { timeout }, () => {
  expect(search({ cuts: 'replay', stepsMax: 120, runs })).toBe(null)
})

test('they agree when the task is restored at every record', { timeout }, () => {
  expect(search({ cuts: 'all', stepsMax: 25, runs })).toBe(null)
})
