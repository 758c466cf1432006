import type { Rule } from '../../model/rule.ts'
import type { Names, Type } from '../expression/names.ts'
import { BY_MAX } from '../shape/limits.ts'
import { EVALUATES, RULE_KEYS } from '../shape/rule.ts'
import type { Span } from '../source/text.ts'
import { entryOf } from '../source/tree.ts'
import { checkAlert } from './alert.ts'
import { checkCondition, checkExceptions, checkSeverity } from './conditions.ts'
import type { Draft } from './definition.ts'
import { type CheckedMeasures, checkMeasures } from './measures.ts'
import { checkWindow } from './window.ts'

/** What the tests of a document may name. */
export interface TestNames {
  readonly by: ReadonlyMap<string, Type>
  readonly measures: ReadonlyMap<string, Type>
  /** Of a sequence: its violations and matches. */
  readonly violations: ReadonlySet<string>
}

/** Something to tell the author that is no fault. */
export interface Note {
  readonly span: Span
  readonly message: string
}

export interface CheckedRule {
  /** Null when there is a fault. */
  readonly rule: Omit<Rule, 'hash'> | null
  readonly names: TestNames
  /** Why the rule is evaluated on arrival only although its file does not say so. */
  readonly note: Note | null
}

export function checkRule(draft: Draft): CheckedRule {
  const { read } = draft
  read.keys(draft.node, Object.keys(RULE_KEYS), 'of a rule')
  const version = draft.version()
  const title = draft.title()
  const owner = draft.owner()
  const mode = draft.mode()
  const settleMs = draft.settleMs()
  const measureNode = draft.value('measure')
  for (const { key } of measureNode?.kind === 'map' ? measureNode.entries : []) {
    draft.hide(key, `"${key}" is a measure: this is asked of each event, before anything is measured`)
  }
  draft.readLets()
  const where = draft.readingCondition(draft.value('where'), 'where')
  const unless = draft.readingCondition(draft.value('unless'), 'unless')
  const by = checkBy(draft)
  const windowNode = draft.required('window')
  const window = windowNode && checkWindow(read, windowNode)
  const measured = checkMeasures(draft, window)

  const names = conditionNames(draft, by, measured)
  const when = checkCondition(draft, draft.required('when'), names('when', false))
  const severity = checkSeverity(draft, names('severity', false))
  const exceptions = checkExceptions(
    draft,
    names('the condition of an exception', false),
    names('the condition of a drop_event exception', true),
  )
  const alert = checkAlert(draft, [...by.keys()], title ?? '', names('explain', false))
  const { evaluate, note } = checkEvaluate(draft, measured.prior)
  draft.warnUnused()

  const faulty = read.report.errorCount > 0 || version === null || title === null || when === null || window === null
  const rule = faulty
    ? null
    : ({
        kind: 'rule',
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
        ...window,
        evaluate,
        measures: measured.measures,
        when,
        severity,
        exceptions,
        ...alert,
      } as const)
  return { rule, names: { by, measures: measured.types, violations: new Set() }, note }
}

export function checkBy(draft: Draft): Map<string, Type> {
  const node = draft.required('by')
  const names = node && draft.read.names(node, 'by')
  const by = new Map<string, Type>()
  for (const { name, span } of names ?? []) by.set(name, draft.fieldOrLet(name, span) ?? 'unknown')
  if (node && by.size > BY_MAX) draft.read.fault('too-many', node, `at most ${BY_MAX} fields make a key`)
  return by
}

/** Names that `when` and its like may see; those of a dropping exception are asked before the event is counted. */
function conditionNames(draft: Draft, by: ReadonlyMap<string, Type>, { types, elements, ranges }: CheckedMeasures) {
  const isOpen = draft.value('measure')?.kind !== 'map'
  return (place: string, atReading: boolean): Names => {
    const reading = draft.readingNames(place)
    return {
      ...reading,
      measures: atReading ? new Map() : types,
      elements,
      ranges: reading.ranges && ranges,
      hidden: atReading ? reading.hidden : new Map(),
      keys: by,
      keysAtReading: atReading,
      open: { ...reading.open, measures: isOpen },
      uses: draft.conditionUses,
    }
  }
}

function checkEvaluate(draft: Draft, prior: Span | null): { evaluate: Rule['evaluate']; note: Note | null } {
  const entry = entryOf(draft.node, 'evaluate')
  const reads = draft.conditionUses.event
  const said = entry && draft.read.oneOf(entry.value, 'evaluate', EVALUATES)
  if (said === 'every_change') {
    const message = ', and there is none when one leaves the window: "evaluate: every_change" cannot hold'
    const hint = 'write evaluate: arrival'
    if (reads) draft.read.fault('event-needs-arrival', reads, `this reads the event${message}`, hint)
    if (prior) draft.read.fault('event-needs-arrival', prior, `this leaves out the arriving event${message}`, hint)
  }
  if (entry) return { evaluate: said ?? 'every_change', note: null }
  const only = 'so the rule is evaluated on arrival only'
  if (reads) return { evaluate: 'arrival', note: { span: reads, message: `reads the event, ${only}` } }
  if (prior) return { evaluate: 'arrival', note: { span: prior, message: `leaves out the arriving event, ${only}` } }
  return { evaluate: 'every_change', note: null }
}
