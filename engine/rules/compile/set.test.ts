import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CompileOptions, compileRuleSet, formatIssues, formatIssuesJson, ruleSetForTest } from '../index.ts'
import { STREAMS } from '../testing.ts'

const ROOT = new URL('../../../rules/', import.meta.url)
const shipped = [...readdirSync(ROOT), ...readdirSync(new URL('lists/', ROOT)).map((f) => `lists/${f}`)]
  .filter((f) => f.endsWith('.yaml'))
  .map((path) => ({ path: `rules/${path}`, text: readFileSync(new URL(path, ROOT), 'utf8') }))

const rule = (id: string, more = '', version = 1) => ({
  path: `${id}.yaml`,
  text: `rule: ${id}
version: ${version}
title: Many orders
on: order.created
by: [shop_id]
window: 1h
params: { limit: 3, name: a }
measure:
  orders: { count: events }
when: orders > params.limit && key.shop_id != params.name
severity: high
${more}`,
})

const compile = (files: Parameters<typeof compileRuleSet>[0], options: Partial<CompileOptions> = {}) =>
  compileRuleSet(files, { streams: STREAMS, ...options })
function compiled(files: Parameters<typeof compileRuleSet>[0], options: Partial<CompileOptions> = {}) {
  const result = compile(files, options)
  if (!result.ok) throw new Error(formatIssues(result.issues, files))
  return result
}
const codes = (files: Parameters<typeof compileRuleSet>[0], options: Partial<CompileOptions> = {}) =>
  compile(files, options).issues.map((i) => i.code)

describe('the rules that ship', () => {
  test('have no faults, no warnings and nothing to note', () => {
    const lint = { nowMs: Date.UTC(2026, 0, 1), whole: true }
    const { set, issues, notes, tests } = compiled(shipped, { lint })
    expect([issues, notes]).toEqual([[], []])
    expect(set.rules.map((r) => r.id).sort()).toEqual([
      'buyer_refund_ratio',
      'device_burst',
      'offmarket_pair',
      'shop_order_concentration',
    ])
    expect(set.rankings.map((r) => [r.id, r.limit, r.settleMs])).toEqual([['hot_items', 50, 5_000]])
    expect(set.lists.map((l) => l.id)).toEqual(['flash_sale_shops'])
    for (const { id } of [...set.rules, ...set.rankings]) {
      const mine = tests.filter((t) => t.rule === id)
      expect([id, mine.some((t) => t.expect?.length), mine.some((t) => t.expect?.length === 0)]).toEqual([
        id,
        true,
        true,
      ])
    }
  })

  test('the example of RULES.md, value by value', () => {
    const { set } = compiled(shipped)
    const example = set.rules.find((r) => r.id === 'shop_order_concentration')!
    expect(example).toMatchObject({
      version: 1,
      mode: 'live',
      on: ['order.created'],
      by: ['shop_id'],
      windowMs: 3_600_000,
      evaluate: 'every_change',
      settleMs: 0,
      where: null,
      about: 'shop_id',
      cooldownMs: 1_800_000,
      suspects: { of: 'buyer_id', k: 3 },
      params: { limit: 3, min_orders: 6 },
      evidence: { events: 50, fields: ['order_id', 'buyer_id', 'device_id'] },
    })
    expect(example.measures).toEqual([
      { kind: 'count', name: 'orders', of: null, where: null, windowMs: 3_600_000 },
      { kind: 'distinct', name: 'buyers', of: 'buyer_id', where: null, windowMs: 3_600_000 },
      { kind: 'ratio', name: 'concentration', numerator: 'orders', denominator: 'buyers', atLeast: {} },
    ])
    expect(example.severity.map((s) => [s.level, s.when === null])).toEqual([
      ['critical', false],
      ['high', true],
    ])
    expect(example.exceptions[0]).toMatchObject({
      name: 'flash_sale',
      apply: 'mute_alert',
      untilMs: Date.UTC(2027, 11, 31),
    })
    expect(example.explain.map((p) => ('text' in p ? p.text : p.format))).toEqual([
      'Shop ',
      'plain',
      ': ',
      'plain',
      ' orders from ',
      'plain',
      ' buyers within 1h (',
      'fixed',
      ' each)',
    ])
  })

  test('a checked set is plain JSON', () => {
    const { set } = compiled(shipped)
    expect(JSON.parse(JSON.stringify(set))).toEqual(set)
  })
})

