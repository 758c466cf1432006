import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { openDatabase } from '../edge/local/database.ts'
import { LOG_FILE, LocalLog } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { packagePath } from '../kit/package-path.ts'
import type { AlertRecord, RankingRecord } from '../model/output.ts'
import { documentSchemaText } from '../rules/index.ts'
import { addAlerts } from './alerts.ts'
import { addCompletion, wordsOf } from './completion.ts'
import { addDlq } from './dlq.ts'
import { addDoctor } from './doctor.ts'
import { addRules } from './rules-push.ts'
import { addSchema } from './schema.ts'
import { runVerb } from './testing.ts'
import { addTop } from './top.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-operating-'))
afterAll(() => rmSync(root, { recursive: true }))
const data = join(root, 'data')
const { streams } = defaultConfig()
const T0 = Date.UTC(2026, 0, 5)

const alert = (id: string, revision: number, more: Partial<AlertRecord>): AlertRecord => ({
  kind: 'alert',
  alert_id: id,
  revision,
  status: 'open',
  rule: 'burst',
  version: 1,
  rule_hash: 'h',
  mode: 'live',
  severity: 'high',
  violation: null,
  key: { shop_id: id },
  event_time: T0,
  first_seen: T0,
  last_seen: T0 + revision * 1_000,
  folded: revision,
  measures: {},
  params: {},
  window: { start: 0, end: T0 },
  episodes: 1,
  suspects: [],
  explain: `orders at ${id}`,
  evidence: null,
  coverage: 1,
  source: { topic: 't', partition: 0, offset: 1 },
  ...more,
})
const ranking: RankingRecord = {
  kind: 'ranking',
  ranking: 'hot_items',
  version: 1,
  per: {},
  as_of: T0,
  window: { start: 0, end: T0 },
  items: [{ id: 'I1', score: 12, rank: 1, previous_rank: null }],
}

beforeAll(async () => {
  const log = new LocalLog(data, streams)
  const outputs = [
    alert('S1', 0, {}),
    alert('S2', 0, { severity: 'low', rule: 'slow' }),
    alert('S1', 1, { severity: 'critical', status: 'updated' }),
    alert('S3', 0, {}),
    alert('S3', 1, { status: 'closed' }),
    alert('S4', 0, { mode: 'shadow' }),
    ranking,
  ]
  await log.commit({ position: 1, outputs, changes: new Map([['alert/burst@1/x', '{}']]) })
  log.close()
  const beside = Outputs.open(data)
  beside.addDeadLetters([
    {
      kind: 'dead_letter',
      reason: 'FUTURE_TIME',
      stream: 'transactions',
      event_time: T0,
      detail: 'far ahead',
      record: {},
    },
    { kind: 'dead_letter', reason: 'NO_TIME', stream: 'behavior', event_time: T0, detail: 'none', record: {} },
  ])
  beside.close()
})

const at = (...args: string[]) => [...args, '--data', data]
const lines = (text: string) => text.trimEnd().split('\n')

