import { bare } from '../../kit/own.ts'
import type { Ranking } from '../../model/rule.ts'
import type { Type } from '../expression/names.ts'
import { CAP_POINTS_MAX, PER_MAX, RANKING_LIMIT_MAX, WEIGHT_MAX } from '../shape/limits.ts'
import { CAP_KEYS, ITEM_KEYS, RANKING_KEYS, RANKING_WINDOW_KEYS, SCORE_KEYS } from '../shape/ranking.ts'
import { didYouMean } from '../source/suggest.ts'
import { type Entry, entryOf, type MapNode } from '../source/tree.ts'
import { durationOf, windowOf } from '../source/values.ts'
import { checkColumns } from './columns.ts'
import type { Draft } from './definition.ts'
import type { TestNames } from './rule.ts'

export interface CheckedRanking {
  readonly ranking: Omit<Ranking, 'hash'> | null
  readonly names: TestNames
}

export function checkRanking(draft: Draft): CheckedRanking {
  const { read } = draft
  read.keys(draft.node, Object.keys(RANKING_KEYS), 'of a ranking')
  const version = draft.version()
  const title = draft.title()
  const owner = draft.owner()
  const mode = draft.mode()
  const settleMs = draft.settleMs()
  draft.readLets()
  const where = draft.readingCondition(draft.value('where'), 'where')
  const unless = draft.readingCondition(draft.value('unless'), 'unless')
  const rankNode = draft.required('rank')
  const rank = rankNode && read.text(rankNode, 'rank')
  if (rankNode && rank) draft.fieldOrLet(rank, rankNode.span)
  const per = checkPer(draft)
  const { windowMs, stepMs } = checkWindow(draft)
  const { weights, cap } = checkScore(draft)
  const limitNode = draft.required('limit')
  const limit = limitNode && read.integer(limitNode, 'limit', 1, RANKING_LIMIT_MAX)
  const ties = checkTies(draft, rank)
  const columns = checkColumns(draft, windowMs, stepMs)
  draft.warnUnused()

  const faulty = read.report.errorCount > 0 || version === null || title === null || rank === null || limit === null
  const ranking = faulty
    ? null
    : ({
        kind: 'ranking',
        id: draft.id,
        version,
        title,
        owner,
        mode,
        on: draft.types,
        lets: draft.lets,
        where,
        unless,
        settleMs,
        params: Object.fromEntries(draft.params),
        rank,
        per: [...per.keys()],
        windowMs,
        stepMs,
        weights,
        cap,
        limit,
        ties,
        columns,
      } as const)
  return { ranking, names: { by: per, measures: itemTypes(draft), violations: new Set() } }
}

/** What a test may ask of an item beside its id. */
function itemTypes(draft: Draft): Map<string, Type> {
  const node = draft.value('columns')
  const columns = node?.kind === 'map' ? node.entries.map((e) => e.key) : []
  return new Map([...ITEM_KEYS.filter((key) => key !== 'id'), ...columns].map((name) => [name, 'unknown']))
}

function checkPer(draft: Draft): Map<string, Type> {
  const node = draft.value('per')
  const out = new Map<string, Type>()
  if (!node || (node.kind === 'seq' && node.items.length === 0)) return out
  for (const { name, span } of draft.read.names(node, 'per') ?? [])
    out.set(name, draft.fieldOrLet(name, span) ?? 'unknown')
  if (out.size > PER_MAX) draft.read.fault('too-many', node, `at most ${PER_MAX} fields in "per"`)
  return out
}

function checkWindow(draft: Draft): { windowMs: number; stepMs: number } {
  const { read } = draft
  const node = draft.required('window')
  const faulty = { windowMs: 0, stepMs: 0 }
  if (!node || node.kind === 'broken') return faulty
  if (node.kind !== 'map') {
    read.fault(
      'wrong-value',
      node,
      'the window of a ranking has a length and a step',
      'such as { sliding: 60m, step: 1m }',
    )
    return faulty
  }
  const tumbling = entryOf(node, 'tumbling')
  if (tumbling) {
    read.fault('unknown-key', tumbling.keySpan, 'the window of a ranking slides', 'as in { sliding: 24h, step: 1m }')
    return faulty
  }
  read.keys(node, Object.keys(RANKING_WINDOW_KEYS), 'of window')
  const at = entryOf(draft.node, 'window')!.keySpan
  const sliding = read.required(node, 'sliding', at, 'the window of a ranking')
  const step = read.required(node, 'step', at, 'the window of a ranking')
  const windowMs = sliding && windowOf(read, sliding, 'sliding')
  const stepMs = step && durationOf(read, step, 'step', 1_000, Number.MAX_SAFE_INTEGER)
  if (step && windowMs && stepMs && stepMs > windowMs)
    read.fault('out-of-range', step, 'step is longer than the window')
  return { windowMs: windowMs ?? 0, stepMs: stepMs ?? 0 }
}