test('defaults', () => {
  const { set } = compiled([rule('burst')])
  expect(set.rules[0]).toMatchObject({
    owner: '',
    mode: 'live',
    about: 'shop_id',
    cooldownMs: 0,
    settleMs: 0,
    suspects: null,
    evidence: null,
    exceptions: [],
    explain: [{ text: 'Many orders' }],
    severity: [{ level: 'high', when: null }],
    evaluate: 'every_change',
  })
})

test('a measure has a window and a where of its own, and a ratio its minimum sample', () => {
  const more =
    'measure: { fast: { count: events, window: 5m }, dear: { sum: amount, where: event.amount > 9 }, r: { ratio: [dear, fast], at_least: { fast: 5 } } }'
  const text = rule('a').text.replace(/measure:\n.*\nwhen: orders/, `${more}\nwhen: fast`)
  const [fast, dear, ratio] = compiled([{ path: 'a.yaml', text }]).set.rules[0].measures
  expect(fast).toEqual({ kind: 'count', name: 'fast', of: null, where: null, windowMs: 300_000 })
  expect(dear).toMatchObject({ kind: 'sum', of: 'amount', where: { fn: 'gt' }, windowMs: 3_600_000 })
  expect(ratio).toEqual({ kind: 'ratio', name: 'r', numerator: 'dear', denominator: 'fast', atLeast: { fast: 5 } })
})

test('a rule in force is not replaced by another body of the same version', () => {
  const before = rule('burst')
  const inForce = compiled([before]).set
  const after = { ...before, text: before.text.replace('limit: 3', 'limit: 4') }
  const refused = compileRuleSet([after], { streams: STREAMS, inForce })
  expect(refused.ok).toBe(false)
  expect(refused.issues).toMatchObject([
    { code: 'version-not-raised', line: 2, column: 10, suggestion: 'write version: 2' },
  ])
  const [own, theirs] = [inForce, compiled([after]).set].map((set) => set.rules[0].hash)
  expect(refused.issues[0].message).toContain(`(hash ${own}, here ${theirs})`)
  const raised = { ...after, text: after.text.replace('version: 1', 'version: 2') }
  const shadow = { ...before, text: `${before.text}mode: shadow\n` }
  for (const file of [before, raised, shadow]) {
    expect(compileRuleSet([file], { streams: STREAMS, inForce }).ok).toBe(true)
  }
})

test('a list reads its items from a file that is given beside it', () => {
  const list = (source: string, of = 'string') => ({
    path: 'lists/shops.yaml',
    text: `list: shops\nkind: deny\nof: ${of}\nsource: ${source}\n`,
  })
  const data = (path: string, text: string) => ({ path, text, data: true as const })
  const items = (...files: Parameters<typeof compile>[0]) => compiled(files).set.lists[0].items
  expect(items(list('{ file: shops.txt }'), data('lists/shops.txt', 'S1\n\nS2\r\nS1\n'))).toEqual(['S1', 'S2'])
  const csv = data('data/shops.csv', '\ufeffname,shop\n"a, b",1\nc,2.5\n')
  expect(items(list('{ file: ../data/shops.csv, column: shop }', 'number'), csv)).toEqual([1, 2.5])
  const fault = (...files: Parameters<typeof compile>[0]) => compile(files).issues.map((i) => `${i.line}: ${i.message}`)
  expect(fault(list('{ file: shops.txt }'))).toEqual(['4: lists/shops.txt is not there'])
  expect(fault(list('{ file: ../data/shops.csv, column: id }'), csv)).toEqual([
    '4: data/shops.csv has no column "id" in its first line',
  ])
  expect(fault(list('{ file: ../data/shops.csv, column: name }', 'number'), csv)).toEqual([
    '4: data/shops.csv has an item in line 2 that is no number: "a, b"',
  ])
})

