import { DEFINITION_KEYS, DEFINITION_REQUIRED, ON } from './common.ts'
import { CAP_POINTS_MAX, COLUMN_STEPS_MAX, COLUMNS_MAX, PER_MAX, RANKING_LIMIT_MAX, WEIGHT_MAX } from './limits.ts'
import { RUNNING_KEYS, RUNNING_KINDS } from './measures.ts'
import { anyOf, described, duration, integer, type Keys, list, mapOf, mapping, named, names, text } from './schema.ts'
import { testsOf } from './tests.ts'

export const RANKING_WINDOW_KEYS: Keys = {
  sliding: described('Length of the window [as_of - sliding, as_of). At most 31d.', duration),
  step: described('A ranking comes out at every multiple of it since the epoch.', duration),
}
export const CAP_KEYS: Keys = {
  per: described('The field, such as user_id.', text),
  points: described('The most points that one of its values gives to an item.', {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: CAP_POINTS_MAX,
  }),
}
export const SCORE_KEYS: Keys = {
  weights: described(
    'Points by event type, for each type of "on".',
    mapOf({ type: 'number', minimum: 0, maximum: WEIGHT_MAX }),
  ),
  cap: described('The most that one user, or the like, gives to one item.', mapping(CAP_KEYS, ['per', 'points'])),
}

export const RANK_CHANGE_KEYS: Keys = {
  rank_change: described('How long ago: the rank then minus the rank now. A multiple of the step.', duration),
}
export const SPARKLINE_KEYS: Keys = {
  sparkline: described('So many scores of the item, up to the one of this ranking.', integer(2, COLUMN_STEPS_MAX)),
  step: described('Time from one to the next: a multiple of the step of the ranking.', duration),
}
/** What an item has without columns. */
export const ITEM_KEYS = ['id', 'score', 'rank', 'previous_rank']

const COLUMN = anyOf(
  ...Object.entries(RUNNING_KINDS).map(([kind, { value, keys, required }]) =>
    mapping({ [kind]: value, ...keys, where: RUNNING_KEYS.where }, [kind, ...required]),
  ),
  mapping(RANK_CHANGE_KEYS, ['rank_change']),
  mapping(SPARKLINE_KEYS, ['sparkline', 'step']),
)

const ORDER = { type: 'string', pattern: '^\\w+(?: (?:asc|desc))?$' }

export const RANKING_KEYS: Keys = {
  ranking: described('The id, in snake_case.', text),
  ...DEFINITION_KEYS,
  tests: testsOf('ranking'),
  on: ON,
  rank: described('The field whose values are ranked.', text),
  per: described(
    'Fields: a ranking for each of their values. Without it, one over all.',
    anyOf({ type: 'array', maxItems: 0 }, names(PER_MAX)),
  ),
  window: described('{ sliding: 60m, step: 1m }', mapping(RANKING_WINDOW_KEYS, ['sliding', 'step'])),
  score: described('What an event is worth. Without it, 1 each.', mapping(SCORE_KEYS, [])),
  limit: described('So many ranks.', integer(1, RANKING_LIMIT_MAX)),
  ties: described(
    'Equal scores are ordered by the ranked field, [item_id asc]; "all" keeps every item tied with the last one.',
    anyOf(ORDER, list(ORDER, { minItems: 1, maxItems: 1 })),
  ),
  columns: described(
    'What else is said of each item, by name: a measure over the window, a change of rank, the course of its score.',
    named(COLUMN, { maxProperties: COLUMNS_MAX }, ITEM_KEYS),
  ),
}

export const RANKING_REQUIRED = ['ranking', ...DEFINITION_REQUIRED, 'on', 'rank', 'window', 'limit']
