import { advance, type Case, event, order, proveAll, RULE } from './testing.ts'

const TWO = [order('0m'), order('1m')]
const ONCE = 'expect: [{ at: 1m, key: { shop_id: S1 } }]'

const KEYS: readonly Case[] = [
  { row: 'rule', events: TWO, expect: ONCE, without: { rule: 'q' }, shows: (p) => p.alerts[0]?.rule, is: 'r' },
  {
    row: 'rule.version',
    keys: { version: '7' },
    events: TWO,
    expect: ONCE,
    without: { version: '1' },
    shows: (p) => p.alerts[0]?.version,
    is: 7,
  },
  {
    row: 'rule.title',
    keys: { title: 'Two orders' },
    events: TWO,
    expect: 'expect: [{ explain_contains: Two orders }]',
    without: { title: 'T' },
  },
  {
    row: 'rule.mode',
    keys: { mode: 'shadow' },
    events: TWO,
    expect: ONCE,
    without: { mode: null },
    shows: (p) => p.alerts[0]?.mode,
    is: 'shadow',
  },
  {
    row: 'rule.on',
    keys: { on: '[order.created, payment.captured]' },
    events: [order('0m'), event('1m', 'payment.captured', 'shop_id: S1')],
    expect: ONCE,
    without: { on: 'order.created' },
  },
  {
    row: 'rule.let',
    keys: { let: '{ pair: "unordered(event.shop_id, event.buyer_id)" }', by: '[pair]' },
    events: [order('0m', 'buyer_id: B'), event('1m', 'order.created', 'shop_id: B, buyer_id: S1')],
    expect: 'expect: [{ key: { pair: B|S1 } }]',
    without: { let: '{ pair: event.shop_id }' },
  },
  {
    row: 'rule.where',
    keys: { where: 'event.status == "paid"' },
    events: [order('0m', 'status: paid'), order('1m', 'status: test')],
    expect: 'expect: []',
    without: { where: null },
  },
  {
    row: 'rule.unless',
    keys: { unless: 'event.status == "test"' },
    events: [order('0m', 'status: paid'), order('1m', 'status: test')],
    expect: 'expect: []',
    without: { unless: null },
  },
  {
    row: 'rule.by',
    keys: { by: '[shop_id, buyer_id]' },
    events: [order('0m', 'buyer_id: A'), order('1m', 'buyer_id: B')],
    expect: 'expect: []',
    without: { by: '[shop_id]' },
  },
  {
    row: 'rule.by: null skips',
    keys: { by: '[buyer_id]' },
    events: TWO,
    expect: 'expect: []',
    without: { by: '[shop_id]' },
  },
  {
    row: 'rule.window',
    events: [order('0m'), order('10m')],
    expect: 'expect: []',
    without: { window: '10m1ms' },
  },
  {
    row: 'rule.window.tumbling',
    keys: { window: '{ tumbling: 1h }' },
    events: [order('10m'), order('50m')],
    expect: 'expect: [{ at: 50m }]',
    without: { window: '10m' },
  },
  {
    row: 'rule.window.zone',
    keys: { window: '{ tumbling: 1d, zone: Asia/Shanghai }' },
    events: [order('15h59m'), order('16h1m')],
    expect: 'expect: []',
    without: { window: '{ tumbling: 1d }' },
  },
  {
    row: 'rule.evaluate',
    keys: { when: 'n == 1', evaluate: 'every_change' },
    events: [...TWO, advance('20m')],
    expect: 'expect: [{ at: 0m }, { at: 10m }]',
    without: { evaluate: 'arrival' },
  },
  {
    row: 'rule.evaluate: reading event',
    keys: { when: 'n == 1 && event.shop_id == "S1"' },
    events: [...TWO, advance('20m')],
    expect: 'expect: [{ at: 0m }]',
    without: { when: 'n == 1 && key.shop_id == "S1"' },
  },
  {
    row: 'rule.settle',
    keys: { settle: '30s' },
    events: ['{ at: 0s, arrives: 20s, type: order.created, shop_id: S1 }', order('10s')],
    expect: 'expect: [{ at: 10s }]',
    without: { settle: null },
  },
  {
    row: 'rule.params',
    keys: { params: '{ least: 2 }', when: 'n >= params.least' },
    events: TWO,
    expect: ONCE,
    without: { params: '{ least: 3 }' },
  },
  {
    row: 'rule.measure',
    events: TWO,
    expect: 'expect: [{ measure: { n: 2 } }]',
    without: { measure: '{ n: { sum: quantity } }' },
  },
  { row: 'rule.when', events: TWO, expect: ONCE, without: { when: 'n >= 3' } },
  {
    row: 'rule.severity',
    keys: { severity: '[{ critical: n >= 3 }, { medium: n >= 2 }, { info: otherwise }]' },
    events: TWO,
    expect: 'expect: [{ severity: medium }]',
    without: { severity: 'info' },
  },
]

const OFF: readonly Case[] = [
  {
    row: 'rule.mode: off',
    keys: { mode: 'live' },
    events: TWO,
    expect: ONCE,
    without: { mode: 'off' }, // then its tests are not run
  },
]

