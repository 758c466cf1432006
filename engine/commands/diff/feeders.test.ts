import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { addDiff } from '../diff.ts'
import { runVerb } from '../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-feeders-'))
afterAll(() => rmSync(root, { recursive: true }))
function file(name: string, text: string): string {
  writeFileSync(join(root, name), text)
  return join(root, name)
}
const rule = (id: string, version: number, mode: string, limit: number, where = 'true') => `rule: ${id}
version: ${version}
title: T
owner: test
mode: ${mode}
on: order.created
where: ${where}
by: [shop_id]
window: 10m
measure: { orders: { count: events } }
when: orders >= ${limit}
severity: low
---
`
const rules = file(
  'rules.yaml',
  `${rule('busy', 1, 'live', 2)}${rule('other', 1, 'live', 1)}list: busy_shops
kind: watch
of: string
source: { alerts: busy }
---
${rule('again', 1, 'live', 2, 'event.shop_id in lists.busy_shops')}${rule('again', 2, 'shadow', 3, 'event.shop_id in lists.busy_shops')}`,
)
const order = (n: number, shop: string) =>
  JSON.stringify({
    event_id: `${shop}${n}`,
    type: 'order.created',
    event_time: 1_767_225_600_000 + n * 1_000,
    shop_id: shop,
  })
const input = file('orders.jsonl', [0, 1, 2, 3].flatMap((n) => [order(n, 'A'), ...(n < 2 ? [order(n, 'B')] : [])]).join('\n')) // biome-ignore format: one line

test('alerts of another rule that feed a list of this one go on feeding it, and are not compared', async () => {
  const { code, out, err } = await runVerb(addDiff, 'diff', 'again@1', 'again@2', '--rules', rules, '--input', input)
  expect(code).toBe(0)
  expect(out.trim().split('\n').map((line) => JSON.parse(line))).toMatchObject([
    { where: 'old', key: { shop_id: 'A' }, old: [{ measures: { orders: 2 } }], new: [] },
  ]) // biome-ignore format: one chain
  expect(err).toMatch(/only in the old +1 +0 +1\n/)
})