describe('hashes', () => {
  const hash = (text: string) => compiled([{ path: 'a.yaml', text }]).set.rules[0].hash
  const base = rule('burst').text
  test('do not change with comments, layout, order of keys, tests and mode', () => {
    expect(hash(`# why\n${base}`)).toBe(hash(base))
    expect(hash(base.replace('by: [shop_id]', 'by:\n  - shop_id'))).toBe(hash(base))
    expect(hash(base.replace('by: [shop_id]\nwindow: 1h', 'window: 1h\nby: [shop_id]'))).toBe(hash(base))
    expect(hash(`${base}tests: [{ name: a, events: [], expect: [] }]\n`)).toBe(hash(base))
    expect(hash(`${base}mode: shadow\n`)).toBe(hash(base))
  })
  test('change with all else', () => {
    for (const [from, to] of [
      ['1h', '2h'],
      ['limit: 3', 'limit: 4'],
      ['high', 'low'],
      ['Many', 'Too many'],
      ['version: 1', 'version: 2'],
    ]) {
      expect(hash(base.replace(from, to))).not.toBe(hash(base))
    }
  })
  test('of the set see params that were set from outside, and lists', () => {
    const list = (items: string) => ({
      path: 'l.yaml',
      text: `list: shops\nkind: deny\nof: string\nitems: [${items}]\n`,
    })
    const plain = compiled([rule('burst'), list('a')]).set
    expect(compiled([rule('burst'), list('a')], { params: { burst: { limit: 9 } } }).set.hash).not.toBe(plain.hash)
    expect(compiled([rule('burst'), list('b')]).set.hash).not.toBe(plain.hash)
    expect(compiled([rule('burst'), list('b')], { lists: { shops: ['a'] } }).set).toEqual(plain)
    expect(compiled([rule('burst'), list('a')], { params: { burst: { limit: 9 } } }).set.rules[0].hash).toBe(
      plain.rules[0].hash,
    )
  })
})

describe('several versions', () => {
  test('side by side, one of them live; what is off is checked and left out', () => {
    const { set } = compiled([rule('a'), rule('a', 'mode: shadow\n', 2), rule('a', 'mode: off\n', 3)])
    expect(set.rules.map((r) => [r.version, r.mode])).toEqual([
      [1, 'live'],
      [2, 'shadow'],
    ])
    expect(codes([rule('a', 'mode: off\nwhen2: 3\n')])).toEqual(['unknown-key'])
  })
  test('the same one in two files', () => {
    expect(codes([rule('a'), { ...rule('a'), path: 'b.yaml' }])).toEqual(['duplicate-definition'])
    expect(codes([rule('a'), { ...rule('a', 'settle: 3s\n'), path: 'b.yaml' }])).toEqual(['duplicate-definition'])
    expect(codes([rule('a'), { ...rule('a', '', 2), path: 'b.yaml' }])).toEqual(['two-live-versions'])
  })
})

describe('what is set from outside', () => {
  test('params replace those of the file, with the same type', () => {
    expect(compiled([rule('a')], { params: { a: { limit: 7 } } }).set.rules[0].params).toEqual({ limit: 7, name: 'a' })
    expect(codes([rule('a')], { params: { a: { limt: 7 } } })).toEqual(['unknown-param'])
    expect(codes([rule('a')], { params: { a: { limit: 'x' } } })).toEqual(['type-mismatch'])
    expect(codes([rule('a')], { params: { b: { limit: 7 } } })).toEqual(['unknown-rule'])
  })
  test('lists likewise', () => {
    expect(codes([rule('a')], { lists: { shops: ['x'] } })).toEqual(['unknown-list'])
    const list = { path: 'l.yaml', text: 'list: shops\nkind: deny\nof: string\nitems: []\n' }
    expect(codes([list], { lists: { shops: [3] } })).toEqual(['type-mismatch'])
    expect(formatIssues(compile([rule('a')], { lists: { shops: ['x'] } }).issues, [])).toBe(
      '(given):1:1: error[unknown-list]: there is no list "shops" in the files given\n',
    )
  })
})

