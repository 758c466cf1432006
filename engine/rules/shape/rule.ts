import { SEVERITIES } from '../../model/rule.ts'
import { ALERT_KEYS, DEFINITION_KEYS, DEFINITION_REQUIRED, EXCEPTIONS, EXPLAIN, ON } from './common.ts'
import { BY_MAX, EVIDENCE_MAX, SUSPECTS_MAX } from './limits.ts'
import { MEASURE_MAP, WINDOW } from './measures.ts'
import { anyOf, condition, described, integer, type Keys, list, mapping, named, names, oneOf, text } from './schema.ts'
import { testsOf } from './tests.ts'

export const EVALUATES = ['every_change', 'arrival'] as const

export const SUSPECTS_KEYS: Keys = {
  of: described('The field whose values are counted.', text),
  k: described('How many values; ties are all named. Default: 3.', integer(1, SUSPECTS_MAX)),
}
export const EVIDENCE_KEYS: Keys = {
  events: described('How many events of the window.', integer(1, EVIDENCE_MAX)),
  fields: described('Which of their fields.', names()),
}
export const RULE_ALERT_KEYS: Keys = {
  ...ALERT_KEYS,
  suspects: described(
    'The values of a field with the most events while the condition held.',
    mapping(SUSPECTS_KEYS, ['of']),
  ),
  explain: EXPLAIN,
  evidence: described(
    'Events that are stored in the alert when it fires.',
    mapping(EVIDENCE_KEYS, ['events', 'fields']),
  ),
}

export const BY = described(
  'The key: fields or lets. An event with a null among them is skipped, and counted.',
  names(BY_MAX),
)

const LEVEL = { ...named(condition), propertyNames: oneOf(SEVERITIES), minProperties: 1, maxProperties: 1 }

export const RULE_KEYS: Keys = {
  rule: described('The id, in snake_case.', text),
  ...DEFINITION_KEYS,
  tests: testsOf('rule'),
  on: ON,
  by: BY,
  window: WINDOW,
  evaluate: described(
    'every_change: when an event enters and when one leaves the window. arrival: when one enters. Default: every_change, but arrival where a condition reads the event.',
    oneOf(EVALUATES),
  ),
  measure: MEASURE_MAP,
  when: described('The condition, over measures, key, params, lists and event.', condition),
  severity: described(
    'One level, or an ordered list of "level: condition" of which the last is "otherwise".',
    anyOf(oneOf(SEVERITIES), list(LEVEL, { minItems: 1 })),
  ),
  exceptions: EXCEPTIONS,
  alert: described('What the alert says, and how often.', mapping(RULE_ALERT_KEYS, [])),
}

export const RULE_REQUIRED = ['rule', ...DEFINITION_REQUIRED, 'on', 'by', 'window', 'measure', 'when', 'severity']
