import { type Case, order, proveAll, RULE } from './testing.ts'

/** A condition that is true of one order with these fields, and one in its place that is not. */
function holds(row: string, when: string, fields: string, instead: string, more: Partial<Case> = {}): Case {
  return {
    row,
    keys: { when: quoted(when) },
    events: [order('0m', fields)],
    expect: 'expect: [{ at: 0m }]',
    without: { when: quoted(instead) },
    ...more,
  }
}
/** How often a condition abstains on that order. */
function abstains(row: string, when: string, fields: string, instead: string, times = 1): Case {
  return holds(row, when, fields, instead, { expect: `expect_abstained: ${times}` })
}
const quoted = (condition: string) => `'${condition.replaceAll("'", "''")}'`

const FUNCTIONS: readonly Case[] = [
  holds('size', 'size(event.status) == 2', 'status: "店🙂"', 'size(event.status) == 3'),
  holds('startsWith', 'event.status.startsWith("ab")', 'status: abc', 'event.status.startsWith("bc")'),
  holds('endsWith', 'event.status.endsWith("bc")', 'status: abc', 'event.status.endsWith("ab")'),
  holds('contains', 'event.status.contains("b")', 'status: abc', 'event.status.contains("d")'),
  holds('matches', 'event.status.matches("^a[a-c]+$")', 'status: abc', 'event.status.matches("^b")'),
  holds('abs', 'abs(event.quantity) == 3', 'quantity: -3', 'event.quantity == 3'),
  holds('min', 'min(event.quantity, 2, 9) == 2', 'quantity: 3', 'max(event.quantity, 2, 9) == 2'),
  holds('max', 'max(event.quantity, 2, 9) == 9', 'quantity: 3', 'min(event.quantity, 2, 9) == 9'),
  holds('round', 'round(event.quantity / -2) == -2', 'quantity: 3', 'event.quantity / -2 == -2'), // away from zero
  holds('lower', 'lower(event.status) == "abc"', 'status: ABC', 'event.status == "abc"'),
  holds('unordered', 'unordered(event.shop_id, event.buyer_id) == "B|S1"', 'buyer_id: B', 'event.shop_id == "B|S1"'),
  holds(
    'subnet',
    'subnet(event.ip, 24) == "203.0.113.0/24"',
    'ip: 203.0.113.7',
    'subnet(event.ip, 16) == "203.0.113.0/24"',
  ),
  holds('hour', 'hour(event.event_time, "Asia/Shanghai") == 8', '', 'hour(event.event_time, "UTC") == 8'),
  // 2026-01-01 is a Thursday
  holds('weekday', 'weekday(event.event_time, "UTC") == 4', '', 'weekday(event.event_time, "America/New_York") == 4'),
  holds('duration', 'duration("1m30s") == 90000', '', 'duration("1m") == 90000'),
]

const OPERATORS: readonly Case[] = [
  holds('one number type', 'n / 2 == 0.5', '', 'n / 2 == 0'),
  holds('literals are doubles', '7 / 2 == 3.5', '', '7 / 2 == 3'),
  holds('arithmetic', '2 + 3 * 4 - 10 % 4 == 12', '', '(2 + 3) * 4 - 10 % 4 == 12'),
  holds('comparisons', 'n < 2 && n <= 1 && n > 0 && n >= 1 && n != 2', '', 'n < 1 || n > 1'),
  holds('not', '!(n == 2)', '', '!(n == 1)'),
  holds('?:', 'n == 1 ? event.quantity == 3 : false', 'quantity: 3', 'n == 2 ? event.quantity == 3 : false'),
  holds('in written values', 'event.quantity in [1, 3]', 'quantity: 3', 'event.quantity in [1, 2]'),
  holds('in lists', 'event.buyer_id in lists.l', 'buyer_id: B', '!(event.buyer_id in lists.l)', {
    beside: 'list: l\nkind: watch\nof: string\nitems: [B]\n',
  }),
  holds('in top', '"B" in best', 'buyer_id: B', '"C" in best', {
    keys: { measure: '{ n: { count: events }, best: { top: buyer_id } }', when: quoted('"B" in best') },
  }),
  holds('key', 'key.shop_id == "S1"', '', 'key.shop_id == "S2"'),
  holds('event', 'event.quantity == 3', 'quantity: 3', 'event.quantity == 2'),
]

const NULLS: readonly Case[] = [
  holds('a field that a record lacks is null', 'event.status == null', '', 'event.shop_id == null'),
  holds('null equals only null', 'event.status != "x"', '', 'event.status == "x"'),
  holds('in accepts null', '!(event.status in ["x"])', '', 'event.status in ["x"]'),
  abstains('ordering on null abstains', 'event.amount > 3', '', 'event.amount == null'),
  abstains('arithmetic on null abstains', 'event.amount + 1 == 4', '', 'event.amount == null'),
  abstains('division by zero abstains', '1 / (n - 1) > 0', '', '1 / n > 0'),
  abstains('functions of null abstain', 'lower(event.status) == "x"', '', 'event.status == "x"'),
  abstains(
    'false && abstain',
    'event.status == "x" && event.amount > 3',
    '',
    'event.status == null && event.amount > 3',
    0,
  ),
  abstains(
    'abstain && false',
    'event.amount > 3 && event.status == "x"',
    '',
    'event.amount > 3 && event.status == null',
    0,
  ),
  holds('true || abstain', 'n == 1 || event.amount > 3', '', 'n == 2 || event.amount > 3'),
  holds('abstain || true', 'event.amount > 3 || n == 1', '', 'event.amount > 3 || n == 2'),
]

const REST: readonly Case[] = [
  {
    row: 'where abstains: dropped',
    keys: { where: 'event.amount > 3', when: 'n >= 1' },
    events: [order('0m')],
    expect: 'expect: []',
    without: { where: null },
  },
  {
    row: 'unless abstains: kept',
    keys: { unless: 'event.amount > 3', when: 'n >= 1' },
    events: [order('0m')],
    expect: 'expect: [{ at: 0m }]',
    without: { unless: 'event.amount == null' },
  },
  {
    row: 'a severity that abstains does not apply',
    keys: { severity: '[{ critical: event.amount > 3 }, { low: otherwise }]', when: 'n >= 1' },
    events: [order('0m')],
    expect: 'expect: [{ severity: low }]',
    without: { severity: '[{ critical: event.amount == null }, { low: otherwise }]' },
  },
  {
    row: 'an exception that abstains does not apply',
    keys: { exceptions: '[{ name: x, reason: R, when: event.amount > 3, until: 2099-01-01 }]', when: 'n >= 1' },
    events: [order('0m')],
    expect: 'expect: [{ at: 0m }]',
    without: { exceptions: '[{ name: x, reason: R, when: event.amount == null, until: 2099-01-01 }]' },
  },
  {
    row: 'abstaining ends an episode',
    keys: { when: 'event.amount > 3' },
    events: [order('0m', 'amount: 5'), order('1m'), order('2m', 'amount: 5')],
    expect: 'expect: [{ at: 0m }, { at: 2m }]',
    without: { when: 'event.amount == null || event.amount > 3' },
  },
]

proveAll(RULE, [...FUNCTIONS, ...OPERATORS, ...NULLS, ...REST])
