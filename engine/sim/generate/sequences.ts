import fc from 'fast-check'
import {
  SEVERITIES,
  type SequenceMatch,
  type SequenceRule,
  type SequenceStep,
  type Violation,
} from '../../model/rule.ts'
import { call, field, sequenceOf } from '../build.ts'
import { DEAL_TYPES } from '../deals.ts'
import { bindNames, boolean } from './expressions.ts'
import { type Generated, optional } from './measures.ts'

const NAMES = ['a', 'b', 'c', 'd']
const WITHINS_MS = [0, 10, 100, 100, 1_000, 7_000]
const withinMs = fc.constantFrom(...WITHINS_MS)
const filter = boolean({ event: true, measures: false }, 1)
const stepNumber = fc.nat({ max: 3 })
const severity = fc.constantFrom(...SEVERITIES)
const sayKey = [
  { text: 'key ' },
  { expression: { op: 'key', type: 'string', name: '0' }, format: 'plain', digits: 0 },
] as const

const rare = call('eq', field('count'), 100)

const violationSeed = fc.oneof(
  fc.record({
    kind: fc.constantFrom('expect' as const, 'expect' as const, 'expect_each' as const),
    after: stepNumber,
    expect: fc.array(stepNumber, { minLength: 1, maxLength: 2 }),
    withinMs,
    severity,
  }),
  fc.record({ kind: fc.constant('forbid' as const), forbid: stepNumber, before: stepNumber, severity }),
)

const matchSeed = fc.record({
  order: fc.array(stepNumber, { minLength: 1, maxLength: 3 }),
  without: optional(fc.array(stepNumber, { minLength: 1, maxLength: 2 }), 2),
  withinMs: fc.constantFrom(...WITHINS_MS, 60_000, 60_000),
  severity,
})

export const sequenceSeed = fc.record({
  by: fc.constantFrom(['shop'], ['buyer'], ['shop', 'buyer'], ['device'], ['pair']),
  where: optional(filter, 6),
  unless: optional(filter, 6),
  settleMs: fc.constantFrom(0, 0, 0, 50, 2_000),
  steps: fc.array(
    fc.record({ on: fc.subarray([...DEAL_TYPES], { minLength: 1, maxLength: 2 }), where: optional(filter, 3) }),
    {
      minLength: 2,
      maxLength: 4,
    },
  ),
  violations: fc.array(violationSeed, { maxLength: 3 }),
  matches: fc.array(matchSeed, { minLength: 1, maxLength: 2 }),
  /** The first match has a last step that is rare, and its partial matches pile up; so do answers to a violation. */
  piles: fc.constantFrom(true, false, false, false),
  violationsOnly: fc.constantFrom(true, true, false),
  /** Over and above the longest `within`. */
  remembersMs: fc.constantFrom(1, 10, 100, 5_000, 60_000),
  cooldownMs: fc.constantFrom(0, 0, 1, 100, 5_000, 90_000),
  drop: optional(filter, 6),
  mute: optional(fc.tuple(boolean({ event: false, measures: false }, 1), fc.constantFrom(500, 2_000, 3_600_000)), 4),
})

export function sequenceFrom(seed: Generated<typeof sequenceSeed>, index: number, startMs: number): SequenceRule {
  const { where, unless, settleMs, cooldownMs } = seed.piles ? { ...seed, where: null, unless: null } : seed
  const by = seed.piles ? ['shop'] : seed.by
  const bind = <T>(tree: T) => tree && bindNames(tree as never, { number: [], string: [], boolean: [], list: [] }, by)
  const last = seed.steps.length - 1
  const stepFrom = ({ on, where }: (typeof seed.steps)[number], i: number): SequenceStep => {
    if (seed.piles && i === 0) return { name: NAMES[i]!, on: DEAL_TYPES, where: null }
    return { name: NAMES[i]!, on, where: seed.piles && i === last ? rare : bind(where) }
  }
  const steps = seed.steps.map(stepFrom)
  const name = (n: number) => steps[n % steps.length]!.name
  const names = (numbers: readonly number[]) => [...new Set(numbers.map(name))]
  const explain = sayKey.map((part) => ('text' in part ? part : { ...part, expression: bind(part.expression) }))
  const violations = seed.violations.map((v, i): Violation => {
    const common = { name: `v${v.kind === 'expect_each' ? '_each' : ''}${i}`, severity: v.severity, explain }
    return v.kind === 'forbid'
      ? { ...common, kind: 'forbid', forbid: name(v.forbid), before: name(v.before) }
      : { ...common, kind: v.kind, after: name(v.after), expect: names(v.expect), withinMs: v.withinMs }
  })
  if (seed.piles) {
    const ends = { after: name(last), expect: [name(0)], withinMs: 0, severity: 'low', explain } as const
    violations.push({ name: 'v_each_piled', kind: 'expect_each', ...ends })
  }
  const isOfViolations = seed.violationsOnly && violations.length > 0 && !seed.piles
  const matches = (isOfViolations ? [] : seed.matches).map(
    (m, i): SequenceMatch => ({
      name: `match${i}`,
      ...(seed.piles && i === 0
        ? { order: [name(0), name(last)], without: [], withinMs: 60_000 }
        : { order: m.order.map(name), without: names(m.without ?? []), withinMs: m.withinMs }),
      severity: m.severity,
      explain,
    }),
  )
  const withins = violations.map((v) => (v.kind === 'forbid' ? 0 : v.withinMs))
  const exception = { reason: '', name: 'x' }
  return sequenceOf({
    id: `sequence${index}`,
    params: { limit: 2 },
    by,
    about: by.at(-1)!,
    where: bind(where),
    unless: bind(unless),
    settleMs,
    cooldownMs,
    steps,
    on: [...new Set(steps.flatMap((s) => s.on))],
    violations,
    matches,
    forgetAfterMs: Math.max(0, ...withins) + seed.remembersMs,
    exceptions: [
      ...(seed.drop
        ? [{ ...exception, apply: 'drop_event' as const, when: bind(seed.drop), untilMs: startMs + 2_000 }]
        : []),
      ...(seed.mute
        ? [{ ...exception, apply: 'mute_alert' as const, when: bind(seed.mute[0]), untilMs: startMs + seed.mute[1] }]
        : []),
    ],
  })
}
