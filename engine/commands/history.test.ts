import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-history-'))
afterAll(() => rmSync(root, { recursive: true }))
const tsx = packagePath('node_modules/tsx/dist/esm/index.mjs')
const node = [process.execPath, '--import', tsx, packagePath('engine/main.ts')]

function start(args: readonly string[], limit = '') {
  const words = [...node, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('sh', ['-c', `${limit}exec ${words}`], { cwd: root })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  child.stdin.on('error', () => {})
  return { child, said, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...said })) }
}
const lapwing = (...args: string[]) => start(args).ended
function file(name: string, text: string): string {
  writeFileSync(join(root, name), text)
  return name
}
const lines = (text: string) => text.trim().split('\n').filter((l) => l !== '').map((l) => JSON.parse(l)) // biome-ignore format: one chain

const rule = (version: number, mode: string, limit: number) => `rule: busy_shop
version: ${version}
title: A shop receives many orders
owner: test
mode: ${mode}
on: order.created
by: [shop_id]
window: 10m
params: { limit: ${limit} }
measure: { orders: { count: events } }
when: orders >= params.limit
severity: high
alert: { explain: "{orders} orders" }
`
const rules = file('rules.yaml', `${rule(1, 'live', 3)}---\n${rule(2, 'shadow', 5)}`)
const START_MS = Date.UTC(2026, 0, 5)
const order = (n: number, shop: string) =>
  JSON.stringify({ event_id: `e${n}`, type: 'order.created', event_time: START_MS + n * 100, shop_id: shop })
/** Shop A gets 4 orders, B gets 9,000: more than 1 MB in all, so that it is cached. */
const orders = [...Array.from({ length: 9_000 }, (_, n) => order(n, 'B')), ...[9_000, 9_001, 9_002, 9_003].map((n) => order(n, 'A'))] // biome-ignore format: one list
const input = file(
  'orders.jsonl',
  orders.map((line) => line.replace('}', `,"channel":"${'x'.repeat(60)}"}`)).join('\n'),
)

test('backtest: a cache, the same answers with and without; a budget; a report', async () => {
  const args = ['backtest', rules, '--input', input]
  const first = await lapwing(...args, '--max-alerts-per-day', '1', '--report', 'report.html')
  expect(first.code).toBe(1)
  expect(first.err).toContain('over budget: busy_shop@1: 2 alerts on 2026-01-05, 1 a day are allowed')
  expect(first.err).not.toContain('busy_shop@2: ')
  expect(readFileSync(join(root, 'report.html'), 'utf8')).toContain('<svg')
  expect(readdirSync(join(root, '.lapwing/cache'))).toHaveLength(1)
  const [cached, plain, elsewhere] = await Promise.all([
    lapwing(...args, '--max-alerts-per-day', '2'),
    lapwing(...args, '--no-cache', '--data', 'nowhere'),
    lapwing(...args, '--cache', 'kept'),
  ])
  expect([cached.code, plain.code]).toEqual([0, 0])
  expect(lines(first.out).filter((alert) => alert.status === 'open')).toHaveLength(3)
  expect(new Set([first.out, cached.out, plain.out, elsewhere.out]).size).toBe(1)
  expect([existsSync(join(root, 'nowhere')), readdirSync(join(root, 'kept')).length]).toEqual([false, 1])
}, 60_000)

test('diff: two versions in one set', async () => {
  const { code, out, err } = await lapwing('diff', 'busy_shop@1', 'busy_shop@2', '--rules', rules, '--input', input)
  expect(code).toBe(0)
  expect(lines(out)).toMatchObject([
    { kind: 'diff', where: 'both', key: { shop_id: 'B' }, old: [{ severity: 'high' }], new: [{}] },
    { where: 'old', key: { shop_id: 'A' }, old: [{ measures: { orders: 3 } }], new: [] },
  ])
  expect(err).toMatch(/only in the old +1 +0 +1\nonly in the new +0 +0 +0\nin both +1 +1 +1\n/)
  const unknown = await lapwing('diff', 'busy_shop', 'busy_shop@3', '--rules', rules, '--input', input)
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('has several versions')])
}, 60_000)

describe('on the local log', () => {
  test('what is ingested from a pipe is there while the pipe is open; --from and --to; explain', async () => {
    const pipe = start(['ingest', '-', '--data', 'data'])
    pipe.child.stdin.write(`${[0, 1, 2].map((n) => order(n, 'A')).join('\n')}\n`)
    const range = ['backtest', rules, '--data', 'data', '--from', '2026-01-05T00:00:00.100Z', '--to', '2026-01-06']
    await expect
      .poll(async () => (await lapwing(...range)).err, { timeout: 30_000, interval: 500 })
      .toMatch(/^2 events in/m)
    pipe.child.stdin.end(order(3, 'A'))
    expect((await pipe.ended).err).toContain('4 events appended')
    const all = await lapwing(...range)
    expect([all.code, lines(all.out).length]).toEqual([0, 2])
    const needs = await lapwing('explain', 'busy_shop@2', '--rules', rules, '--json')
    expect(lines(needs.out)).toMatchObject([{ rule: 'busy_shop@2', mode: 'shadow', key: ['shop_id'] }])
    const live = await lapwing('explain', 'busy_shop', '--key', 'shop_id=A', '--data', 'data', '--rules', rules)
    expect([live.code, live.err]).toEqual([2, expect.stringContaining('not in force on this log; no rules are')])
  }, 90_000)

  test('a disk that is full: what was appended before is said', async () => {
    // a limit on the size of files stands for the disk
    const { code, err } = await start(['ingest', input, '--data', 'full'], 'ulimit -f 100; ').ended
    expect(code).toBe(2)
    expect(err).toMatch(/^\d+ events appended, 0 too far in the future/m)
    expect(err).toMatch(/the disk/)
    expect(err).not.toMatch(/^\s+at /m)
  }, 60_000)

  test('nothing to read', async () => {
    const none = await lapwing('backtest', rules, '--from', '2026-01-05', '--data', 'none')
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('there is no local log')])
    const unsaid = await lapwing('backtest', rules)
    expect([unsaid.code, unsaid.err]).toEqual([2, expect.stringContaining('history is wanted')])
  }, 60_000)
})

test('simulate: rates in thousands; labels with groups, honest crowds as good', async () => {
  const { code } = await lapwing('simulate', '--scenario', 'flash_sale', '--rate', '0.02k', '--minutes', '6', '--labels', 'labels.csv') // biome-ignore format: one line
  expect(code).toBe(0)
  const labels = readFileSync(join(root, 'labels.csv'), 'utf8').trim().split('\n')
  expect(labels[0]).toBe('event_id,label,group')
  expect(labels.slice(1).every((line) => line.split(',')[1] === '0')).toBe(true)
  expect(labels.some((line) => line.endsWith(',flash_sale-0'))).toBe(true)
}, 60_000)
