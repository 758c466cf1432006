import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cuts, disagreement } from './agree.ts'
import { cases } from './generate.ts'

const trials: readonly { cuts: Cuts; stepsMax: number; runs: number }[] = [
  { cuts: 'none', stepsMax: 120, runs: 40 },
  { cuts: 'one', stepsMax: 120, runs: 20 },
  { cuts: 'replay', stepsMax: 120, runs: 20 },
  { cuts: 'all', stepsMax: 25, runs: 20 },
]

for (const { cuts, stepsMax, runs } of trials)
  test(`the same cases agree with the reference, cut: ${cuts}`, () => {
    for (const c of fc.sample(cases(stepsMax), { seed: 42, numRuns: runs })) expect(disagreement(c, cuts)).toBe(null)
  })
