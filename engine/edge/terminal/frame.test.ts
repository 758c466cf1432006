import { describe, expect, test } from 'vitest'
import { frame, type ViewModel } from './frame.ts'
import { clip, coloured, plain, wrap } from './text.ts'

const view: ViewModel = {
  title: 'Lapwing',
  phase: null,
  eventsPerSecond: 118.6,
  events: 1_234_567,
  latency: { p50: 1.84, p99: 12.4 },
  openAlerts: 3,
  alerts: 21,
  streamMs: new Date(2026, 0, 5, 12, 30, 15).getTime(),
  latest: Array.from({ length: 40 }, (_, i) => ({
    timeMs: new Date(2026, 0, 5, 12, 30, i).getTime(),
    severity: i % 2 === 0 ? 'critical' : 'high',
    explain: `Shop S${i}: 9 orders from 3 buyers within 1h (3.00 each), which is far more than any honest shop has`,
  })),
  hot: {
    title: 'hot items of C1',
    asOfMs: new Date(2026, 0, 5, 12, 30).getTime(),
    items: [
      { rank: 1, previousRank: 3, id: 'I7', score: 300 },
      { rank: 2, previousRank: 1, id: 'I1', score: 200.4 },
      { rank: 3, previousRank: 3, id: 'I3', score: 100 },
      { rank: 4, previousRank: null, id: 'I4', score: 50 },
    ],
  },
  footer: 'Ctrl-C stops',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const bare = (line: string) => line.replace(/\x1b\[[\d;]*m/g, '')

test.each([
  [80, 24],
  [40, 10],
  [120, 50],
  [20, 3],
])('fits %i × %i', (columns, rows) => {
  const lines = frame(view, { columns, rows }, coloured)
  expect(lines).toHaveLength(rows)
  for (const line of lines) expect(bare(line).length).toBeLessThanOrEqual(columns)
})

test('shows the figures, the alerts newest first, the changes of rank', () => {
  const lines = frame(view, { columns: 80, rows: 24 }, plain)
  expect(lines[0]).toMatch(/^Lapwing +real time {2}12:30:15$/)
  expect(lines[1]).toContain(
    '119 events/s  1,234,567 in all   alerts 21, 3 open   latency p50 1.8 ms p99 12 ms'.slice(0, 75),
  )
  expect(lines[4]).toBe('12:30:00 critical Shop S0: 9 orders from 3 buyers within 1h (3.00 each), which')
  expect(lines[5]).toBe('                  is far more than any honest shop has')
  expect(lines[6]).toMatch(/^12:30:01 high {5}Shop S1: /)
  expect(lines.slice(-6)).toEqual([
    'hot items of C1, 12:30:00',
    '  1 ▲2    I7       300',
    '  2 ▼1    I1       200',
    '  3 =     I3       100',
    '  4 new   I4        50',
    'Ctrl-C stops',
  ])
})

test('before the first event', () => {
  const empty: ViewModel = {
    ...view,
    phase: 'playing the past hour, 3%',
    streamMs: Number.NEGATIVE_INFINITY,
    latest: [],
    hot: null,
    latency: null,
  }
  const lines = frame(empty, { columns: 80, rows: 24 }, plain)
  expect(lines[0]).toMatch(/playing the past hour, 3% {2}--:--:--$/)
  expect(lines[3]).toBe('Alerts: none yet')
})

describe('clip', () => {
  test('control characters do not reach the terminal', () => expect(clip('a\x1b[2Jb\nc', 40)).toBe('a\\u001b[2Jb\\nc'))
  test('wide characters take two cells', () => expect(clip('店铺订单', 5)).toBe('店…'))
})

test('wrap: at a blank, else anywhere; what is more than two lines is cut', () => {
  expect(wrap('short', 10)).toEqual(['short', ''])
  expect(wrap('one two three', 9)).toEqual(['one two', 'three'])
  expect(wrap('onetwothree', 6)).toEqual(['onetw', 'othree'])
  expect(wrap('a b c d e f g', 4)).toEqual(['a', 'b c…'])
})