function checkScore(draft: Draft): { weights: Ranking['weights']; cap: Ranking['cap'] } {
  const { read } = draft
  const entry = entryOf(draft.node, 'score')
  const ones = Object.fromEntries(draft.types.map((t) => [t, 1]))
  const map = entry && read.map(entry.value, 'score')
  if (!map) return { weights: ones, cap: null }
  read.keys(map, Object.keys(SCORE_KEYS), 'of score')
  const weightsEntry = entryOf(map, 'weights')
  const weights = weightsEntry ? checkWeights(draft, weightsEntry) : ones
  return { weights, cap: checkCap(draft, map) }
}

function checkWeights(draft: Draft, entry: Entry): Record<string, number> {
  const { read } = draft
  const map = read.map(entry.value, 'weights')
  const out = bare<number>()
  if (!map) return out
  for (const { key, keySpan, value } of map.entries) {
    if (!draft.types.includes(key) && !draft.fields.open) {
      read.fault('unknown-event-type', keySpan, `"${key}" is not in "on"`, didYouMean(key, draft.types))
    }
    const weight = read.number(value, `the weight of ${key}`)
    if (weight === null) continue
    if (weight < 0 || weight > WEIGHT_MAX) read.fault('out-of-range', value, `a weight is from 0 to ${WEIGHT_MAX}`)
    else if (!hasSixDigits(weight)) read.fault('out-of-range', value, 'a weight has at most 6 digits behind the point')
    else out[key] = weight
  }
  for (const type of draft.types) {
    if (!entryOf(map, type))
      read.fault('missing-key', entry.keySpan, `"weights" says nothing about ${type}`, `add ${type}: 1`)
  }
  return out
}

function checkCap(draft: Draft, score: MapNode): Ranking['cap'] {
  const { read } = draft
  const entry = entryOf(score, 'cap')
  const map = entry && read.map(entry.value, 'cap')
  if (!map) return null
  read.keys(map, Object.keys(CAP_KEYS), 'of cap')
  const perNode = read.required(map, 'per', entry.keySpan, 'cap')
  const per = perNode && read.text(perNode, 'per')
  if (perNode && per) draft.fieldOrLet(per, perNode.span)
  const pointsNode = read.required(map, 'points', entry.keySpan, 'cap')
  const points = pointsNode && read.number(pointsNode, 'points')
  if (!per || points === null || !pointsNode) return null
  if (points > 0 && points <= CAP_POINTS_MAX && hasSixDigits(points)) return { per, points }
  return read.fault('out-of-range', pointsNode, 'points is above 0, with at most 6 digits behind the point')
}

function checkTies(draft: Draft, rank: string | null): Ranking['ties'] {
  const { read } = draft
  const node = draft.value('ties')
  if (!node || node.kind === 'broken') return 'asc'
  if (node.kind === 'scalar' && node.value === 'all') return 'all'
  const only = node.kind === 'seq' && node.items.length === 1 ? node.items[0] : node
  const written = only.kind === 'scalar' ? /^(\w+)(?: (asc|desc))?$/.exec(only.text) : null
  if (written && (written[1] === rank || rank === null)) return written[2] === 'desc' ? 'desc' : 'asc'
  read.fault(
    'wrong-value',
    only,
    'ties are decided by the ranked field, or "all" are kept',
    `such as [${rank ?? 'item_id'} asc]`,
  )
  return 'asc'
}

function hasSixDigits(x: number): boolean {
  return Math.abs(Math.round(x * 1e6) - x * 1e6) < 1e-3
}
