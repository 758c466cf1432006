import { BASELINE_STEPS_MAX, LOWER_BOUND_MIN, MEASURES_MAX, RATIO_PARTS, TOP_MAX } from './limits.ts'
import {
  anyOf,
  condition,
  described,
  duration,
  integer,
  type Keys,
  list,
  mapOf,
  mapping,
  named,
  type Schema,
  text,
} from './schema.ts'

export const TUMBLING_KEYS: Keys = {
  tumbling: described('Length of the calendar windows: divides a day, or is a whole number of days.', duration),
  zone: described('Time zone by its IANA name, such as Asia/Shanghai. Default: UTC.', text),
}
export const WINDOW = described(
  '1h: the events of (t - 1h, t], exactly. { tumbling: 1d, zone: Asia/Shanghai }: those of the calendar day. At most 31d.',
  anyOf(duration, mapping(TUMBLING_KEYS, ['tumbling'])),
)

/** What a running measure may have beside its kind. */
export const RUNNING_KEYS: Keys = {
  where: described('Condition on the event: only those for which it is true are measured here.', condition),
  window: described("A window of the measure's own.", WINDOW),
  prior: described('true: the arriving event is left out. Makes the rule evaluate on arrival only.', {
    type: 'boolean',
  }),
}

interface RunningKind {
  readonly value: Schema
  /** Keys of this kind only. */
  readonly keys: Keys
  readonly required: readonly string[]
}

function running(description: string, keys: Keys = {}, required: readonly string[] = [], value = text): RunningKind {
  return { value: described(description, value), keys, required }
}

/** Kinds that are kept while events enter and leave -> the key that names each, with what it measures. */
export const RUNNING_KINDS = {
  count: running('The number of events: count: events.', {}, [], { const: 'events' }),
  distinct: running('The number of different values of a field.'),
  sum: running('The sum of a field. 0 in an empty window.'),
  avg: running('The mean of a field. Null in an empty window.'),
  min: running('The least value of a field. Null in an empty window.'),
  max: running('The greatest value of a field. Null in an empty window.'),
  stddev: running("A field's standard deviation, that of the population. Null in an empty window."),
  last: running('The value of the event with the greatest time; of several, of the one read last.'),
  share: running('The largest share that one value of the field has, from 0 to 1.'),
  top: running('The most frequent values of the field, a list; ties are broken by value.', {
    k: described('How many values. Default: 1.', integer(1, TOP_MAX)),
  }),
  percentile: running(
    'A percentile of a field, within 1 % of its value.',
    { p: described('In percent: 95 is the 95th.', { type: 'number', exclusiveMinimum: 0, maximum: 100 }) },
    ['p'],
  ),
} as const satisfies Readonly<Record<string, RunningKind>>

export const RATIO_KEYS: Keys = {
  ratio: described(
    'Two measures that are counted or summed, divided: [orders, buyers].',
    list(text, { minItems: RATIO_PARTS, maxItems: RATIO_PARTS }),
  ),
  at_least: described(
    'The least sample, by measure: { orders: 5 } or { orders: params.min }. Below it the rule abstains.',
    mapOf(anyOf({ type: 'number' }, { type: 'string', pattern: '^params\\.\\w+$' })),
  ),
  lower_bound: described('A confidence such as 0.95: the lower Wilson bound stands for the raw ratio.', {
    type: 'number',
    minimum: LOWER_BOUND_MIN,
    exclusiveMaximum: 1,
  }),
}

export const BASELINE_KEYS: Keys = {
  baseline: described(
    'The usual values of another measure, read as name.mean, name.stddev and name.points; its current window is left out.',
    text,
  ),
  over: described('How far back, such as 7d.', duration),
  step: described("How often the measure's value is taken, such as 1d: at multiples of it since the epoch.", duration),
  min_points: described('With fewer values the rule abstains. Default: 3.', integer(1, BASELINE_STEPS_MAX)),
}

const MEASURE = anyOf(
  ...Object.entries(RUNNING_KINDS).map(([kind, { value, keys, required }]) =>
    mapping({ [kind]: value, ...keys, ...RUNNING_KEYS }, [kind, ...required]),
  ),
  mapping(RATIO_KEYS, ['ratio']),
  mapping(BASELINE_KEYS, ['baseline', 'over', 'step']),
)

/** Measures of a feature: there is no arriving event to leave out of them. */
const FEATURE_MEASURE = anyOf(
  ...Object.entries(RUNNING_KINDS).map(([kind, { value, keys, required }]) =>
    mapping({ [kind]: value, ...keys, where: RUNNING_KEYS.where, window: RUNNING_KEYS.window }, [kind, ...required]),
  ),
  mapping(RATIO_KEYS, ['ratio']),
)

export const FEATURE_MEASURE_MAP = described(
  'What is published, by name: read as features.id[key].name.',
  named(FEATURE_MEASURE, { minProperties: 1, maxProperties: MEASURES_MAX }),
)

export const MEASURE_MAP = described(
  'What is counted, by name: the condition and the alert read these names. Measures skip nulls and include the event itself.',
  named(MEASURE, { minProperties: 1, maxProperties: MEASURES_MAX }),
)
