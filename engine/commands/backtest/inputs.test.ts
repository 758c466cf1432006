import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packagePath } from '../../kit/package-path.ts'
import { addBacktest } from '../backtest.ts'
import { addDiff } from '../diff.ts'
import { runVerb } from '../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-inputs-'))
afterAll(() => rmSync(root, { recursive: true }))

test('what is wrong with an input is said once, however often it is read', async () => {
  const input = join(root, 'events.jsonl')
  writeFileSync(input, '{"type":"order.created","event_time":1767614400000,"event_id":"e","shopid":"S1"}\nx\n')
  const rules = packagePath('rules/order_concentration.yaml')
  const id = 'shop_order_concentration'
  const readings = [
    await runVerb(addBacktest, 'backtest', rules, '--input', input, '--set', 'limit=2,3,4'),
    await runVerb(addDiff, 'diff', id, id, '--old', rules, '--new', rules, '--input', input),
  ]
  for (const { code, err } of readings) {
    expect([code, err.split('"shopid" is not a field').length - 1, err.split('not JSON').length - 1]).toEqual([0, 1, 1])
  }
})
