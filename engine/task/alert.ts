import { alertId } from '../model/alert-id.ts'
import type { AlertNow, AlertRecord, Cell, Evidence, MeasureValue, SourcePosition } from '../model/output.ts'
import { firstWithin, SUSPECTS_SHOWN_BYTES_MAX, valueBytes } from '../model/output-bounds.ts'
import { type Rule, SEVERITIES, type SequenceRule } from '../model/rule.ts'
import { recordPosition } from '../model/source-position.ts'
import { Suspects } from './suspects.ts'

const SUSPECTS_MAX = 100
/** Of a suspect in a record, beside its value. */
const SUSPECT_BYTES = 32

/** An alert that is not closed yet: the part of a task's state that is not a function of the events it holds. */
export interface Alert {
  readonly id: string
  readonly rule: string
  readonly version: number
  /** Name of the violation or match, for a sequence. */
  readonly violation: string | null
  readonly key: Readonly<Record<string, Cell>>
  readonly firstSeenMs: number
  readonly cooldownUntilMs: number
  readonly source: SourcePosition
  /** Order of opening within the task. */
  readonly sequence: number
  revision: number
  status: AlertRecord['status']
  lastSeenMs: number
  folded: number
  episodes: number
  episodeOpen: boolean
  /** When it closes unless something happens before; Infinity while an episode is open. */
  closesAtMs: number
  severity: number
  lastRecordMs: number
  measures: Readonly<Record<string, MeasureValue>>
  window: { readonly start: number; readonly end: number }
  explain: string
  evidence: Evidence | null
  coverage: number
  /** Value -> events, over the union of the windows in which the condition held; null = not asked for. */
  suspects: Suspects | null
  /** Entry number through which events were counted for `suspects`, and the rule's clock then. */
  countedEntry: number
  countedMs: number
  /** Nothing entered since but what was counted: the last arrival was. */
  countsAll: boolean
  /** Something of it was cut to its largest size. */
  isTruncated: boolean
  /** There was no room for some of its suspects. */
  suspectsCut: boolean
}

/** What an alert begins with. */
interface Opening {
  readonly key: Alert['key']
  readonly nowMs: number
  readonly source: SourcePosition
  readonly severity: number
  readonly sequence: number
}

/** With an open episode, about which nothing has been taken down yet. */
export function newAlert(rule: Rule | SequenceRule, violation: string | null, opening: Opening): Alert {
  const { key, nowMs, source, severity, sequence } = opening
  return {
    id: alertId({ rule: rule.id, version: rule.version, violation, key, openedMs: nowMs, source }),
    rule: rule.id,
    version: rule.version,
    violation,
    key,
    firstSeenMs: nowMs,
    cooldownUntilMs: nowMs + rule.cooldownMs,
    source,
    sequence,
    revision: -1,
    status: 'open',
    lastSeenMs: nowMs,
    folded: 0,
    episodes: 1,
    episodeOpen: true,
    closesAtMs: Number.POSITIVE_INFINITY,
    severity,
    lastRecordMs: nowMs,
    measures: {},
    window: { start: nowMs, end: nowMs },
    explain: '',
    evidence: null,
    coverage: 1,
    suspects: null,
    countedEntry: -1,
    countedMs: Number.NEGATIVE_INFINITY,
    countsAll: false,
    isTruncated: false,
    suspectsCut: false,
  }
}

/** Key under which a commit keeps it. */
export function alertKey(alert: Alert): string {
  const violation = alert.violation === null ? '' : `${alert.violation}/`
  return `alert/${alert.rule}@${alert.version}/${violation}${JSON.stringify(alert.key)}`
}

/** The record of an alert as it stands. */
export function alertRecord(
  rule: Rule | SequenceRule,
  alert: Alert,
  eventTimeMs: number,
  now: AlertNow | null,
): AlertRecord {
  const { suspects, isCut } = topSuspects(alert.suspects, rule.kind === 'rule' ? (rule.suspects?.k ?? 0) : 0)
  return {
    kind: 'alert',
    alert_id: alert.id,
    revision: alert.revision,
    status: alert.status,
    rule: rule.id,
    version: rule.version,
    rule_hash: rule.hash,
    mode: rule.mode,
    severity: SEVERITIES[alert.severity],
    violation: alert.violation,
    key: alert.key,
    event_time: eventTimeMs,
    first_seen: alert.firstSeenMs,
    last_seen: alert.lastSeenMs,
    folded: alert.folded,
    measures: alert.measures,
    params: rule.params,
    window: alert.window,
    episodes: alert.episodes,
    suspects,
    explain: alert.explain,
    evidence: alert.evidence,
    coverage: alert.coverage,
    source: recordPosition(alert.source),
    ...(now && { now }),
    ...(alert.isTruncated || alert.suspectsCut || isCut ? { truncated: true } : {}),
  }
}

/** The first k by events, then by value, and all tied with the last of them; at most 100, and 64 KiB. */
function topSuspects(
  counts: ReadonlyMap<Cell, number> | null,
  k: number,
): { suspects: AlertRecord['suspects']; isCut: boolean } {
  const sorted = [...(counts ?? [])]
    .map(([value, events]) => ({ value, events }))
    .sort((a, b) => b.events - a.events || compareCells(a.value, b.value))
  let end = Math.min(k, sorted.length)
  while (end > 0 && end < sorted.length && sorted[end].events === sorted[end - 1].events) end++
  const shown = sorted.slice(0, Math.min(end, SUSPECTS_MAX))
  const suspects = firstWithin(shown, SUSPECTS_SHOWN_BYTES_MAX, ({ value }) => valueBytes(value) + SUSPECT_BYTES)
  return { suspects, isCut: suspects.length < shown.length }
}

/** Numbers by value, strings by UTF-16 code units. */
export function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const x = String(a)
  const y = String(b)
  return x < y ? -1 : x > y ? 1 : 0
}

/** An alert as one line of JSON, and back; `suspects` as pairs, Infinity as null. */
export function alertToJson(alert: Alert): string {
  return JSON.stringify({ ...alert, suspects: alert.suspects ? [...alert.suspects] : null })
}

export function alertFromJson(text: string): Alert {
  const plain = JSON.parse(text)
  return {
    ...plain,
    violation: plain.violation ?? null,
    closesAtMs: plain.closesAtMs ?? Number.POSITIVE_INFINITY,
    suspects: plain.suspects ? Suspects.of(plain.suspects) : null,
    isTruncated: plain.isTruncated ?? false,
    suspectsCut: plain.suspectsCut ?? false,
  }
}
