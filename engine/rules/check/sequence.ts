import type { SequenceRule } from '../../model/rule.ts'
import type { Names, Type } from '../expression/names.ts'
import { ALERT_KEYS } from '../shape/common.ts'
import { SEQUENCE_MARKS, SEQUENCE_RULE_KEYS } from '../shape/sequence.ts'
import type { Reader } from '../source/read.ts'
import { entryOf, type MapNode } from '../source/tree.ts'
import { checkAbout, checkCooldown } from './alert.ts'
import { checkExceptions } from './conditions.ts'
import type { Draft } from './definition.ts'
import { livesOnce } from './once.ts'
import { checkBy, type TestNames } from './rule.ts'
import type { Steps } from './steps.ts'
import { checkMatches, checkViolations, type SequenceContext } from './violations.ts'

/** Keys of other rules -> why a sequence has none. */
const MISPLACED: Readonly<Record<string, string>> = {
  on: 'the steps of a sequence name the event types',
  measure: 'a sequence measures nothing: it looks at the order of steps',
  when: 'a sequence has no condition: its violations and matches say what is wrong',
  severity: 'each violation and match has a severity of its own',
  window: 'a sequence has no window: "within" and "forget_after" say how long it looks',
  evaluate: 'a sequence is looked at when a step happens and when a time is over',
}
const MISPLACED_IN_ALERT: Readonly<Record<string, string>> = {
  suspects: 'a sequence names no suspects: it has no window in which to count them',
  evidence: 'the evidence of a sequence is always its steps',
  explain: 'each violation and match has an "explain" of its own',
}

export interface CheckedSequence {
  /** Null when there is a fault. */
  readonly sequence: Omit<SequenceRule, 'hash'> | null
  readonly names: TestNames
}

/** True for a rule about the order of events. */
export function isSequence(node: MapNode): boolean {
  return SEQUENCE_MARKS.some((key) => entryOf(node, key))
}

export function checkSequence(draft: Draft, steps: Steps): CheckedSequence {
  const { read } = draft
  refuse(read, draft.node, MISPLACED)
  read.keys(draft.node, [...Object.keys(SEQUENCE_RULE_KEYS), ...Object.keys(MISPLACED)], 'of a sequence')
  const version = draft.version()
  const title = draft.title()
  const owner = draft.owner()
  const mode = draft.mode()
  const settleMs = draft.settleMs()
  draft.readLets()
  const where = draft.readingCondition(draft.value('where'), 'where')
  const unless = draft.readingCondition(draft.value('unless'), 'unless')
  const by = checkBy(draft)
  const checkedSteps = steps.steps.map(({ name, on, where }) => ({
    name,
    on: on.map((t) => t.name),
    where: draft.readingCondition(where, 'the condition of a step'),
  }))
  const names = namesOf(draft, by)
  const context: SequenceContext = {
    draft,
    steps,
    once: livesOnce(draft, by.keys()),
    names: names('explain'),
    title: title ?? '',
    taken: new Set(),
  }
  const violations = checkViolations(context)
  const matches = checkMatches(context)
  const listed = ['violations', 'matches'].map((key) => draft.value(key))
  if (listed.every((node) => !node || (node.kind === 'seq' && node.items.length === 0))) {
    const at = listed.find((node) => node) ?? draft.idSpan
    read.fault('missing-key', at, 'a sequence needs at least one of "violations:" and "matches:"')
  }
  const exceptions = checkExceptions(draft, names('the condition of an exception'), dropNames(draft, by))
  const alertNode = draft.value('alert')
  const alert = (alertNode && read.map(alertNode, 'alert')) || null
  if (alert) {
    refuse(read, alert, MISPLACED_IN_ALERT)
    read.keys(alert, [...Object.keys(ALERT_KEYS), ...Object.keys(MISPLACED_IN_ALERT)], 'of the alert of a sequence')
  }
  const about = alert ? checkAbout(draft, alert, [...by.keys()]) : ([...by.keys()].at(-1) ?? '')
  const cooldownMs = alert ? checkCooldown(draft, alert) : 0
  draft.warnUnused()

  const faulty = read.report.errorCount > 0 || version === null || title === null
  const sequence = faulty
    ? null
    : ({
        kind: 'sequence',
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
        by: [...by.keys()],
        steps: checkedSteps,
        forgetAfterMs: steps.forgetAfterMs,
        violations,
        matches,
        exceptions,
        about,
        cooldownMs,
      } as const)
  return { sequence, names: { by, measures: new Map(), violations: context.taken } }
}

function refuse(read: Reader, node: MapNode, why: Readonly<Record<string, string>>): void {
  for (const { key, keySpan } of node.entries) {
    if (Object.hasOwn(why, key)) read.fault('unknown-key', keySpan, `"${key}" is not for sequences: ${why[key]}`)
  }
}

/** What stands may stand long after its events: texts and exceptions read the key, params and lists. */
function namesOf(draft: Draft, by: ReadonlyMap<string, Type>) {
  return (place: string): Names => {
    const reading = draft.readingNames(place)
    const why = (name: string) => `"${name}" is of one event: what a sequence says is about a key`
    return {
      ...reading,
      fields: { ...reading.fields, types: new Map(), faults: new Map() },
      noEvent: 'a sequence says something about a key, not about one event',
      lets: new Map(),
      hidden: new Map([...draft.letTypes.keys()].map((name) => [name, why(name)])),
      keys: by,
      uses: draft.conditionUses,
    }
  }
}

/** What drops events is asked of each of them. */
function dropNames(draft: Draft, by: ReadonlyMap<string, Type>): Names {
  const reading = draft.readingNames('the condition of a drop_event exception')
  return { ...reading, keys: by, keysAtReading: true, uses: draft.conditionUses }
}
