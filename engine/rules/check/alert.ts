import type { Rule, TemplatePart } from '../../model/rule.ts'
import type { Names } from '../expression/names.ts'
import { EVIDENCE_MAX, SUSPECTS_MAX } from '../shape/limits.ts'
import { EVIDENCE_KEYS, RULE_ALERT_KEYS, SUSPECTS_KEYS } from '../shape/rule.ts'
import { didYouMean } from '../source/suggest.ts'
import { entryOf, type MapNode } from '../source/tree.ts'
import { durationOf, WINDOW_MAX_MS } from '../source/values.ts'
import type { Draft } from './definition.ts'
import { checkTemplate } from './template.ts'

export interface AlertPart {
  readonly about: string
  readonly cooldownMs: number
  readonly suspects: Rule['suspects']
  readonly explain: readonly TemplatePart[]
  readonly evidence: Rule['evidence']
}

/** `alert:` with its defaults. Faults are reported; what is faulty comes out as its default. */
export function checkAlert(draft: Draft, by: readonly string[], title: string, names: Names): AlertPart {
  const { read } = draft
  const node = draft.value('alert')
  const map = (node && read.map(node, 'alert')) || null
  const fallback = { about: by[by.length - 1] ?? '', explain: [{ text: title }] }
  if (!map) return { ...fallback, cooldownMs: 0, suspects: null, evidence: null }
  read.keys(map, Object.keys(RULE_ALERT_KEYS), 'of alert')
  const explainNode = entryOf(map, 'explain')?.value
  const explainText = explainNode && read.scalar(explainNode, 'explain')
  const explain = explainText ? checkTemplate(explainText, names, read.report) : null
  return {
    about: checkAbout(draft, map, by),
    cooldownMs: checkCooldown(draft, map),
    suspects: checkSuspects(draft, map),
    explain: explain ?? fallback.explain,
    evidence: checkEvidence(draft, map),
  }
}

/** The last of `by` if the file does not say. */
export function checkAbout({ read }: Draft, alert: MapNode, by: readonly string[]): string {
  const node = entryOf(alert, 'about')?.value
  const about = node && read.text(node, 'about')
  if (node && about && by.length > 0 && !by.includes(about)) {
    read.fault('unknown-key-field', node, `"${about}" is not in "by"`, didYouMean(about, by))
  }
  return about || (by[by.length - 1] ?? '')
}

export function checkCooldown({ read }: Draft, alert: MapNode): number {
  const node = entryOf(alert, 'cooldown')?.value
  return (node && durationOf(read, node, 'cooldown', 0, WINDOW_MAX_MS)) || 0
}

function checkSuspects(draft: Draft, alert: MapNode): Rule['suspects'] {
  const { read } = draft
  const node = entryOf(alert, 'suspects')
  const map = node && read.map(node.value, 'suspects')
  if (!map) return null
  read.keys(map, Object.keys(SUSPECTS_KEYS), 'of suspects')
  const ofNode = read.required(map, 'of', node.keySpan, 'suspects')
  const of = ofNode && read.text(ofNode, 'of')
  if (ofNode && of) draft.fieldOrLet(of, ofNode.span)
  const kNode = entryOf(map, 'k')?.value
  const k = kNode ? read.integer(kNode, 'k', 1, SUSPECTS_MAX) : 3
  return of && k ? { of, k } : null
}

function checkEvidence(draft: Draft, alert: MapNode): Rule['evidence'] {
  const { read } = draft
  const node = entryOf(alert, 'evidence')
  const map = node && read.map(node.value, 'evidence')
  if (!map) return null
  read.keys(map, Object.keys(EVIDENCE_KEYS), 'of evidence')
  const eventsNode = read.required(map, 'events', node.keySpan, 'evidence')
  const events = eventsNode && read.integer(eventsNode, 'events', 1, EVIDENCE_MAX)
  const fieldsNode = read.required(map, 'fields', node.keySpan, 'evidence')
  const fields = fieldsNode && read.names(fieldsNode, 'fields')
  if (!events || !fields) return null
  for (const { name, span } of fields) {
    if (draft.letTypes.has(name)) read.fault('unknown-field', span, `"${name}" is a let: evidence stores fields`)
    else draft.fieldOrLet(name, span)
  }
  return { events, fields: fields.map((f) => f.name) }
}
