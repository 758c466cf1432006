import { advance, type Case, event, proveAll, SEQUENCE } from './testing.ts'

const STEPS =
  '{ steps: { created: order.created, paid: payment.captured, delivered: item.delivered, cancelled: order.cancelled } }'
const step = (at: string, type: string, fields = 'order_id: O1') => event(at, type, fields)
const created = (at: string) => step(at, 'order.created')
const paid = (at: string) => step(at, 'payment.captured')
const delivered = (at: string) => step(at, 'item.delivered')
const cancelled = (at: string) => step(at, 'order.cancelled')

const unpaid = (rest: string) => `[{ name: unpaid, severity: low, ${rest} }]`
const UNPAID = unpaid('after: created, expect: [paid, cancelled], within: 15m')
const FIRST = '[{ name: too_early, severity: critical, forbid: delivered, before: paid }]'

const VIOLATIONS: readonly Case[] = [
  {
    row: 'violations.after',
    keys: { violations: UNPAID },
    events: [created('0m'), advance('1h')],
    expect: 'expect: [{ at: 15m1ms, violation: unpaid, key: { order_id: O1 } }]',
    without: { violations: unpaid('after: delivered, expect: [paid, cancelled], within: 15m') },
  },
  {
    row: 'violations.expect',
    keys: { violations: UNPAID },
    events: [created('0m'), cancelled('5m'), advance('1h')],
    expect: 'expect: []',
    without: { violations: unpaid('after: created, expect: paid, within: 15m') },
  },
  {
    row: 'violations.within',
    keys: { violations: UNPAID },
    events: [created('0m'), paid('15m'), advance('1h')],
    expect: 'expect: []',
    without: { violations: unpaid('after: created, expect: [paid, cancelled], within: 14m59s999ms') },
  },
  {
    row: 'violations.each',
    keys: { violations: unpaid('after: created, expect: paid, within: 15m, each: true') },
    events: [created('0m'), paid('5m'), step('6m', 'order.created', 'order_id: O1'), advance('1h')],
    expect: 'expect: [{ at: 21m1ms, violation: unpaid, key: { order_id: O1 } }]',
    without: { violations: unpaid('after: created, expect: paid, within: 15m') },
  },
  {
    row: 'violations.name',
    keys: { violations: UNPAID },
    events: [created('0m'), advance('1h')],
    expect: 'expect: [{ severity: low }]',
    without: { violations: UNPAID.replace('unpaid', 'not_paid') },
    shows: (p) => p.alerts[0]?.violation,
    is: 'unpaid',
  },
  {
    row: 'violations.severity',
    keys: { violations: UNPAID },
    events: [created('0m'), advance('1h')],
    expect: 'expect: [{ severity: low }]',
    without: { violations: UNPAID.replace('severity: low', 'severity: high') },
  },
  {
    row: 'violations.explain',
    keys: { violations: unpaid('after: created, expect: paid, within: 15m, explain: "{key.order_id} unpaid"') },
    events: [created('0m'), advance('1h')],
    expect: 'expect: [{ explain_contains: O1 unpaid }]',
    without: { violations: unpaid('after: created, expect: paid, within: 15m') },
  },
  {
    row: 'violations.forbid',
    keys: { violations: FIRST },
    events: [created('0m'), delivered('5m'), advance('1s')],
    expect: 'expect: [{ at: 5m, violation: too_early }]',
    without: { violations: FIRST.replace('forbid: delivered', 'forbid: cancelled') },
  },
  {
    row: 'violations.before',
    keys: { violations: FIRST },
    events: [created('0m'), paid('1m'), delivered('5m'), advance('1s')],
    expect: 'expect: []',
    without: { violations: FIRST.replace('before: paid', 'before: cancelled') },
  },
  {
    row: 'equal times violate nothing',
    keys: { violations: FIRST },
    events: [delivered('5m'), paid('5m'), advance('1s')],
    expect: 'expect: []',
    without: { violations: FIRST.replace('before: paid', 'before: cancelled') },
  },
]

const TAKEOVER = '[{ name: t, severity: critical, order: [created, paid, delivered], without: cancelled, within: 30m }]'
const MATCHES: readonly Case[] = [
  {
    row: 'matches.order',
    keys: { matches: TAKEOVER },
    events: [created('0m'), paid('1m'), delivered('2m')],
    expect: 'expect: [{ at: 2m, violation: t }]',
    without: { matches: TAKEOVER.replace('[created, paid, delivered]', '[paid, created, delivered]') },
  },
  {
    row: 'matches: strictly later',
    keys: { matches: TAKEOVER },
    events: [created('0m'), paid('1m'), delivered('1m')],
    expect: 'expect: []',
    without: { matches: TAKEOVER.replace(', delivered]', ']') },
  },
  {
    row: 'matches.without',
    keys: { matches: TAKEOVER },
    events: [created('0m'), paid('1m'), cancelled('2m'), delivered('3m')],
    expect: 'expect: []',
    without: { matches: TAKEOVER.replace('without: cancelled, ', '') },
  },
  {
    row: 'matches.within',
    keys: { matches: TAKEOVER },
    events: [created('0m'), paid('1m'), delivered('30m')],
    expect: 'expect: [{ at: 30m }]',
    without: { matches: TAKEOVER.replace('within: 30m', 'within: 29m59s999ms') },
  },
  {
    row: 'matches: an event is in one of a name',
    keys: { matches: '[{ name: t, severity: low, order: [created, paid], within: 30m }]' },
    events: [created('0m'), created('1m'), paid('2m'), advance('1h')],
    expect: 'expect: [{ at: 2m }]',
    without: { matches: '[{ name: t, severity: low, order: [created], within: 30m }]' },
  },
]

