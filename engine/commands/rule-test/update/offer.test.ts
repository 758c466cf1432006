import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { test as testRules } from '../../test.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-update-'))
afterAll(() => rmSync(root, { recursive: true }))

const RULE = `rule: busy_shop
version: 1
title: A shop receives two orders
owner: test
mode: live
on: order.created
by: [shop_id]
window: 10m
measure: { orders: { count: events } }
when: orders >= 2
severity: high
alert: { explain: "{orders} orders at {key.shop_id}" }
tests:
  - name: two
    events: [{ at: 0m, repeat: 2, every: 1m, type: order.created, shop_id: S1 }]
    expect: [{ at: 5m }] # soon
`
const SHOWN = 'busy_shop@1: two\n@@ line 16\n-     expect: [{ at: 5m }] # soon\n+     expect: [{ at: 1m }] # soon\n'

async function run(path: string, options: { update?: boolean; yes?: boolean }) {
  const said = { out: '', err: '' }
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[stream === 'stdout' ? 'out' : 'err'] += text
      return true
    }),
  )
  try {
    return { code: await testRules([path], { format: 'text', ...options }), ...said }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

test('without a terminal and without --yes the change is shown and not written', async () => {
  const path = join(root, 'shown.yaml')
  writeFileSync(path, RULE)
  const { code, out, err } = await run(path, { update: true })
  expect(code).toBe(1)
  expect(out).toContain(SHOWN)
  expect(err).toContain('nothing written; --yes writes without asking')
  expect(readFileSync(path, 'utf8')).toBe(RULE)
})

test('with --yes it is shown and written; then there is nothing to update', async () => {
  const path = join(root, 'written.yaml')
  writeFileSync(path, RULE)
  const { code, out } = await run(path, { update: true, yes: true })
  expect(code).toBe(0)
  expect(out).toContain(SHOWN)
  expect(readFileSync(path, 'utf8')).toBe(RULE.replace('at: 5m', 'at: 1m'))
  expect(await run(path, { update: true, yes: true })).toMatchObject({
    code: 0,
    out: '',
    err: 'all tests pass: nothing to update\n',
  })
})

test('--yes alone is no way to run tests', async () => {
  await expect(run(join(root, 'written.yaml'), { yes: true })).rejects.toThrow('--yes goes with --update')
})
