import { expect, test } from 'vitest'
import type { AlertRecord } from '../../model/output.ts'
import { compareLives, type Life, Lives } from './lives.ts'

function life(id: string, shop: string, fromMs: number, toMs: number): Life {
  const lives = new Lives()
  const record = { alert_id: id, key: { shop }, violation: null, first_seen: fromMs } as unknown as AlertRecord
  lives.add({ ...record, status: 'open', event_time: fromMs })
  lives.add({ ...record, status: 'updated', event_time: fromMs })
  lives.add({ ...record, status: 'closed', event_time: toMs })
  return lives.all()[0]!
}
const ids = (lives: readonly Life[]) => lives.map((l) => l.open.alert_id).join('')

test('alerts belong together by key and overlapping time', () => {
  // time  0    10   20   30   40   50
  // A old a────────b    c────d             a, b one alert each
  // A new      e─────────f                 overlaps a and c
  // B old x──y
  // B new           z──
  const before = [life('a', 'A', 0, 15), life('c', 'A', 25, 35), life('x', 'B', 0, 5)]
  const after = [life('e', 'A', 10, 30), life('z', 'B', 20, 25), life('g', 'A', 40, 50)]
  const pairs = compareLives(before, after).map((p) => [p.where, p.key.shop, ids(p.before), ids(p.after)])
  expect(pairs).toEqual([
    ['both', 'A', 'ac', 'e'],
    ['old', 'B', 'x', ''],
    ['new', 'B', '', 'z'],
    ['new', 'A', '', 'g'],
  ])
})
