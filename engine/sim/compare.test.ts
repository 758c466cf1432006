import { expect, test } from 'vitest'
import { deal, markOf, rankingOf, ruleOf, setOf } from './build.ts'
import { firstDifference } from './compare.ts'
import { describeCase } from './generate/describe.ts'
import { seededCase } from './generate.ts'
import { play } from './play.ts'

const outputs = play({ set: setOf([ruleOf()], [rankingOf({ per: ['shop'] })]) }, [
  [deal(0, { shop: 'A' }), deal(0, { shop: 'B' })],
  markOf(20),
]).outputs

test('the same outputs agree; closings and groups of one moment may stand in another order, openings may not', () => {
  // open A, open B, closed A, closed B, ranking A, ranking B
  const [openA, openB, closedA, closedB, rankingA, rankingB] = outputs
  expect(outputs.map((o) => (o.kind === 'alert' ? o.status : o.kind)).slice(0, 6)).toEqual([
    'open',
    'open',
    'closed',
    'closed',
    'ranking',
    'ranking',
  ])
  const rest = outputs.slice(6)
  expect(firstDifference(outputs, [openA!, openB!, closedB!, closedA!, rankingB!, rankingA!, ...rest])).toBe(null)
  expect(firstDifference(outputs, [openB!, openA!, closedA!, closedB!, rankingA!, rankingB!, ...rest])).toContain(
    'key.shop: expected "A", actual "B"',
  )
})

test('the first difference names the record, the fields, and both sides', () => {
  const changed = outputs.map((o, i) => (i === 2 && o.kind === 'alert' ? { ...o, folded: 7 } : o))
  const difference = firstDifference(outputs, changed)
  expect(difference).toContain('differs:\n  folded: expected 0, actual 7')
  expect(firstDifference(outputs, outputs.slice(0, -1))).toContain('one of the two ends here')
  expect(firstDifference([], [])).toBe(null)
})

test('a case prints as text', () => {
  expect(describeCase(seededCase(1, 20))).toMatch(/^start .*\nstream \{"latenessMs":/)
})
