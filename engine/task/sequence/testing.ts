import type { LogEntry } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord, Output, StateChange } from '../../model/output.ts'
import type { RuleSet, SequenceMatch, SequenceRule, Violation } from '../../model/rule.ts'
import type { Field, Stream } from '../../model/stream.ts'
import { Task } from '../task.ts'

/** Timelines for tests: `A@0` is an event at 0 ms of type A, `A@5/T` one of shop T (else S), `|30` a mark at 30. */

export const TYPES: Readonly<Record<string, string>> = {
  A: 'deal.made',
  B: 'deal.paid',
  C: 'deal.seen',
  D: 'deal.void',
}
const field = (name: string, kind: Field['kind'] = 'string'): Field => ({ name, kind, scale: 0, doc: '' })

const STREAM: Stream = {
  name: 'deals',
  topic: 'deals.v1',
  fields: [field('id'), field('type'), field('time', 'number'), field('shop')],
  timeField: 'time',
  timeFormat: 'ms',
  idField: 'id',
  type: { field: 'type' },
  types: ['deal.*'],
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 600_000,
  determines: {},
  avro: null,
}

type Shape<T> = T extends unknown ? Omit<T, 'severity' | 'explain'> : never

/** Steps a, b, c, d of types A to D; by shop; forgotten after 100 ms. */
export function sequenceOf(overrides: Partial<SequenceRule> = {}): SequenceRule {
  return {
    kind: 'sequence',
    id: 'sequence',
    version: 1,
    hash: 'hash',
    title: '',
    owner: '',
    mode: 'live',
    on: Object.values(TYPES),
    lets: [],
    where: null,
    unless: null,
    settleMs: 0,
    params: {},
    by: ['shop'],
    steps: Object.entries(TYPES).map(([letter, type]) => ({ name: letter.toLowerCase(), on: [type], where: null })),
    forgetAfterMs: 100,
    violations: [],
    matches: [],
    exceptions: [],
    about: 'shop',
    cooldownMs: 0,
    ...overrides,
  }
}

export const violating = (...violations: Shape<Violation>[]): Partial<SequenceRule> => ({
  violations: violations.map((v) => ({ ...v, severity: 'high', explain: [{ text: v.name }] })),
})

export const matching = (...matches: Shape<SequenceMatch>[]): Partial<SequenceRule> => ({
  matches: matches.map((m) => ({ ...m, severity: 'critical', explain: [{ text: m.name }] })),
})

export function setOf(...sequences: SequenceRule[]): RuleSet {
  return {
    hash: sequences.map((s) => `${s.id}${s.version}${s.hash}`).join(' '),
    rules: [],
    sequences,
    rankings: [],
    lists: [],
    features: [],
  }
}

/** The entry of one word; an event stands at `offset` of its source. */
export function entryOf(word: string, offset: number): LogEntry {
  if (word.startsWith('|')) {
    const upToMs = Number(word.slice(1))
    return { kind: 'mark', sourceTopic: STREAM.topic, sourcePartition: 0, upToMs, sources: [`${STREAM.topic}/0`] }
  }
  const [, letter, time, shop = 'S'] = /^(\w)@(-?\d+)(?:\/(\w+))?$/.exec(word) as RegExpExecArray
  const timeMs = Number(time)
  const row = { offset, timeMs, type: TYPES[letter], id: `e${offset}`, shop: shop === 'null' ? null : shop }
  return blockFromRows(STREAM, { topic: STREAM.topic, partition: 0 }, [row])
}

export interface Runner {
  readonly task: Task
  readonly alerts: AlertRecord[]
  readonly counters: Counters
  readonly kept: Map<string, string>
  readonly sink: { output(o: Output): void; change(c: StateChange): void }
}

export function runner(set: RuleSet, finite = true, before?: Runner): Runner {
  const counters = before?.counters ?? new Counters()
  const alerts = before?.alerts ?? []
  const kept = before?.kept ?? new Map<string, string>()
  const task = new Task({ streams: [STREAM], counters, finite })
  task.install(set)
  const sink = {
    output: (o: Output) => {
      if (o.kind === 'alert') alerts.push(o)
    },
    change: ({ key, value }: StateChange) => {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    },
  }
  return { task, alerts, counters, kept, sink }
}

/** Reads a timeline, `A@0 B@5 |30`, and drains it if it ends with `end`. */
export function play(rule: SequenceRule | RuleSet, timeline: string, { finite = true } = {}): Runner {
  const run = runner('sequences' in rule ? rule : setOf(rule), finite)
  timeline.split(' ').forEach((word, position) => {
    if (word === 'end') run.task.finish('drained', run.sink)
    else run.task.process({ position, entry: entryOf(word, position) }, run.sink)
  })
  return run
}

/** Openings as `name@first_seen`, with the shop if it is not S. */
export function opened({ alerts }: Pick<Runner, 'alerts'>): string {
  return alerts
    .filter((a) => a.status === 'open')
    .map((a) => `${a.violation}@${a.first_seen}${a.key.shop === 'S' ? '' : `/${a.key.shop}`}`)
    .join(' ')
}

/** Every record as `name.status@event_time`. */
export function records({ alerts }: Pick<Runner, 'alerts'>): string {
  return alerts.map((a) => `${a.violation}.${a.status}@${a.event_time}`).join(' ')
}

export const at = (o: number) => ({ topic: STREAM.topic, partition: 0, offset: o })
