import { advance, type Case, event, order, proveAll, RANKING, view } from './testing.ts'

/** I1 three times by two users, I2 twice by one, within the first minute. */
const VIEWS = [
  ...['10s', '20s'].map((at) => view(at, 'item_id: I1, user_id: U1, category_id: C1')),
  view('30s', 'item_id: I1, user_id: U2, category_id: C1'),
  ...['40s', '50s'].map((at) => view(at, 'item_id: I2, user_id: U1, category_id: C2')),
]
/** What the ranking of the first minute says. */
function ranked(
  row: string,
  keys: Case['keys'],
  items: string,
  without: Case['without'],
  more: Partial<Case> = {},
): Case {
  const expect = `expect: [{ at: 1m, items: ${items} }]`
  return { row, ...(keys && { keys }), events: [...VIEWS, advance('1m')], expect, without, ...more }
}

const KEYS: readonly Case[] = [
  {
    ...ranked('ranking', {}, '[I1, I2]', { ranking: 'other' }),
    shows: (p) => p.rankings[0]?.ranking,
    is: 'k',
  },
  {
    row: 'ranking.on',
    keys: { on: '[item.viewed, item.bought]' },
    events: [view('1s', 'item_id: I1'), event('2s', 'item.bought', 'item_id: I2'), advance('1m')],
    expect: 'expect: [{ at: 1m, items: [I1, I2] }]',
    without: { on: 'item.viewed' },
  },
  ranked('ranking.rank', {}, '[I1, I2]', { rank: 'category_id' }),
  {
    row: 'ranking.per',
    keys: { per: '[category_id]' },
    events: [...VIEWS, advance('1m')],
    expect:
      'expect: [{ at: 1m, key: { category_id: C1 }, items: [I1] }, { at: 1m, key: { category_id: C2 }, items: [I2] }]',
    without: { per: '[user_id]' },
    isRefused: true, // the key that is expected is not in it
  },
  ranked('ranking.limit', { limit: '1' }, '[I1]', { limit: '2' }),
  ranked('ranking.where', { where: 'event.user_id == "U1"' }, '[I1, I2]', { where: 'event.user_id == "U2"' }),
  ranked('ranking.unless', { unless: 'event.user_id == "U2"' }, '[{ id: I1, score: 2 }, I2]', { unless: null }),
  {
    ...ranked('ranking.version', { version: '7' }, '[I1, I2]', { version: '1' }),
    shows: (p) => p.rankings[0]?.version,
    is: 7,
  },
  ranked('ranking.mode', { mode: 'live' }, '[I1, I2]', { mode: 'off' }),
  ranked('tests.expect.items', {}, '[{ id: I1, rank: 1 }, { id: I2, rank: 2 }]', { where: 'event.user_id == "U2"' }),
  ranked('ranking.let', { let: '{ kind: lower(event.category_id) }', rank: 'kind' }, '[c1, c2]', {
    rank: 'category_id',
  }),
  {
    row: 'ranking.params',
    keys: { params: '{ user: U2 }', where: 'event.user_id == params.user' },
    events: [...VIEWS, advance('1m')],
    expect: 'expect: [{ at: 1m, items: [I1] }]',
    without: { params: '{ user: U1 }' },
  },
  {
    row: 'ranking.window.sliding',
    keys: { window: '{ sliding: 2m, step: 1m }' },
    events: [view('0m', 'item_id: I1'), view('90s', 'item_id: I2'), advance('3m')],
    expect: 'expect: [{ at: 2m, items: [I1, I2] }, { at: 3m, items: [I2] }]', // [as_of - 2m, as_of)
    without: { window: '{ sliding: 1m, step: 1m }' },
  },
  {
    row: 'ranking.window.step',
    keys: { window: '{ sliding: 10m, step: 30s }' },
    events: [view('0m', 'item_id: I1'), advance('5m')],
    expect: 'expect: [{ at: 30s, items: [I1] }]',
    without: { window: '{ sliding: 10m, step: 1m }' },
  },
  {
    row: 'ranking.settle',
    keys: { settle: '30s' },
    events: [view('70s', 'item_id: I2'), '{ at: 10s, arrives: 75s, type: item.viewed, item_id: I1 }', advance('5m')],
    expect: 'expect: [{ at: 1m, items: [I1] }]',
    without: { settle: null },
  },
  {
    row: 'a ranking without events emits nothing',
    events: [order('0m'), advance('5m')],
    expect: 'expect: []',
    without: { on: 'order.created', rank: 'shop_id' },
  },
]