const RULE_KEYS: readonly Case[] = [
  {
    row: 'sequence.by',
    keys: { violations: FIRST },
    events: [paid('0m'), step('1m', 'item.delivered', 'order_id: O2'), advance('1s')],
    expect: 'expect: [{ key: { order_id: O2 } }]',
    without: { by: '[ip]' },
    isRefused: true, // the key that is expected is not in it
  },
  {
    row: 'sequence.steps',
    keys: { violations: FIRST },
    events: [created('0m'), delivered('5m'), advance('1s')],
    expect: 'expect: [{ at: 5m }]',
    without: { sequence: STEPS.replace('item.delivered', 'order.refunded') },
  },
  {
    row: 'sequence.steps.on',
    keys: { sequence: STEPS.replace('item.delivered', '{ on: [item.delivered, item.traded] }'), violations: FIRST },
    events: [step('5m', 'item.traded'), advance('1s')],
    expect: 'expect: [{ at: 5m }]',
    without: { sequence: STEPS },
  },
  {
    row: 'sequence.steps.where',
    keys: {
      sequence: STEPS.replace('item.delivered', '{ on: item.delivered, where: event.status == "ok" }'),
      violations: FIRST,
    },
    events: [delivered('5m'), advance('1s')],
    expect: 'expect: []',
    without: { sequence: STEPS },
  },
  {
    row: 'sequence.forget_after',
    keys: { sequence: STEPS.replace('} }', '}, forget_after: 1h }'), violations: FIRST },
    events: [paid('0m'), delivered('1h'), advance('1s')],
    expect: 'expect: [{ at: 1h }]',
    without: { sequence: STEPS },
  },
  {
    row: 'sequence.settle',
    keys: { settle: '30s', violations: FIRST },
    events: [delivered('10s'), '{ at: 5s, arrives: 20s, type: payment.captured, order_id: O1 }'],
    expect: 'expect: []',
    without: { settle: null },
  },
  {
    row: 'sequence.exceptions',
    keys: { violations: FIRST, exceptions: '[{ name: x, reason: R, when: key.order_id == "O1", until: 2099-01-01 }]' },
    events: [delivered('5m'), advance('1s')],
    expect: 'expect: []',
    without: { exceptions: null },
  },
  {
    row: 'sequence.alert.cooldown',
    keys: { matches: '[{ name: t, severity: low, order: [created], within: 1m }]', alert: '{ cooldown: 1h }' },
    events: [created('0m'), created('5m')],
    expect: 'expect: [{ at: 0m, folded: 1 }]',
    without: { alert: null },
  },
]

const NOT_PAID = '[{ name: p, severity: low, order: [paid], within: 1m }]'
const DEFINITION: readonly Case[] = [
  {
    row: 'sequence.rule',
    keys: { matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: [{}]',
    without: { rule: 'other', version: '2', mode: 'shadow' },
    shows: ({ alerts: [a] }) => [a?.rule, a?.version, a?.mode],
    is: ['s', 1, 'live'],
  },
  {
    row: 'sequence.title',
    keys: { title: 'Paid too soon', matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: [{ explain_contains: Paid too soon }]',
    without: { title: 'T' },
  },
  {
    row: 'sequence.where',
    keys: { where: 'event.status == "ok"', matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: []',
    without: { where: null },
  },
  {
    row: 'sequence.unless',
    keys: { unless: 'event.status == null', matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: []',
    without: { unless: null },
  },
  {
    row: 'sequence.let',
    keys: { let: '{ ok: event.status == null }', where: 'ok', matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: [{}]',
    without: { let: '{ ok: event.status != null }' },
  },
  {
    row: 'sequence.params',
    keys: { params: '{ id: O1 }', where: 'event.order_id == params.id', matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: [{}]',
    without: { params: '{ id: O2 }' },
  },
]

const EXPECTED: readonly Case[] = [
  {
    row: 'tests.expect.violation',
    keys: { matches: NOT_PAID },
    events: [paid('0m')],
    expect: 'expect: [{ violation: p }]',
    without: { matches: NOT_PAID.replace('order: [paid]', 'order: [created]') },
  },
]

proveAll({ ...SEQUENCE, sequence: STEPS }, [...VIOLATIONS, ...MATCHES, ...RULE_KEYS, ...DEFINITION, ...EXPECTED])