describe('tests of rules', () => {
  const start = Date.UTC(2026, 0, 1)
  const minute = 60_000
  const testsOf = (yaml: string) => compiled([rule('a', `tests:\n${yaml}`)]).tests

  test('repetitions and templates are written out, in order of arrival', () => {
    const [t] = testsOf(`  - name: rows
    events:
      - { at: 2m, repeat: 3, every: 1m, type: order.created, shop_id: "S{n % 2}", amount: "{n * 1.5 + 1}", status: plain }
      - { at: -1m, arrives: 3m, type: order.created, shop_id: S9, quantity: 2, ip: null }
      - { advance: 20m }
    expect: []`)
    const row = (at: number, arrives: number, fields: object) => ({
      atMs: start + at * minute,
      arrivesMs: start + arrives * minute,
      type: 'order.created',
      fields,
    })
    expect(t.events()).toEqual([
      row(2, 2, { shop_id: 'S0', amount: 1, status: 'plain' }),
      row(3, 3, { shop_id: 'S1', amount: 2.5, status: 'plain' }),
      row(-1, 3, { shop_id: 'S9', quantity: 2, ip: null }),
      row(4, 4, { shop_id: 'S0', amount: 4, status: 'plain' }),
      { advanceToMs: start + 24 * minute },
    ])
  })

  test('expectations and overrides', () => {
    const [t] = testsOf(`  - name: all
    start: 2026-05-01T10:00Z
    params: { limit: 9 }
    events: []
    expect:
      - at: 40m
        key: { shop_id: S1 }
        severity: high
        measure: { orders: 9 }
        folded: 2
        suspects: [B0, { value: B1, events: 3 }]
        explain_contains: Shop
    expect_muted: [{ at: 1m }]
    expect_abstained: 5`)
    const at = Date.UTC(2026, 4, 1, 10)
    const none = {
      atMs: null,
      key: null,
      severity: null,
      measure: null,
      folded: null,
      suspects: null,
      violation: null,
      explainContains: null,
      items: null,
    }
    expect(t).toMatchObject({
      rule: 'a',
      version: 1,
      name: 'all',
      file: 'a.yaml',
      line: 13,
      column: 5,
      startMs: at,
      params: { limit: 9 },
      expectAbstained: 5,
    })
    expect(t.expect).toEqual([
      {
        ...none,
        line: 18,
        column: 9,
        atMs: at + 40 * minute,
        key: { shop_id: 'S1' },
        severity: 'high',
        measure: { orders: 9 },
        folded: 2,
        suspects: [
          { value: 'B0', events: null },
          { value: 'B1', events: 3 },
        ],
        explainContains: 'Shop',
      },
    ])
    expect(t.expectMuted).toEqual([{ ...none, line: 25, column: 22, atMs: at + minute }])
  })

  test('in a file of their own, of the live version', () => {
    const file = { path: 'a.test.yaml', text: 'for: a\ntests: [{ name: long, events: [], expect: [] }]\n' }
    const { tests } = compiled([rule('a', 'mode: shadow\n', 2), file, rule('a')])
    expect(tests.map((t) => [t.rule, t.version, t.file])).toEqual([['a', 1, 'a.test.yaml']])
    expect(compiled([rule('a', 'mode: off\n'), file]).tests).toEqual([])
  })

  test('a set for one test has its rule, params and lists only', () => {
    const list = { path: 'l.yaml', text: 'list: shops\nkind: deny\nof: string\nitems: [a]\n' }
    const more = 'tests: [{ name: t, params: { limit: 9 }, lists: { shops: [b, c] }, events: [], expect: [] }]\n'
    const { set, tests } = compiled([rule('a', more), rule('b'), list])
    const own = ruleSetForTest(set, tests[0])
    expect(own.rules.map((r) => [r.id, r.params])).toEqual([['a', { limit: 9, name: 'a' }]])
    expect(own.lists[0].items).toEqual(['b', 'c'])
    expect(own.hash).not.toBe(set.hash)
    expect(set.lists[0].items).toEqual(['a'])
  })
})

