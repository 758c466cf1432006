import { SEVERITIES } from '../../model/rule.ts'
import { EXCEPTIONS_MAX, LETS_MAX, PARAMS_MAX, TYPES_MAX } from './limits.ts'
import {
  condition,
  date,
  described,
  durationOrZero,
  eventType,
  expression,
  integer,
  type Keys,
  list,
  mapping,
  name,
  named,
  names,
  oneOf,
  scalar,
  text,
} from './schema.ts'

export const MODES = ['live', 'shadow', 'off'] as const
export const APPLIES = ['mute_alert', 'drop_event'] as const

/** What rules, sequences and rankings have, tests apart. */
export const DEFINITION_KEYS: Keys = {
  version: described(
    'Raised with every change of behaviour: the same id and version with another body is refused.',
    integer(1, Number.MAX_SAFE_INTEGER),
  ),
  title: described('What it finds, in one line.', text),
  owner: described('The team that answers for it.', text),
  tags: described('Words to find it by.', names()),
  runbook: described('A link: what to do about an alert.', text),
  mode: described(
    'live: to the alert topic. shadow: to the shadow topic only. off: not run. Of several versions at most one is live. Default: live.',
    oneOf(MODES),
  ),
  where: described(
    'Condition on the event: where it is not true, the event is dropped before it is counted.',
    condition,
  ),
  unless: described('Condition on the event: where it is true, the event is dropped before it is counted.', condition),
  let: described(
    'Named values of each event, usable wherever a field is, such as pair: unordered(event.shop_id, event.buyer_id). Each sees those above it.',
    named(expression, { maxProperties: LETS_MAX }),
  ),
  settle: described(
    'How long to wait so that events can be taken in the order of their times, such as 30s.',
    durationOrZero,
  ),
  params: described(
    'Tunables, read as params.name; backtest --set name=1,2,3 tries several values.',
    named(scalar, { maxProperties: PARAMS_MAX }),
  ),
}

export const DEFINITION_REQUIRED = ['version', 'title']

export const ON = described('The event type or types, named one by one.', names(TYPES_MAX, eventType))

export const EXCEPTION_KEYS: Keys = {
  name: described('The name under which it is counted.', text),
  when: described('Condition under which it applies; it may read key and lists.', condition),
  apply: described(
    'mute_alert: the events count, the alert stays silent. drop_event: the event is not counted. Default: mute_alert.',
    oneOf(APPLIES),
  ),
  reason: described('Why it is there.', text),
  until: described('The date (UTC) from which it is off, such as 2027-12-31.', date),
}

export const EXCEPTIONS = described(
  'Known cases that are not to alert, each with a reason and an end.',
  list(mapping(EXCEPTION_KEYS, ['name', 'when', 'reason', 'until']), { maxItems: EXCEPTIONS_MAX }),
)

/** Of the alerts of rules and of sequences. */
export const ALERT_KEYS: Keys = {
  about: described('The field of the key that the alert is about. Default: the last of "by".', text),
  cooldown: described(
    'For this long after the first match, and as long as the condition holds, later matches of the key fold into the alert. Default: 0.',
    durationOrZero,
  ),
}

export const EXPLAIN = described(
  'A sentence with {expression|format} in it; formats are .2 (digits), pct and duration. Default: the title.',
  scalar,
)
export const SEVERITY = described('How bad it is.', oneOf(SEVERITIES))
export const NAME = described('A name of its own within the file.', name)
