import { ALERT_KEYS, DEFINITION_KEYS, DEFINITION_REQUIRED, EXCEPTIONS, EXPLAIN, NAME, SEVERITY } from './common.ts'
import { MATCH_STEPS_MAX, NAMED_MAX, SEQUENCE_STEPS_MAX } from './limits.ts'
import { BY } from './rule.ts'
import {
  anyOf,
  condition,
  described,
  duration,
  eventType,
  type Keys,
  list,
  mapping,
  named,
  names,
  type Schema,
  text,
} from './schema.ts'
import { testsOf } from './tests.ts'

export const STEP_KEYS: Keys = {
  on: described('Its event type or types.', names(undefined, eventType)),
  where: described('Condition on the event: only then it is this step.', condition),
}
export const SEQUENCE_KEYS: Keys = {
  steps: described(
    'Name -> event type or types, or { on, where }.',
    named(anyOf(names(undefined, eventType), mapping(STEP_KEYS, ['on'])), {
      minProperties: 1,
      maxProperties: SEQUENCE_STEPS_MAX,
    }),
  ),
  forget_after: described('Time after the newest step when a key is forgotten. Default: 24h.', duration),
}

/** What violations and matches have. */
export const COMMON_KEYS: Keys = { name: NAME, severity: SEVERITY, explain: EXPLAIN }
export const EXPECT_KEYS: Keys = {
  after: described('The step after which another one must come.', text),
  expect: described('The step, or one of the steps, that must come.', names()),
  within: described('The time for it, inclusive.', duration),
  each: described("true: asked after each such step, not only after the key's first one. Default: false.", {
    type: 'boolean',
  }),
}
export const FORBID_KEYS: Keys = {
  forbid: described('The step that must not come first.', text),
  before: described('The step that must come before it.', text),
}
export const MATCH_KEYS: Keys = {
  order: described(
    'Steps one after the other, each strictly later than the one before it.',
    list(text, { minItems: 1, maxItems: MATCH_STEPS_MAX }),
  ),
  without: described('Steps of which none may lie between the first and the last.', names()),
  within: described('Time from the first step to the last, inclusive.', duration),
}

const COMMON_REQUIRED = ['name', 'severity']
const VIOLATION: Schema = {
  if: { anyOf: Object.keys(FORBID_KEYS).map((key) => ({ required: [key] })) },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: mapping({ ...COMMON_KEYS, ...FORBID_KEYS }, [...COMMON_REQUIRED, 'forbid', 'before']),
  else: mapping({ ...COMMON_KEYS, ...EXPECT_KEYS }, [...COMMON_REQUIRED, 'after', 'expect', 'within']),
}
const MATCH = mapping({ ...COMMON_KEYS, ...MATCH_KEYS }, [...COMMON_REQUIRED, 'order', 'within'])

export const SEQUENCE_RULE_KEYS: Keys = {
  rule: described('The id, in snake_case.', text),
  ...DEFINITION_KEYS,
  tests: testsOf('sequence'),
  by: BY,
  sequence: described('The steps whose order is looked at.', mapping(SEQUENCE_KEYS, ['steps'])),
  violations: described(
    'What must happen in order: a step expected after another, or forbidden before another.',
    list(VIOLATION, { maxItems: NAMED_MAX }),
  ),
  matches: described('What must not happen in order.', list(MATCH, { maxItems: NAMED_MAX })),
  exceptions: EXCEPTIONS,
  alert: described('What the alert is about, and how often.', mapping(ALERT_KEYS, [])),
}

export const SEQUENCE_RULE_REQUIRED = ['rule', ...DEFINITION_REQUIRED, 'by', 'sequence']
/** Keys that make a rule a sequence. */
export const SEQUENCE_MARKS = ['sequence', 'violations', 'matches']