describe('measures', () => {
  const measures = (lines: string, window = 'window: 1h') => {
    const text = rule('a')
      .text.replace(/measure:\n.*\n/, `measure:\n${lines}\n`)
      .replace('window: 1h', window)
    return compiled([{ path: 'a.yaml', text: text.replace('when: orders >', 'when: n >') }]).set.rules[0]
  }
  const common = { where: null, windowMs: 3_600_000 }

  test('of the newer kinds, with their defaults', () => {
    const lines = `  n: { count: events }
  status: { last: status }
  biggest: { share: buyer_id }
  best: { top: buyer_id }
  three: { top: buyer_id, k: 3 }
  p95: { percentile: amount, p: 95 }
  before: { count: events, prior: true }`
    const { measures: all, evaluate } = measures(lines)
    expect(all).toEqual([
      { kind: 'count', name: 'n', of: null, ...common },
      { kind: 'last', name: 'status', of: 'status', ...common },
      { kind: 'share', name: 'biggest', of: 'buyer_id', ...common },
      { kind: 'top', name: 'best', of: 'buyer_id', k: 1, ...common },
      { kind: 'top', name: 'three', of: 'buyer_id', k: 3, ...common },
      { kind: 'percentile', name: 'p95', of: 'amount', p: 95, ...common },
      { kind: 'count', name: 'before', of: null, prior: true, ...common },
    ])
    expect(evaluate).toBe('arrival')
  })

  test('a prior measure makes the rule arrival-only, with a note', () => {
    const text = rule('a').text.replace('{ count: events }', '{ count: events, prior: true }')
    const { notes, set } = compiled([{ path: 'a.yaml', text }])
    expect(notes).toMatchObject([{ line: 9, column: 28, message: expect.stringContaining('on arrival only') }])
    expect(set.rules[0].evaluate).toBe('arrival')
    expect(compiled([{ path: 'a.yaml', text: `${text}evaluate: arrival\n` }]).notes).toEqual([])
  })

  test('ratios and baselines, wherever they stand', () => {
    const lines = `  usual: { baseline: sure, over: 7d, step: 1d, min_points: 5 }
  sure: { ratio: [n, all], lower_bound: 0.95 }
  usual_n: { baseline: n, over: 30d, step: 8h }
  n: { count: events }
  all: { count: events, window: { tumbling: 1d, zone: Asia/Shanghai } }`
    const { measures: found } = measures(lines)
    expect(found.map((m) => m.name)).toEqual(['usual', 'sure', 'usual_n', 'n', 'all'])
    const day = 86_400_000
    expect(found[0]).toEqual({
      kind: 'baseline',
      name: 'usual',
      of: 'sure',
      overMs: 7 * day,
      stepMs: day,
      zone: 'Asia/Shanghai',
      minPoints: 5,
    })
    expect(found[1]).toMatchObject({ kind: 'ratio', lowerBoundZ: expect.closeTo(1.959963984540054, 14) })
    expect(found[2]).toMatchObject({ overMs: 30 * day, stepMs: day / 3, zone: 'UTC', minPoints: 3 })
  })

  test('calendar windows, of the rule and of single measures', () => {
    const lines = `  n: { count: events }
  fast: { count: events, window: 5m }
  week: { count: events, window: { tumbling: 7d } }`
    const found = measures(lines, 'window: { tumbling: 1d, zone: Asia/Shanghai }')
    const shanghai = { windowMs: 27 * 3_600_000, tumbling: { lengthMs: 86_400_000, zone: 'Asia/Shanghai' } }
    expect(found).toMatchObject(shanghai)
    expect(found.measures).toMatchObject([
      shanghai,
      { windowMs: 300_000 },
      { windowMs: 604_800_000, tumbling: { lengthMs: 604_800_000, zone: 'UTC' } },
    ])
    expect('tumbling' in found.measures[1]).toBe(false)
  })

  test('are read by their dotted names, and looked for in', () => {
    const lines = `  n: { count: events }
  best: { top: buyer_id }
  usual: { baseline: n, over: 7d, step: 1d }`
    const text = rule('a').text.replace(/measure:\n.*\nwhen: .*\n/, `measure:\n${lines}\nwhen: WHEN\n`)
    const when = (condition: string) =>
      compiled([{ path: 'a.yaml', text: text.replace('WHEN', condition) }]).set.rules[0].when
    const best = { op: 'measure', type: 'list', name: 'best' }
    expect(when('n > usual.mean')).toMatchObject({
      args: [{ name: 'n' }, { op: 'measure', type: 'number', name: 'usual.mean' }],
    })
    expect(when('key.shop_id in best')).toMatchObject({ fn: 'member', type: 'boolean', args: [{ op: 'key' }, best] })
    expect(when('size(best) > 2')).toMatchObject({ args: [{ fn: 'size', args: [best] }, {}] })
  })
})