const SCORE: readonly Case[] = [
  {
    row: 'ranking.score.weights',
    keys: { on: '[item.viewed, item.bought]', score: '{ weights: { item.viewed: 1, item.bought: 8 } }' },
    events: [
      view('1s', 'item_id: I1'),
      view('2s', 'item_id: I1'),
      event('3s', 'item.bought', 'item_id: I2'),
      advance('1m'),
    ],
    expect: 'expect: [{ at: 1m, items: [{ id: I2, score: 8 }, { id: I1, score: 2 }] }]',
    without: { score: null },
  },
  ranked(
    'ranking.score.cap',
    { score: '{ cap: { per: user_id, points: 1 } }' },
    '[{ id: I1, score: 2 }, { id: I2, score: 1 }]',
    { score: null },
  ),
  ranked(
    'ranking.score.cap.per',
    { score: '{ cap: { per: user_id, points: 1 } }' },
    '[{ id: I1, score: 2 }, { id: I2, score: 1 }]',
    { score: '{ cap: { per: category_id, points: 1 } }' },
  ),
  ranked(
    'ranking.score.cap.points',
    { score: '{ cap: { per: user_id, points: 1 } }' },
    '[{ id: I1, score: 2 }, { id: I2, score: 1 }]',
    { score: '{ cap: { per: user_id, points: 2 } }' },
  ),
]

const TIED = ['I2', 'I1', 'I3'].map((item, i) => view(`${i}s`, `item_id: ${item}`))
const TIES: readonly Case[] = [
  ranked(
    'ranking.ties',
    { ties: '[item_id desc]', limit: '2' },
    '[I3, I2]',
    { ties: '[item_id asc]' },
    { events: [...TIED, advance('1m')] },
  ),
  ranked(
    'ranking.ties: all',
    { ties: 'all', limit: '2' },
    '[I1, I2, I3]',
    { ties: null },
    { events: [...TIED, advance('1m')] },
  ),
]

const column = (row: string, text: string, items: string, instead: string) =>
  ranked(row, { columns: `{ x: ${text} }` }, items, { columns: `{ x: ${instead} }` })
const COLUMNS: readonly Case[] = [
  column('ranking.columns', '{ distinct: user_id }', '[{ id: I1, x: 2 }, { id: I2, x: 1 }]', '{ count: events }'),
  column(
    'ranking.columns.where',
    '{ count: events, where: event.user_id == "U1" }',
    '[{ id: I1, x: 2 }, { id: I2, x: 2 }]',
    '{ count: events }',
  ),
  {
    row: 'ranking.columns.rank_change',
    keys: { window: '{ sliding: 1m, step: 1m }', columns: '{ x: { rank_change: 1m } }' },
    events: [
      view('1s', 'item_id: I1'),
      view('2s', 'item_id: I1'),
      view('3s', 'item_id: I2'),
      view('61s', 'item_id: I2'),
      advance('1m'),
    ],
    expect: 'expect: [{ at: 2m, items: [{ id: I2, x: 1 }] }]', // second, then first
    without: { columns: '{ x: { rank_change: 2m } }' },
  },
  {
    row: 'ranking.columns.sparkline',
    keys: { window: '{ sliding: 1m, step: 1m }', columns: '{ x: { sparkline: 3, step: 1m } }' },
    events: [view('1s', 'item_id: I1'), view('2s', 'item_id: I1'), view('61s', 'item_id: I1'), advance('1m')],
    expect: 'expect: [{ at: 2m, items: [{ id: I1, x: [null, 2, 1] }] }]',
    without: { columns: '{ x: { sparkline: 2, step: 1m } }' },
  },
  {
    row: 'ranking.columns.sparkline.step',
    keys: { window: '{ sliding: 1m, step: 1m }', columns: '{ x: { sparkline: 2, step: 2m } }' },
    events: [view('1s', 'item_id: I1'), view('2s', 'item_id: I1'), view('121s', 'item_id: I1'), advance('1m')],
    expect: 'expect: [{ at: 3m, items: [{ id: I1, x: [2, 1] }] }]',
    without: { columns: '{ x: { sparkline: 2, step: 1m } }' },
  },
]

proveAll(RANKING, [...KEYS, ...SCORE, ...TIES, ...COLUMNS])