describe('alerts', () => {
  const ids = async (...args: string[]) =>
    lines((await runVerb(addAlerts, ...at('alerts', ...args, '--json'))).out).map((l) => {
      const { alert_id, revision } = JSON.parse(l)
      return `${alert_id}/${revision}`
    })
  test('each once as it stands now, newest first', async () => {
    expect(await ids()).toEqual(['S3/1', 'S1/1', 'S2/0'])
    expect(await ids('--open')).toEqual(['S1/1', 'S2/0'])
    expect(await ids('--severity', 'high', '--open')).toEqual(['S1/1'])
    expect(await ids('--rule', 'slow')).toEqual(['S2/0'])
    expect(await ids('--key', 'shop_id=S3')).toEqual(['S3/1'])
    expect(await ids('--limit', '1')).toEqual(['S3/1'])
    expect(await ids('--shadow')).toEqual(['S4/0'])
  })
  test('as lines; nothing for nothing; a key that is none', async () => {
    const { code, out } = await runVerb(addAlerts, ...at('alerts', '--key', 'shop_id=S1'))
    expect([code, out]).toEqual([
      0,
      '2026-01-05T00:00:01.000Z  critical  open    burst  shop_id=S1  +1  orders at S1\n',
    ])
    expect(await runVerb(addAlerts, ...at('alerts', '--rule', 'none'))).toEqual({ code: 0, out: '', err: '' })
    expect(await runVerb(addAlerts, ...at('alerts', '--key', 'S1'))).toMatchObject({ code: 2 })
    expect(await runVerb(addAlerts, 'alerts', '--data', join(root, 'none'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no local log'),
    })
  })
})

test('dlq says why, newest first', async () => {
  expect(lines((await runVerb(addDlq, ...at('dlq'))).out)).toEqual([
    'NO_TIME         behavior 2026-01-05T00:00:00.000Z  none',
    'FUTURE_TIME     transactions 2026-01-05T00:00:00.000Z  far ahead',
  ])
  const { out } = await runVerb(addDlq, ...at('dlq', '--reason', 'FUTURE_TIME', '--json'))
  expect(lines(out).map((l) => JSON.parse(l))).toMatchObject([{ reason: 'FUTURE_TIME', record: {} }])
})

test('top, once: alerts and hot items of the log', async () => {
  const config = join(root, 'top.yaml')
  writeFileSync(config, `data: ${data}\nhttp: { port: 1 }\n`)
  const { code, out } = await runVerb(addTop, 'top', '-c', config)
  expect(code).toBe(0)
  expect(out).toMatch(/orders at S3[\s\S]*orders at S1[\s\S]*hot items[\s\S]*I1[\s\S]*no engine answers at/)
  expect(JSON.parse((await runVerb(addTop, 'top', '-c', config, '--json')).out)).toMatchObject({
    open_alerts: 1,
    alerts: 4,
    latest: [{ explain: 'orders at S3' }, {}, {}],
    hot: { items: [{ id: 'I1', score: 12 }] },
  })
})

describe('doctor', () => {
  const doctor = (...args: string[]) => runVerb(addDoctor, 'doctor', ...args)
  test('all is well', async () => {
    const { code, out } = await doctor('--data', data)
    expect(lines(out).map((l) => l.slice(0, 12))).toEqual(
      ['node', 'config', 'rules', 'data', 'clock'].map((name) => `ok    ${name.padEnd(6)}`),
    )
    expect([code, out]).toEqual([0, expect.stringContaining('no engine runs on it')])
  })
  test('a broken configuration ends it; what does not answer, and broken rules, are said with the rest', async () => {
    const bad = join(root, 'bad.yaml')
    writeFileSync(bad, 'dat: x\n')
    const broken = await doctor('-c', bad)
    expect(broken.code).toBe(1)
    expect(broken.out).toMatch(/ok {4}node[\s\S]*FAIL {2}config {4}.*unknown-key/)
    expect(broken.out).not.toContain('rules')
    const away = join(root, 'away.yaml')
    writeFileSync(join(root, 'rule.yaml'), 'rule: a\n')
    writeFileSync(
      away,
      `data: /proc/nowhere\nrules: [rule.yaml]\nregistry: http://127.0.0.1:1\nlog: { kind: kafka, brokers: ['127.0.0.1:1'] }\n`,
    )
    const { code, out } = await doctor('-c', away, '--json')
    const found = Object.fromEntries(lines(out).map((l) => [JSON.parse(l).check, JSON.parse(l)]))
    expect(code).toBe(1)
    expect(found).toMatchObject({
      config: { ok: true },
      rules: { ok: false, detail: expect.stringContaining('missing-key') },
      data: { ok: false, detail: expect.stringMatching(/^\/proc\/nowhere.* \/(proc)?$/) },
      clock: { ok: true },
      broker: { ok: false, detail: expect.stringMatching(/no broker answers at 127\.0\.0\.1:1/) },
      registry: { ok: false, detail: 'schema registry http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1' },
    })
  })
  test('a clock that was set back', async () => {
    const folder = join(root, 'ahead')
    const db = openDatabase(join(folder, LOG_FILE))
    db.prepare('INSERT INTO log (stream_ms, appended_ms, bytes) VALUES (0, ?, ?)').run(Date.now() + 3_600_000, 'x')
    db.close()
    const { code, out } = await doctor('--data', folder)
    expect([code, out]).toEqual([1, expect.stringMatching(/FAIL {2}clock .*the clock was set back/)])
  })
})

test('schema prints what ships', async () => {
  expect((await runVerb(addSchema, 'schema')).out.split('\n')).toEqual(
    expect.arrayContaining(['alert', 'behavior', 'ranking', 'rule', 'transaction']),
  )
  expect((await runVerb(addSchema, 'schema', 'alert')).out).toBe(
    readFileSync(packagePath('schemas/alert.avsc'), 'utf8'),
  )
  expect((await runVerb(addSchema, 'schema', 'rule')).out).toBe(documentSchemaText())
  expect(await runVerb(addSchema, 'schema', 'alrt')).toMatchObject({
    code: 2,
    out: '',
    err: 'lapwing: there is no schema "alrt": did you mean "alert"?\n',
  })
})

describe('completion', () => {
  test('knows verbs, verbs of verbs, flags and choices', () => {
    const program = new Command('lapwing')
    for (const add of [addRules, addCompletion, addDlq]) add(program, () => async () => {})
    const words = Object.fromEntries(wordsOf(program).map(({ verb, words }) => [verb, words]))
    expect(words['']).toEqual(['rules', 'completion', 'dlq', '--help'])
    expect(words['rules push']).toContain('--wait')
    expect(words.completion).toEqual(['bash', 'zsh', 'fish', '--help'])
  })
  test.each([
    ['bash', /complete -o filenames -F _lapwing lapwing/],
    ['zsh', /^autoload -U \+X bashcompinit/],
    ['fish', /^complete -c lapwing -n __fish_use_subcommand -f -a completion$/m],
  ])('%s', async (shell, script) => {
    expect((await runVerb(addCompletion, 'completion', shell)).out).toMatch(script)
  })
})