describe('sequences', () => {
  const sequence = (more = '', version = 1) => ({
    path: 's.yaml',
    text: `rule: lifecycle
version: ${version}
title: Not as it should be
by: [order_id]
params: { who: O9, limit: 3 }
sequence:
  steps:
    created: [order.created, order.cancelled]
    paid: { on: payment.captured, where: event.amount > params.limit }
    again: order.created
violations:
  - { name: unpaid, after: created, expect: paid, within: 15m, severity: low, explain: "{key.order_id} unpaid" }
  - { name: early, forbid: paid, before: created, severity: high }
matches:
  - { name: twice, order: [created, again], without: [paid], within: 1h, severity: critical }
exceptions:
  - { name: a, when: key.order_id == params.who, reason: r, until: 2030-01-01 }
  - { name: b, when: event.amount > 3, apply: drop_event, reason: r, until: 2030-01-01 }
${more}`,
  })

  test('value by value, with the defaults', () => {
    const { set } = compiled([sequence()])
    expect([set.rules, set.rankings]).toEqual([[], []])
    const [found] = set.sequences
    expect(found).toMatchObject({
      kind: 'sequence',
      on: ['order.created', 'order.cancelled', 'payment.captured'],
      by: ['order_id'],
      about: 'order_id',
      cooldownMs: 0,
      forgetAfterMs: 86_400_000,
      settleMs: 0,
    })
    expect(found.steps).toMatchObject([
      { name: 'created', on: ['order.created', 'order.cancelled'], where: null },
      { name: 'paid', on: ['payment.captured'], where: { fn: 'gt' } },
      { name: 'again', on: ['order.created'], where: null },
    ])
    const title = [{ text: 'Not as it should be' }]
    expect(found.violations).toEqual([
      {
        name: 'unpaid',
        kind: 'expect',
        after: 'created',
        expect: ['paid'],
        withinMs: 900_000,
        severity: 'low',
        explain: [
          { expression: { op: 'key', type: 'string', name: 'order_id' }, format: 'plain', digits: 0 },
          { text: ' unpaid' },
        ],
      },
      { name: 'early', kind: 'forbid', forbid: 'paid', before: 'created', severity: 'high', explain: title },
    ])
    expect(found.matches).toEqual([
      {
        name: 'twice',
        order: ['created', 'again'],
        without: ['paid'],
        withinMs: 3_600_000,
        severity: 'critical',
        explain: title,
      },
    ])
    expect(found.exceptions.map((e) => [e.name, e.apply])).toEqual([
      ['a', 'mute_alert'],
      ['b', 'drop_event'],
    ])
    expect(JSON.parse(JSON.stringify(set))).toEqual(set)
  })

  test('have hashes, versions, modes and sets for tests as rules do', () => {
    const plain = compiled([sequence()]).set
    const other = compiled([{ ...sequence(), text: sequence().text.replace('15m', '16m') }]).set
    expect([other.hash === plain.hash, other.sequences[0].hash === plain.sequences[0].hash]).toEqual([false, false])
    expect(codes([sequence(), { ...sequence('', 2), path: 't.yaml' }])).toEqual(['two-live-versions'])
    expect(codes([sequence(), { ...rule('lifecycle', '', 2), path: 't.yaml' }])).toEqual(['two-live-versions'])
    expect(compiled([sequence('mode: off\n')]).set.sequences).toEqual([])
    const more = 'tests: [{ name: t, params: { limit: 9 }, events: [], expect: [{ violation: twice }] }]\n'
    const { set, tests } = compiled([sequence(more), rule('b')])
    expect(tests[0].expect).toMatchObject([{ violation: 'twice', measure: null }])
    const own = ruleSetForTest(set, tests[0])
    expect([own.rules, own.sequences.map((s) => s.params)]).toEqual([[], [{ limit: 9, who: 'O9' }]])
    expect(compiled([sequence()], { params: { lifecycle: { limit: 7 } } }).set.sequences[0].params.limit).toBe(7)
  })
})

