import { SEVERITIES } from '../../model/rule.ts'
import { COUNT_MAX, TEST_EVENTS_MAX, TESTS_MAX } from './limits.ts'
import {
  anyOf,
  date,
  described,
  duration,
  durationOrZero,
  id,
  integer,
  type Keys,
  list,
  mapOf,
  mapping,
  offset,
  oneOf,
  type Schema,
  scalar,
  scalarOrNull,
  text,
} from './schema.ts'

/** What a row of events has beside its fields. */
export const EVENT_KEYS: Keys = {
  at: described('When it happens, from the start of the test on: 0m, 90s, -5m.', offset),
  arrives: described('When it arrives, if that is later.', offset),
  repeat: described('So many events; n counts them from 0 in "{n}".', integer(1, TEST_EVENTS_MAX)),
  every: described('Time from one repeated event to the next.', durationOrZero),
  type: described('The event type. All other keys are fields of it; one that is left out is null.', text),
}
export const ADVANCE_KEYS: Keys = { advance: described('Moves the clock on by so much, without events.', duration) }

const EVENT_ROW: Schema = {
  if: { required: ['advance'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: mapping(ADVANCE_KEYS, ['advance']),
  else: mapping(EVENT_KEYS, ['at', 'type'], {
    additionalProperties: scalarOrNull,
    dependencies: { repeat: ['every'], every: ['repeat'] },
  }),
}

export const SUSPECT_KEYS: Keys = {
  value: described('The value of the field.', scalar),
  events: described('Its number of events.', integer(1, COUNT_MAX)),
}

const EXPECTED: Keys = {
  at: described('When the alert opened, or the moment of the ranking.', offset),
  key: described('Fields of the key.', mapOf(scalar)),
  severity: described('As it stood at the end.', oneOf(SEVERITIES)),
  measure: described('Measures by name, as they stood at the end.', mapOf(anyOf(scalarOrNull, list(scalar)))),
  violation: described('The violation or match.', text),
  folded: described('The arrivals that folded into the alert.', integer(0, COUNT_MAX)),
  suspects: described(
    'All suspects: values, or { value, events }.',
    list(anyOf(scalar, mapping(SUSPECT_KEYS, ['value']))),
  ),
  explain_contains: described('A part of the sentence.', text),
  items: described(
    'All items from the first rank on: ids, or { id, rank, … } with columns.',
    list(
      anyOf(id, {
        ...mapOf(anyOf(scalarOrNull, list(scalarOrNull))),
        properties: { id: described('The item.', id) },
        required: ['id'],
      }),
    ),
  ),
}

/** What an expectation may name, by the kind of document. */
export const EXPECTATION_KEYS = {
  rule: ['at', 'key', 'severity', 'measure', 'folded', 'suspects', 'explain_contains'],
  sequence: ['at', 'key', 'severity', 'violation', 'folded', 'explain_contains'],
  ranking: ['at', 'key', 'items'],
} as const
export type TestedKind = keyof typeof EXPECTATION_KEYS

function testKeysOf(kinds: readonly TestedKind[]): Keys {
  const known = new Set<string>(kinds.flatMap((kind) => EXPECTATION_KEYS[kind]))
  const rows = list(mapping(Object.fromEntries(Object.entries(EXPECTED).filter(([key]) => known.has(key))), []))
  return {
    name: described('What the test shows.', text),
    events: described('Rows of events; { advance: 20m } moves the clock.', list(EVENT_ROW)),
    expect: described('Exactly these alerts or rankings, each matched on the keys it names; [] is "nothing".', rows),
    expect_muted: described('Exactly these muted alerts.', rows),
    expect_abstained: described('The number of evaluations that abstained.', integer(0, COUNT_MAX)),
    lists: described('Items of lists, in place of their own.', mapOf(list(id))),
    features: described(
      'What features say, in place of what they would publish: by feature, key and measure.',
      mapOf(mapOf(mapOf(anyOf(scalarOrNull, list(scalar))))),
    ),
    params: described('Values of params, in place of their own.', mapOf(scalar)),
    start: described('When the test begins, UTC. Default: 2026-01-01.', date),
  }
}

export const TEST_KEYS: Keys = testKeysOf(['rule'])

/** `tests:` of such documents. */
export function testsOf(...kinds: TestedKind[]): Schema {
  const expects = ['expect', 'expect_muted', 'expect_abstained'].map((key) => ({ required: [key] }))
  const test = mapping(testKeysOf(kinds), ['name', 'events'], { anyOf: expects })
  return described('Cases that the engine itself is run on: lapwing test.', list(test, { maxItems: TESTS_MAX }))
}
