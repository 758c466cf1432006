import { ITEMS_MAX } from './limits.ts'
import { described, duration, type Keys, list, mapping, oneOf, type Schema, text } from './schema.ts'

export const LIST_KINDS = ['allow', 'deny', 'watch'] as const
export const LIST_TYPES = ['string', 'number'] as const
/** Where items may come from: a source has one of these keys. */
export const SOURCES = ['file', 'topic', 'alerts'] as const

export const SOURCE_KEYS: Keys = {
  file: described('A file beside this one: an item a line, or a column of a CSV file.', text),
  topic: described('A compacted topic.', text),
  alerts: described('A rule: what its live alerts are about.', text),
  column: described('Of a CSV file with a header.', text),
  ttl: described('How long an alert keeps its item in the list. Without it, for ever.', duration),
}
/** Key -> the source that it belongs to. */
export const SOURCE_EXTRAS = { column: 'file', ttl: 'alerts' } as const

export const LIST_KEYS: Keys = {
  list: described('The id, in snake_case: rules read it as lists.id.', text),
  kind: described('allow, deny or watch.', oneOf(LIST_KINDS)),
  of: described('What its items are.', oneOf(LIST_TYPES)),
  items: described('The items. [] is an empty list.', list({}, { maxItems: ITEMS_MAX })),
  source: described(
    'Where items come from: { file, column }, { topic } or { alerts, ttl }.',
    mapping(SOURCE_KEYS, [], {
      oneOf: SOURCES.map((source) => ({ required: [source] })),
      dependencies: Object.fromEntries(Object.entries(SOURCE_EXTRAS).map(([key, source]) => [key, [source]])),
    }),
  ),
  title: described('What the list is for.', text),
  owner: described('The team that answers for it.', text),
}

export const LIST: Schema = mapping(LIST_KEYS, ['list', 'kind', 'of'], {
  oneOf: [{ required: ['items'] }, { required: ['source'] }],
  allOf: LIST_TYPES.map((of) => ({
    if: { properties: { of: { const: of } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { items: { items: { type: of } } } },
  })),
})