test('what is doubtful is said when asked for, and of lists when all rules are there', () => {
  const list = { path: 'l.yaml', text: 'list: shops\nkind: deny\nof: string\nitems: []\n' }
  const events = '[{ at: 0m, type: order.created }]'
  const quiet = rule('a', `owner: me\ntests: [{ name: t, events: ${events}, expect: [] }]\n`)
  const said = (whole: boolean) => codes([quiet, list], { lint: { nowMs: 0, whole } })
  expect([codes([quiet, list]), said(false), said(true)]).toEqual([[], [], ['unused']])
  const tests = { path: 'a.test.yaml', text: `for: a\ntests: [{ name: long, events: ${events}, expect: [] }]\n` }
  const lint = { nowMs: 0, whole: true }
  expect(codes([rule('a', 'owner: me\n'), tests], { lint })).toEqual([])
  expect(codes([rule('a', 'owner: me\n')], { lint })).toEqual(['no-quiet-test'])
  for (const none of ['[]', '[{ advance: 1h }]'])
    expect(codes([{ ...quiet, text: quiet.text.replace(events, none) }], { lint })).toEqual(['no-quiet-test'])
})

test('faults come in the order of the files, and of their lines', () => {
  const files = [rule('b', 'nope: 1\n'), rule('a', 'where: event.x == 1\nby2: 3\n'), { path: 'z.yaml', text: '' }]
  expect(compile(files).issues.map((i) => `${i.file}:${i.line} ${i.code} ${i.rule}`)).toEqual([
    'b.yaml:12 unknown-key b',
    'a.yaml:12 unknown-field a',
    'a.yaml:13 unknown-key a',
    'z.yaml:1 empty-file null',
  ])
  expect(JSON.parse(formatIssuesJson(compile(files).issues))[0]).toEqual({
    code: 'unknown-key',
    severity: 'error',
    file: 'b.yaml',
    line: 12,
    column: 1,
    length: 4,
    rule: 'b',
    message: '"nope" is not a key of a rule',
    suggestion: null,
  })
})

test('a name from a file that could not be read is not held against others', () => {
  const reader = rule(
    'a',
    'exceptions: [{ name: x, when: key.shop_id in lists.shops, reason: r, until: 2030-01-01 }]\n',
  )
  expect(codes([{ path: 'l.yaml', text: 'list: [\n' }, reader])).toEqual(['yaml-syntax'])
})

test('limits', () => {
  expect(codes([{ path: 'big.yaml', text: `# ${'x'.repeat(1 << 20)}` }])).toEqual(['file-too-large'])
  const items = Array.from({ length: 10_001 }, (_, i) => `s${i}`).join(', ')
  expect(codes([{ path: 'l.yaml', text: `list: shops\nkind: deny\nof: string\nitems: [${items}]\n` }])).toEqual([
    'too-many',
  ])
  expect(codes([{ path: 'deep.yaml', text: `rule: ${'['.repeat(5_000)}` }])).toContain('yaml-syntax')
  expect(codes([{ path: 'deep.yaml', text: `rule: ${'['.repeat(100)}1${']'.repeat(100)}` }])).toContain('yaml-syntax')
  expect(codes([rule('a', `where: ${'-'.repeat(1_900)}1 > 0\n`)])).toEqual(['expression-too-deep'])
})

test('what a faulty name makes of a condition is not doubted', () => {
  const faulty = 'owner: me\nwhere: nope == 3 || event.nope in [1] || "a" == event.nope\n'
  const lint = { nowMs: 0, whole: true }
  expect(codes([rule('a', faulty)], { lint })).toEqual(['unknown-name', 'unknown-field', 'unknown-field'])
})

test('a quiet test that has a fault is not also missing', () => {
  const faulty = 'owner: me\ntests:\n  - { name: quiet, start: yesterday, events: [], expect: [] }\n'
  expect(codes([rule('a', faulty)], { lint: { nowMs: 0, whole: true } })).toEqual(['bad-date'])
})
