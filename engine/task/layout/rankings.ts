import { own } from '../../kit/own.ts'
import type { Ranking } from '../../model/rule.ts'
import { POINT } from '../measures.ts'
import type { RankingPlan } from '../plans.ts'
import type { Draft } from './draft.ts'
import { addRunning } from './readers.ts'

export function addRanking(draft: Draft, ranking: Ranking): void {
  const { feeds, counters } = draft
  const scope = draft.scope(ranking)
  const clock = draft.clocks.of(ranking.settleMs)
  const space = draft.spaces.of(ranking, [...ranking.per, ranking.rank], `${ranking.id}@${ranking.version}`)
  const filter = draft.filters.of(ranking, scope)
  // [asOf - w, asOf) in whole milliseconds: the event at asOf - w leaves one millisecond after asOf
  const place = { space, clock, windowMs: ranking.windowMs + 1, tumbling: null, filter }
  const weights = Float64Array.from(draft.types.plans, (t) => Math.round((own(ranking.weights, t.name) ?? 0) * POINT))
  const capPoints = ranking.cap ? Math.round(ranking.cap.points * POINT) : 0
  const plan: RankingPlan = {
    ranking,
    space,
    filter,
    events: feeds.of(ranking, place, 'events', null),
    points: ranking.cap
      ? feeds.of(ranking, place, 'cappedPoints', draft.columns.code(ranking, ranking.cap.per), { weights, capPoints })
      : feeds.of(ranking, place, 'points', null, { weights, capPoints }),
    columns: ranking.columns.map((column) => ({
      column,
      read:
        'of' in column ? addRunning(draft, ranking, scope, place, { ...column, windowMs: place.windowMs }).read : null,
    })),
    nullKeys: counters.counter('null_keys_total', { rule: ranking.id }),
    keysRefused: counters.counter('keys_refused_total', { rule: ranking.id }),
    outputsCut: counters.counter('outputs_cut_total', { rule: ranking.id }),
  }
  draft.rankings.push(plan)
  draft.clocks.plans[clock].boards.push(draft.rankings.length - 1)
  draft.types.use(ranking, plan)
}
