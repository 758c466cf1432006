import type { RuleSource } from '../model/block.ts'
import type { RuleSet, SequenceRule } from '../model/rule.ts'
import type { Field, Stream } from '../model/stream.ts'
import { compileRuleSet } from '../rules/index.ts'

const text = (name: string): Field => ({ name, kind: 'string', scale: 0, doc: '' })
const base: Omit<Stream, 'name' | 'topic' | 'fields' | 'types'> = {
  timeField: 'event_time',
  timeFormat: 'ms',
  idField: 'event_id',
  type: { field: 'type' },
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 0,
  determines: {},
  avro: {},
}
const head: Field[] = [text('event_id'), text('type'), { name: 'event_time', kind: 'number', scale: 0, doc: '' }]

/** Two streams for tests of the planner and the routers. */
export const STREAMS: readonly Stream[] = [
  {
    ...base,
    name: 'orders',
    topic: 'orders',
    types: ['order.*'],
    fields: [
      ...head,
      ...['order_id', 'buyer_id', 'shop_id', 'device_id'].map(text),
      { name: 'quantity', kind: 'number', scale: 0, doc: '' },
      { name: 'amount', kind: 'decimal', scale: 4, doc: '' },
    ],
    determines: { order_id: ['buyer_id', 'shop_id'] },
  },
  {
    ...base,
    name: 'views',
    topic: 'views',
    types: ['item.*'],
    fields: [...head, ...['user_id', 'item_id', 'shop_id'].map(text)],
  },
]

/** A rule of `by`, one line of `let` if given. */
export function ruleText(id: string, by: string, { on = 'order.created', lets = '' } = {}): string {
  return `rule: ${id}
version: 1
title: t
owner: o
mode: live
on: ${on}
${lets ? `let: { ${lets} }\n` : ''}by: ${by}
window: 1h
measure: { n: { count: events } }
when: n > 1
severity: low
alert: { cooldown: 0s, explain: "{n}" }
`
}

export function rankingText(id: string, per: string | null): string {
  return `ranking: ${id}
version: 1
title: t
owner: o
mode: live
on: [item.viewed]
rank: item_id
${per === null ? '' : `per: ${per}\n`}window: { sliding: 60m, step: 1m }
limit: 5
ties: [item_id asc]
`
}

/** A sequence over the life of `by`. */
export function sequenceOf(id: string, by: readonly string[], on: readonly string[]): SequenceRule {
  return {
    kind: 'sequence',
    id,
    version: 1,
    hash: id,
    title: 't',
    owner: 'o',
    mode: 'live',
    on,
    lets: [],
    where: null,
    unless: null,
    settleMs: 0,
    params: {},
    by,
    steps: on.map((type) => ({ name: type, on: [type], where: null })),
    forgetAfterMs: 3_600_000,
    violations: [],
    matches: [],
    exceptions: [],
    about: by[0],
    cooldownMs: 0,
  }
}

export function fileOf(...texts: string[]): RuleSource {
  return { path: 'rules.yaml', text: texts.join('---\n') }
}

export function setOf(...files: RuleSource[]): RuleSet {
  const compiled = compileRuleSet(files, { streams: STREAMS })
  if (!compiled.ok) throw new Error(compiled.issues.map((i) => `${i.line}: ${i.message}`).join('\n'))
  return compiled.set
}
