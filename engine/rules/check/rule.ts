import type { Rule } from '../../model/rule.ts'
import type { Names, Type } from '../expression/names.ts'
import type { Span } from '../source/text.ts'
import { entryOf } from '../source/tree.ts'
import { windowOf } from '../source/values.ts'
import { checkAlert } from './alert.ts'
import { checkCondition, checkExceptions, checkSeverity } from './conditions.ts'
import { DEFINITION_KEYS, type Draft } from './definition.ts'
import { checkMeasures } from './measures.ts'

const KEYS = [
  'rule',
  ...DEFINITION_KEYS,
  'by',
  'window',
  'evaluate',
  'measure',
  'when',
  'severity',
  'exceptions',
  'alert',
]
const LATER: Readonly<Record<string, string>> = {
  sequence: 'a sequence',
  violations: '"violations"',
  matches: '"matches"',
}
const BY_MAX = 8

/** What the tests of a rule may name. */
export interface RuleNames {
  readonly by: ReadonlyMap<string, Type>
  readonly measures: ReadonlySet<string>
}

export interface CheckedRule {
  /** Null when there is a fault. */
  readonly rule: Omit<Rule, 'hash'> | null
  readonly names: RuleNames
  /** Why the rule is evaluated on arrival only although its file does not say so. */
  readonly note: { readonly span: Span; readonly message: string } | null
}

export function checkRule(draft: Draft): CheckedRule {
  const { read } = draft
  read.keys(draft.node, KEYS, LATER, 'of a rule')
  const nothing: CheckedRule = { rule: null, names: { by: new Map(), measures: new Set() }, note: null }
  if (draft.node.entries.some((e) => Object.hasOwn(LATER, e.key))) return nothing

  const version = draft.version()
  const title = draft.title()
  const owner = draft.owner()
  const mode = draft.mode()
  const settleMs = draft.settleMs()
  const measureNode = draft.value('measure')
  const measureNames = measureNode?.kind === 'map' ? measureNode.entries.map((e) => e.key) : []
  for (const name of measureNames) {
    draft.hide(name, `"${name}" is a measure: this is asked of each event, before anything is measured`)
  }
  draft.readLets()
  const where = draft.readingCondition(draft.value('where'), 'where')
  const unless = draft.readingCondition(draft.value('unless'), 'unless')
  const by = checkBy(draft)
  const windowMs = checkWindow(draft)
  const measures = checkMeasures(draft, windowMs)

  const names = conditionNames(draft, by, measureNames)
  const when = checkCondition(draft, draft.required('when'), names('when', false))
  const severity = checkSeverity(draft, names('severity', false))
  const exceptions = checkExceptions(
    draft,
    names('the condition of an exception', false),
    names('the condition of a drop_event exception', true),
  )
  const alert = checkAlert(draft, [...by.keys()], title ?? '', names('explain', false))
  const { evaluate, note } = checkEvaluate(draft)
  draft.warnUnused()

  const faulty = read.report.errorCount > 0 || version === null || title === null || when === null
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
        windowMs,
        evaluate,
        measures,
        when,
        severity,
        exceptions,
        ...alert,
      } as const)
  return { rule, names: { by, measures: new Set(measureNames) }, note }
}

function checkBy(draft: Draft): Map<string, Type> {
  const node = draft.required('by')
  const names = node && draft.read.names(node, 'by')
  const by = new Map<string, Type>()
  for (const { name, span } of names ?? []) by.set(name, draft.fieldOrLet(name, span) ?? 'unknown')
  if (node && by.size > BY_MAX) draft.read.fault('too-many', node, `at most ${BY_MAX} fields make a key`)
  return by
}

function checkWindow(draft: Draft): number {
  const node = draft.required('window')
  if (node?.kind !== 'map') return (node && windowOf(draft.read, node, 'window')) || 0
  draft.read.keys(node, [], { tumbling: 'a tumbling window', zone: 'a calendar window' }, 'of window')
  if (node.entries.length === 0) draft.read.fault('wrong-value', node, 'window is a duration', 'such as 1h')
  return 0
}

/** Names that `when` and its like may see; those of a dropping exception are asked before the event is counted. */
function conditionNames(draft: Draft, by: ReadonlyMap<string, Type>, measures: readonly string[]) {
  const measureTypes = new Map<string, Type>(measures.map((m) => [m, 'number']))
  const isOpen = draft.value('measure')?.kind !== 'map'
  return (place: string, atReading: boolean): Names => {
    const reading = draft.readingNames(place)
    return {
      ...reading,
      measures: atReading ? new Map() : measureTypes,
      hidden: atReading ? reading.hidden : new Map(),
      keys: by,
      keysAtReading: atReading,
      open: { ...reading.open, measures: isOpen },
      uses: draft.conditionUses,
    }
  }
}

function checkEvaluate(draft: Draft): { evaluate: Rule['evaluate']; note: CheckedRule['note'] } {
  const entry = entryOf(draft.node, 'evaluate')
  const reads = draft.conditionUses.event
  const said = entry && draft.read.oneOf(entry.value, 'evaluate', ['every_change', 'arrival'] as const)
  if (said === 'every_change' && reads) {
    draft.read.fault(
      'event-needs-arrival',
      reads,
      'this reads the event, and there is none when one leaves the window: "evaluate: every_change" cannot hold',
      'write evaluate: arrival',
    )
  }
  if (entry) return { evaluate: said ?? 'every_change', note: null }
  if (!reads) return { evaluate: 'every_change', note: null }
  return {
    evaluate: 'arrival',
    note: { span: reads, message: 'reads the event, so the rule is evaluated on arrival only' },
  }
}
