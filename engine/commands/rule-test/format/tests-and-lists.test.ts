import { type Case, order, proveAll, RULE } from './testing.ts'

/** A test with other keys of its own, and one in its place. */
function written(row: string, test: string, instead: string, keys: Case['keys'] = {}): Case {
  return { row, keys: { ...keys, tests: tests(test) }, events: [], expect: '', without: { tests: tests(instead) } }
}
const tests = (text: string) => `\n  - name: t\n${text.replace(/^/gm, '    ')}`
const ORDERS = (rest: string) => `events: [{ at: 0m, ${rest}, type: order.created, shop_id: S1 }]`
const TWO = ORDERS('repeat: 2, every: 1m')

const TESTS: readonly Case[] = [
  written('tests.events.at', `${order0('-5m')}\nexpect: [{ at: -5m }]`, `${order0('5m')}\nexpect: [{ at: -5m }]`, {
    when: 'n >= 1',
  }),
  written(
    'tests.events.arrives',
    'events: [{ at: 0m, arrives: 1m, type: order.created, shop_id: S1 }]\nexpect: [{ at: 1m }]',
    'events: [{ at: 0m, type: order.created, shop_id: S1 }]\nexpect: [{ at: 1m }]',
    { when: 'n >= 1' },
  ),
  written(
    'tests.events.repeat',
    `${TWO}\nexpect: [{ at: 1m }]`,
    `${ORDERS('repeat: 1, every: 1m')}\nexpect: [{ at: 1m }]`,
  ),
  written(
    'tests.events.every',
    `${TWO}\nexpect: [{ at: 1m }]`,
    `${ORDERS('repeat: 2, every: 2m')}\nexpect: [{ at: 1m }]`,
  ),
  written(
    'tests.events.{n}',
    `${ORDERS('repeat: 4, every: 1m, buyer_id: "B{n % 2}"')}\nexpect: []`,
    `${ORDERS('repeat: 4, every: 1m, buyer_id: "B{n}"')}\nexpect: []`,
    { measure: '{ n: { distinct: buyer_id } }', when: 'n >= 3' },
  ),
  written(
    'tests.events.advance',
    'events: [{ at: 0m, type: order.created, shop_id: S1 }, { advance: 20m }]\nexpect: [{ at: 10m }]',
    'events: [{ at: 0m, type: order.created, shop_id: S1 }, { advance: 9m }]\nexpect: [{ at: 10m }]',
    { measure: '{ n: { count: events }, w: { count: events, window: 20m } }', when: 'n == 0 && w == 1' },
  ),
  written('tests.expect', `${TWO}\nexpect: [{}]`, `${TWO}\nexpect: [{}, {}]`),
  written('tests.expect: [] is quiet', `${ORDERS('quantity: 1')}\nexpect: []`, `${TWO}\nexpect: []`),
  ...(
    [
      ['at', '1m', '2m'],
      ['key', '{ shop_id: S1 }', '{ shop_id: S2 }'],
      ['severity', 'high', 'low'],
      ['measure', '{ n: 2 }', '{ n: 3 }'],
      ['folded', '0', '1'],
      ['suspects', '[B]', '[C]'],
      ['explain_contains', '2 orders', '3 orders'],
    ] as const
  ).map(([key, right, wrong]) => {
    const events = ORDERS('repeat: 2, every: 1m, buyer_id: B')
    const alert = '{ suspects: { of: buyer_id, k: 1 }, explain: "{n} orders" }'
    return written(`tests.expect.${key}`, `${events}\nexpect: [{ ${key}: ${right} }]`, `${events}\nexpect: [{ ${key}: ${wrong} }]`, { alert }) // biome-ignore format: one step
  }),
  written('tests.expect_muted', `${TWO}\nexpect_muted: [{ at: 1m }]`, `${TWO}\nexpect_muted: []`, {
    exceptions: '[{ name: x, reason: R, when: key.shop_id == "S1", until: 2099-01-01 }]',
  }),
  written('tests.expect_abstained', `${TWO}\nexpect_abstained: 2`, `${TWO}\nexpect_abstained: 0`, {
    when: 'event.amount > 3',
  }),
  written('tests.params', `${TWO}\nparams: { least: 2 }\nexpect: [{}]`, `${TWO}\nexpect: [{}]`, {
    params: '{ least: 9 }',
    when: 'n >= params.least',
  }),
  written('tests.start', `${TWO}\nstart: 2026-06-01T08:00\nexpect: [{}]`, `${TWO}\nexpect: [{}]`, {
    when: 'n >= 2 && hour(event.event_time, "UTC") == 8',
  }),
  {
    ...written('tests.lists', `${TWO}\nlists: { l: [S1] }\nexpect: [{}]`, `${TWO}\nexpect: [{}]`, {
      when: 'n >= 2 && key.shop_id in lists.l',
    }),
    beside: 'list: l\nkind: deny\nof: string\nitems: []\n',
  },
]

function order0(at: string): string {
  return `events: [${order(at)}]`
}

/** Rules of a list: the file's second document. */
const LIST = 'list: l\nkind: watch\nof: string\nitems: [S1]\n'
const LISTS: readonly Case[] = [
  {
    row: 'list.items',
    keys: { when: 'key.shop_id in lists.l' },
    events: [order('0m')],
    expect: 'expect: [{ at: 0m }]',
    without: {},
    beside: LIST,
    besideWithout: LIST.replace('[S1]', '[]'),
  },
  {
    row: 'list',
    keys: { when: 'key.shop_id in lists.l' },
    events: [order('0m')],
    expect: 'expect: [{ at: 0m }]',
    without: {},
    beside: LIST,
    besideWithout: LIST.replace('list: l', 'list: m'),
    isRefused: true,
  },
  {
    row: 'list.of',
    keys: { when: 'event.quantity in lists.l' },
    events: [order('0m', 'quantity: 3')],
    expect: 'expect: [{ at: 0m }]',
    without: {},
    beside: 'list: l\nkind: watch\nof: number\nitems: [3]\n',
    besideWithout: 'list: l\nkind: watch\nof: string\nitems: ["3"]\n',
    isRefused: true,
  },
]

/** Tests in a file of their own. */
const FOR: Case = {
  row: 'for',
  keys: { tests: '[]' },
  events: [],
  expect: '',
  without: {},
  beside: `for: r\ntests:\n  - name: t\n    ${TWO}\n    expect: [{ at: 1m }]\n`,
  besideWithout: `for: other\ntests:\n  - name: t\n    ${TWO}\n    expect: [{ at: 1m }]\n`,
  isRefused: true,
}

proveAll(RULE, [...TESTS, ...LISTS, FOR])
