import type { SequenceRule } from '../../model/rule.ts'
import { compileTemplate } from '../../rules/evaluate/template.ts'
import { planSequence, type SequencePlan } from '../sequence/plan.ts'
import type { Draft } from './draft.ts'

export function addSequence(draft: Draft, rule: SequenceRule): void {
  const { types, clocks, filters } = draft
  const events = draft.scope(rule)
  const scope = draft.scope(rule, rule.by)
  const clock = clocks.of(rule.settleMs)
  const space = draft.spaces.of(rule, rule.by, `${rule.id}@${rule.version}`)
  const filter = filters.of(rule, events)
  const plan = planSequence(rule, {
    index: draft.sequences.length,
    firstAlertPlan: draft.alertPlans.length,
    space,
    clock,
    filter,
    filters: rule.steps.map((step) => {
      const definition = { ...rule, on: step.on }
      return filters.within(definition, draft.scope(definition), filter, step.where)
    }),
    typeIndex: types.index,
    key: rule.by.map((name) => scope.key(name)),
    mutes: draft.mutes(rule, scope),
    explain: (parts) => compileTemplate(parts, scope),
    counters: draft.counters,
  })
  draft.sequences.push(plan)
  draft.alertPlans.push(...[...plan.violations, ...plan.matches].map((v) => v.alert))
  holdKeys(draft, plan)
  types.use(rule, plan)
  for (const t of types.of(rule)) clocks.plans[clock].sequences[t].push(plan)
}

/** Events keep their key's slot for as long as they can come late: a window that feeds nothing. */
function holdKeys({ streams, types, clocks, spaces }: Draft, { rule, space, clock }: SequencePlan): void {
  const windowMs = Math.max(...streams.map((s) => s.latenessMs)) + 1
  spaces.plans[space].longestMs = windowMs + clocks.plans[clock].settleMs
  const { groups } = clocks.window(clock, windowMs)
  for (const t of types.of(rule)) groups[t].push({ space, feeds: [] })
}
