import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-cli-'))
afterAll(() => rmSync(root, { recursive: true }))
const tsx = packagePath('node_modules/tsx/dist/esm/index.mjs')

/** `lapwing` in an empty working folder; `input` is its standard input. */
function start(args: readonly string[], input = '') {
  const child = spawn(process.execPath, ['--import', tsx, packagePath('engine/main.ts'), ...args], { cwd: root })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  child.stdin.on('error', () => {}).end(input)
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  const has = async (what: string, on: 'out' | 'err' = 'err'): Promise<void> => {
    while (!said[on].includes(what)) {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it said ${what}: ${said.err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { ended, has, said, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}
const lapwing = (args: readonly string[], input?: string) => start(args, input).ended

function file(name: string, text: string): string {
  const path = join(root, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

const RULE = `rule: busy_shop
version: 1
title: A shop receives three orders
owner: test
mode: live
on: order.created
by: [shop_id]
window: 10m
params: { limit: 3 }
measure: { orders: { count: events } }
when: orders >= params.limit
severity: high
alert: { explain: "{orders} orders at {key.shop_id}" }
tests:
  - name: three
    events: [{ at: 0m, repeat: 3, every: 1m, type: order.created, shop_id: S1 }]
    expect: [{ at: LATER }]
`
const good = file('good/rule.yaml', RULE.replace('LATER', '2m'))
const failing = file('failing/rule.yaml', RULE.replace('LATER', '3m'))
const off = file('off/rule.yaml', RULE.replace('LATER', '2m').replace('mode: live', 'mode: off'))
const labels = file('labels.jsonl', '{"event_id":"a","label":"0"}\n{"event_id":"b","label":"1"}\n')
const broken = file('broken/rule.yaml', RULE.replace('by: [shop_id]', 'by: [shopid]'))
const START_MS = Date.UTC(2026, 0, 5)
const order = (n: number, shop = 'S1') =>
  JSON.stringify({ event_id: `${shop}-${n}`, type: 'order.created', event_time: START_MS + n * 1_000, shop_id: shop })
const lines = (text: string) => text.trim().split('\n').filter((l) => l !== '').map((l) => JSON.parse(l)) // biome-ignore format: one chain

describe('exit codes, data on standard output, talk on standard error', () => {
  test.each([
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [['--help'], 0, /dev .*\n[\s\S]*run .*\n[\s\S]*backtest/, /^$/],
    [['nonsense'], 2, /^$/, /unknown command 'nonsense'/],
    [['check'], 2, /^$/, /missing required argument 'path'/],
    [['check', good], 0, /no-quiet-test[\s\S]*1 rule, 0 rankings, 0 lists, 1 test: 0 errors, 1 warning/, /^$/],
    [['check', good, '--deny-warnings', '--format', 'github'], 3, /^::warning file=.*title=no-quiet-test::.*\n$/, /^$/],
    [['check', broken, '--format', 'sarif'], 1, /"ruleId": "unknown-field"/, /^$/],
    [['check', broken, '--format', 'junit'], 1, /<testcase name="7:6 unknown-field"/, /^$/],
    [['check', broken, '--json'], 1, /^\[\n {2}\{\n {4}"code": "unknown-field"/, /^$/],
    [['test', good, '--run', 'busy_shop: thre'], 0, /^1 of 1 tests passed, of 1 rule\n$/, /^$/],
    [['test', good, '--run', 'free'], 2, /^$/, /--run free: no test is called that; such as "busy_shop: three"/],
    [['test', off], 0, /^0 of 0 tests passed/, /^1 tests are not run, for what they test is off: busy_shop@1\n$/],
    [
      ['run', '--input', labels, '--rules', good],
      2,
      /^$/,
      /passed over[\s\S]*none of its 2 records is an event of a stream\n$/,
    ],
    [['run', '--strict', '--until', 'last', '--rules', good], 2, /^$/, /--strict and --until go with --input\n$/],
    [['run', '--input', '-', '--watch', '--rules', good], 2, /^$/, /--watch is for the service, without --input\n$/],
    [['diff', 'busy_shop', 'busy_shop', '--input', 'none.jsonl', '--rules', good, '--json'], 2, /^$/, /no such file/],
    [['check', good, '--now', 'today'], 2, /^$/, /It is no date in UTC/],
    [
      ['test', good, '--format', 'junit'],
      0,
      /<testcase name="three" classname="busy_shop@1"\/>/,
      /^1 of 1 tests passed/,
    ],
    [['check', broken], 1, /rule\.yaml:7:6: error\[unknown-field\][\s\S]*\^{6} did you mean "shop_id"\?/, /^$/],
    [['check', 'nowhere'], 2, /^$/, /^lapwing: nowhere: no such file or folder\n$/],
    [['test', good], 0, /^1 of 1 tests passed, of 1 rule\n$/, /^$/],
    [['test', good, '--min-tests', '2'], 1, /1 of 1/, /busy_shop@1: 1 tests, at least 2 are asked for/],
    [['test', failing], 1, /✗ at {4}3m {8}2m/, /^$/],
    [['test', broken], 2, /^$/, /error\[unknown-field\]/],
    [['run', '--input', 'none.jsonl', '--rules', good], 2, /^$/, /^lapwing: none.jsonl: no such file or folder\n$/],
    [['tap', 'alerts'], 2, /^$/, /there is no local log/],
  ] as const)('%j', async (args, code, out, err) => {
    const result = await lapwing(args)
    expect(result.out).toMatch(out)
    expect(result.err).toMatch(err)
    expect(result.code).toBe(code)
    expect(result.err).not.toMatch(/^\s+at /m)
  })
})

test('a finite input from standard input, the same from a file, and as a backtest', async () => {
  const input = [0, 1, 2, 3].map((n) => order(n)).join('\n')
  const path = file('orders.jsonl', input)
  const runs = await Promise.all([
    lapwing(['run', '--input', '-', '--rules', good], input),
    lapwing(['run', '--input', path, '--rules', good]),
    lapwing(['backtest', good, '--input', path]),
  ])
  const [piped] = runs
  expect(lines(piped.out)).toMatchObject([
    { kind: 'alert', status: 'open', explain: '3 orders at S1', first_seen: START_MS + 2_000 },
    { status: 'closed', folded: 1, revision: 1 },
  ])
  expect(new Set(runs.map((r) => r.out)).size).toBe(1)
  expect(runs.map((r) => r.code)).toEqual([0, 0, 0])
  expect(piped.err).toContain('busy_shop@1: 1 alerts of 1 keys (high 1)')
})

test('a sweep is a table; measures and labels', async () => {
  const path = file('sweep.jsonl', [0, 1, 2, 3].map((n) => order(n)).join('\n'))
  const labels = file('labels.csv', 'event_id,label\nS1-0,0\nS1-2,ring\nS1-3,ring\n')
  const [sweep, measures] = await Promise.all([
    lapwing(['backtest', good, '--input', path, '--set', 'limit=3,4,5', '--labels', labels]),
    lapwing(['backtest', good, '--input', path, '--only', 'measures']),
  ])
  expect(sweep.out.split('\n').map((l) => l.trim().split(/ {2,}/).toSpliced(2, 1).slice(0, 5))).toEqual([
    ['limit', 'alerts', 'keys', 'abstained', 'recall ring'],
    ['3', '1', '1', '0', '100.0%'],
    ['4', '1', '1', '0', '50.0%'],
    ['5', '0', '0', '0', '0.0%'],
    [''],
  ])
  expect(lines(measures.out).map((m) => [m.kind, m.measures.orders, m.matched])).toEqual([
    ['measures', 1, false],
    ['measures', 2, false],
    ['measures', 3, true],
    ['measures', 4, true],
  ])
})

test('labels of other events are told from a rule that finds nothing', async () => {
  const other = file('other.csv', 'event_id,label\nX1,ring\nX2,0\n')
  const input = file('told.jsonl', order(0))
  const { code, err } = await lapwing(['backtest', good, '--input', input, '--labels', other])
  expect([code, err]).toEqual([0, expect.stringContaining('no label is of an event in the input')])
})

test('the service follows what another process appends, stops in order, goes on where it was', async () => {
  const data = join(root, 'data')
  const args = ['run', '--data', data, '--rules', good, '--port', '0']
  const first = start(args)
  await first.has('"running"')
  const second = await lapwing(args)
  expect([second.code, second.err]).toEqual([2, expect.stringContaining('another engine (process ')])
  const future = JSON.stringify({
    event_id: 'f',
    type: 'order.created',
    event_time: Date.now() + 3_600_000,
    shop_id: 'S1',
  })
  const appended = await lapwing(['ingest', '-', '--data', data], [order(0), order(1), 'x', future].join('\n'))
  expect(appended.err).toContain(
    '2 events appended, 1 too far in the future, 1 malformed; what was set aside: lapwing dlq',
  )
  const url = /"url":"([^"]+)"/.exec(first.said.err)![1]
  await expect.poll(async () => await (await fetch(`${url}/metrics`)).text()).toMatch(/^lapwing_events_total 2$/m)
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ok: true, behind: 0 })
  const beganAt = performance.now()
  first.kill('SIGINT')
  expect((await first.ended).code).toBe(0)
  expect(performance.now() - beganAt).toBeLessThan(2_000)

  const tap = start(['tap', 'alerts', '--data', data, '--follow'])
  const again = start(args)
  await again.has('"running"')
  await lapwing(['ingest', '-', '--data', data], order(2))
  await tap.has('3 orders at S1', 'out')
  again.kill('SIGTERM')
  tap.kill('SIGINT')
  expect((await again.ended).code).toBe(0)
  expect((await tap.ended).code).toBe(0)
  expect(lines(tap.said.out)).toHaveLength(1)
  const dlq = await lapwing(['tap', 'dlq', '--data', data])
  expect(lines(dlq.out)).toMatchObject([
    { reason: 'MALFORMED', input: 'standard input:3', detail: 'not JSON', text: 'x' },
    { reason: 'FUTURE_TIME', record: { event_id: 'f' } },
  ])

  // One more order and the state goes on: an input with --data is appended, and nothing closes at its end.
  const onto = await lapwing(
    ['run', '--input', '-', '--data', data, '--rules', good],
    [order(3, 'S2'), order(4)].join('\n'),
  )
  expect([onto.code, onto.out]).toEqual([0, ''])
  expect(onto.err).toContain('2 events in')
}, 60_000)

test('dev without a terminal says a line, and stops within two seconds', async () => {
  const dev = start(['dev', '--data', join(root, 'dev'), '--port', '0', '--rate', '0.5'])
  await dev.has('/metrics') // at once: where it can be looked at
  await dev.has('real time')
  const beganAt = performance.now()
  dev.kill('SIGINT')
  const { code, err } = await dev.ended
  expect(performance.now() - beganAt).toBeLessThan(2_000)
  expect(code).toBe(0)
  expect(err).toMatch(/\d+ events, \d+ events\/s, \d+ alerts \(\d+ open\)/)
}, 60_000)
