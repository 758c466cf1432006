import type { Expression } from '../../model/expression.ts'
import { type Rule, type RuleException, SEVERITIES, type Severity } from '../../model/rule.ts'
import { checkExpression } from '../expression/check.ts'
import type { Names } from '../expression/names.ts'
import { isNeverReached } from '../expression/ranges.ts'
import { APPLIES, EXCEPTION_KEYS } from '../shape/common.ts'
import { EXCEPTIONS_MAX } from '../shape/limits.ts'
import { type Entry, entryOf, type MapNode, type Node } from '../source/tree.ts'
import { dateOf } from '../source/values.ts'
import type { Draft } from './definition.ts'

export function checkCondition(draft: Draft, node: Node | null, names: Names): Expression | null {
  const scalar = node && draft.read.scalar(node, names.place)
  return scalar ? (checkExpression(scalar, names, draft.read.report, 'boolean')?.expression ?? null) : null
}

/** One level, or a list of `level: condition` of which the last is `otherwise`. */
export function checkSeverity(draft: Draft, names: Names): Rule['severity'] {
  const { read } = draft
  const node = draft.required('severity')
  if (!node || node.kind === 'broken') return []
  if (node.kind === 'scalar') {
    const level = read.oneOf(node, 'severity', SEVERITIES)
    return level === null ? [] : [{ level, when: null }]
  }
  const list = read.seq(node, 'severity')
  if (!list) return []
  if (list.items.length === 0) read.fault('wrong-value', list, 'severity has at least one level')
  const out: { level: Severity; when: Expression | null }[] = []
  list.items.forEach((item, i) => {
    const isLast = i === list.items.length - 1
    const entry = levelEntry(draft, item)
    if (!entry) return
    const level = SEVERITIES.find((s) => s === entry.key)
    const scalar = read.scalar(entry.value, `"${entry.key}"`)
    if (!scalar || !level) return
    if (scalar.text === 'otherwise') {
      if (isLast) out.push({ level, when: null })
      else read.fault('wrong-value', scalar, '"otherwise" stands last: the levels below it would never be reached')
      return
    }
    if (isLast)
      read.fault('wrong-value', scalar, 'the last level is for all other cases', `write ${entry.key}: otherwise`)
    const when = checkCondition(draft, scalar, names)
    const earlier = out.flatMap((l) => (l.when ? [l.when] : []))
    if (when && names.ranges && isNeverReached(when, earlier, names.ranges)) {
      const message = 'this level is never reached: one above it holds whenever this does'
      read.report.warning('constant-condition', scalar.span, message)
    }
    if (when) out.push({ level, when })
  })
  return out
}

function levelEntry(draft: Draft, item: Node): Entry | null {
  const { read } = draft
  if (item.kind === 'broken') return null
  if (item.kind !== 'map' || item.entries.length !== 1) {
    return read.fault('wrong-value', item, 'each level is one "level: condition"', 'such as - critical: orders > 100')
  }
  read.keys(item, SEVERITIES, 'of severity')
  return item.entries[0]
}

export function checkExceptions(draft: Draft, names: Names, dropNames: Names): RuleException[] {
  const { read } = draft
  const node = draft.value('exceptions')
  const list = node && read.seq(node, 'exceptions')
  const out: RuleException[] = []
  if (!list) return out
  if (list.items.length > EXCEPTIONS_MAX)
    read.fault('too-many', list, `${list.items.length} exceptions; at most ${EXCEPTIONS_MAX}`)
  const seen = new Set<string>()
  for (const item of list.items) {
    const map = read.map(item, 'an exception')
    const exception = map && checkException(draft, map, names, dropNames)
    if (!exception) continue
    if (seen.has(exception.name)) read.fault('duplicate-name', item, `a second exception "${exception.name}"`)
    seen.add(exception.name)
    out.push(exception)
  }
  return out
}

function checkException(draft: Draft, map: MapNode, names: Names, dropNames: Names): RuleException | null {
  const { read } = draft
  read.keys(map, Object.keys(EXCEPTION_KEYS), 'of an exception')
  const at = map.entries[0]?.keySpan ?? map.span
  const need = (key: string) => read.required(map, key, at, 'an exception')
  const nameNode = need('name')
  const name = nameNode && read.text(nameNode, 'name')
  const applyNode = entryOf(map, 'apply')?.value
  const apply = applyNode ? read.oneOf(applyNode, 'apply', APPLIES) : 'mute_alert'
  const when = checkCondition(draft, need('when'), apply === 'drop_event' ? dropNames : names)
  const reasonNode = need('reason')
  const reason = reasonNode && read.text(reasonNode, 'reason')
  const untilNode = need('until')
  const untilMs = untilNode && dateOf(read, untilNode, 'until')
  const { lint } = draft.around
  if (lint && untilNode && untilMs !== null && untilMs <= lint.nowMs) {
    const hint = 'remove it, or give it a later "until"'
    read.report.warning('expired-exception', untilNode.span, 'the exception is over: it does nothing any more', hint)
  }
  if (name === null || apply === null || when === null || reason === null || untilMs === null) return null
  return { name, when, apply, reason, untilMs }
}