const exception = (rest: string) => `[{ name: x, reason: R, when: key.shop_id == "S1", ${rest} }]`
const EXCEPTIONS: readonly Case[] = [
  {
    row: 'exceptions',
    keys: { exceptions: exception('until: 2099-01-01') },
    events: TWO,
    expect: 'expect: []',
    without: { exceptions: null },
  },
  {
    row: 'exceptions.when',
    keys: { exceptions: '[{ name: x, reason: R, when: key.shop_id == "S2", until: 2099-01-01 }]' },
    events: TWO,
    expect: ONCE,
    without: { exceptions: exception('until: 2099-01-01') },
  },
  {
    row: 'exceptions.apply',
    keys: { exceptions: exception('apply: drop_event, until: 2026-01-01T00:01Z') },
    events: [order('0m'), order('1m'), order('2m')],
    expect: 'expect: [{ at: 2m }]',
    without: { exceptions: exception('apply: mute_alert, until: 2026-01-01T00:01Z') },
  },
  {
    row: 'exceptions.until',
    keys: { exceptions: exception('until: 2026-01-01T00:01Z') },
    events: TWO,
    expect: ONCE,
    without: { exceptions: exception('until: 2026-01-01T00:01:00.001Z') },
  },
  {
    row: 'exceptions.name',
    keys: { exceptions: exception('until: 2099-01-01') },
    events: TWO,
    expect: 'expect_muted: [{ at: 1m }]',
    isRefused: true,
    without: { exceptions: '[{ reason: R, when: key.shop_id == "S1", until: 2099-01-01 }]' },
  },
  {
    row: 'exceptions.reason',
    keys: { exceptions: exception('until: 2099-01-01') },
    events: TWO,
    expect: 'expect_muted: [{ at: 1m }]',
    isRefused: true,
    without: { exceptions: '[{ name: x, when: key.shop_id == "S1", until: 2099-01-01 }]' },
  },
]

const BUYERS = ['A', 'A', 'B', 'B', 'C'].map((buyer, i) => order(`${i}m`, `buyer_id: ${buyer}, order_id: O${i}`))
const ALERT: readonly Case[] = [
  {
    row: 'alert.cooldown',
    keys: { alert: '{ cooldown: 1h }' },
    events: [...TWO, advance('20m'), order('30m'), order('31m')],
    expect: 'expect: [{ at: 1m, folded: 1 }]',
    without: { alert: null },
  },
  {
    row: 'alert.suspects',
    keys: { alert: '{ suspects: { of: buyer_id, k: 1 } }' },
    events: BUYERS,
    expect: 'expect: [{ suspects: [{ value: A, events: 2 }, { value: B, events: 2 }] }]',
    without: { alert: null },
  },
  {
    row: 'alert.suspects.of',
    keys: { alert: '{ suspects: { of: buyer_id, k: 1 } }' },
    events: BUYERS,
    expect: 'expect: [{ suspects: [A, B] }]',
    without: { alert: '{ suspects: { of: order_id, k: 1 } }' },
  },
  {
    row: 'alert.suspects.k',
    keys: { alert: '{ suspects: { of: buyer_id, k: 3 } }' },
    events: BUYERS,
    expect: 'expect: [{ suspects: [A, B, C] }]',
    without: { alert: '{ suspects: { of: buyer_id, k: 2 } }' },
  },
  {
    row: 'alert.explain',
    keys: { alert: '{ explain: "{n} orders, {n / 3|.2}, {1 / n|pct}, {90 * 60000|duration}" }' },
    events: TWO,
    expect: 'expect: [{ explain_contains: "2 orders, 0.67, 50.0%, 1h 30m" }]',
    without: { alert: '{ explain: "{n} orders, {n / 3}, {1 / n}, {90 * 60000}" }' },
  },
  {
    row: 'alert.evidence',
    keys: { when: 'n >= 5', alert: '{ evidence: { events: 2, fields: [order_id] } }' },
    events: BUYERS,
    expect: 'expect: [{ at: 4m }]',
    without: { alert: null },
    shows: (p) => p.alerts[0]?.evidence?.events.map((e) => e.order_id),
    is: ['O3', 'O4'],
  },
  {
    row: 'alert.evidence.events',
    keys: { when: 'n >= 5', alert: '{ evidence: { events: 2, fields: [order_id] } }' },
    events: BUYERS,
    expect: 'expect: [{ at: 4m }]',
    without: { alert: '{ evidence: { events: 9, fields: [order_id] } }' },
    shows: (p) => [p.alerts[0]?.evidence?.total, p.alerts[0]?.evidence?.truncated],
    is: [5, true],
  },
  {
    row: 'alert.evidence.fields',
    keys: { alert: '{ evidence: { events: 1, fields: [buyer_id] } }' },
    events: BUYERS,
    expect: 'expect: [{ at: 1m }]',
    without: { alert: '{ evidence: { events: 1, fields: [order_id] } }' },
    shows: (p) => p.alerts[0]?.evidence?.events[0]?.buyer_id,
    is: 'A',
  },
]

proveAll(RULE, [...KEYS, ...OFF, ...EXCEPTIONS, ...ALERT])
