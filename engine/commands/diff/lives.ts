import type { AlertRecord } from '../../model/output.ts'

/** One alert from its opening to its closing. */
export interface Life {
  readonly open: AlertRecord
  /** Null where the records end before it closed. */
  readonly closed: AlertRecord | null
}

/** Alerts of one key that overlap in time, directly or by way of others. */
export interface Pair {
  readonly where: 'old' | 'new' | 'both'
  readonly key: AlertRecord['key']
  readonly violation: string | null
  readonly before: readonly Life[]
  readonly after: readonly Life[]
}

/** Gathers alert records into lives, in the order of their openings. */
export class Lives {
  readonly #byId = new Map<string, { open: AlertRecord; closed: AlertRecord | null }>()

  add(record: AlertRecord): void {
    const known = this.#byId.get(record.alert_id)
    if (!known) this.#byId.set(record.alert_id, { open: record, closed: null })
    else if (record.status === 'closed') known.closed = record
  }

  all(): Life[] {
    return [...this.#byId.values()]
  }
}

/** Alerts belong together by key, violation and overlapping time (first_seen to closing, both included). */
export function compareLives(before: readonly Life[], after: readonly Life[]): Pair[] {
  const spans = [...before.map((life) => span(life, 'old')), ...after.map((life) => span(life, 'new'))]
  spans.sort((a, b) => a.fromMs - b.fromMs)
  const open = new Map<string, Group>()
  const groups: Group[] = []
  for (const one of spans) {
    const name = JSON.stringify([one.life.open.violation, one.life.open.key])
    const group = open.get(name)
    if (group && one.fromMs <= group.toMs) {
      group.spans.push(one)
      group.toMs = Math.max(group.toMs, one.toMs)
    } else {
      const begun = { toMs: one.toMs, spans: [one] }
      open.set(name, begun)
      groups.push(begun)
    }
  }
  return groups.map(({ spans: members }) => {
    const of = (side: Span['side']) => members.filter((m) => m.side === side).map((m) => m.life)
    const [mine, theirs] = [of('old'), of('new')]
    const { key, violation } = members[0]!.life.open
    const where = theirs.length === 0 ? 'old' : mine.length === 0 ? 'new' : 'both'
    return { where, key, violation, before: mine, after: theirs }
  })
}

interface Span {
  readonly side: 'old' | 'new'
  readonly life: Life
  readonly fromMs: number
  readonly toMs: number
}

interface Group {
  toMs: number
  readonly spans: Span[]
}

function span(life: Life, side: Span['side']): Span {
  return { side, life, fromMs: life.open.first_seen, toMs: life.closed?.event_time ?? Number.POSITIVE_INFINITY }
}
