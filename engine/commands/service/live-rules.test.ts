import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { LocalControl } from '../../edge/local/control.ts'
import { Outputs } from '../../edge/local/outputs.ts'
import type { RuleSource } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import type { AlertRecord } from '../../model/output.ts'
import type { Logger } from '../../model/telemetry.ts'
import { LocalService } from './local-service.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-live-rules-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const T0 = 1_767_225_600_000

const rule = (id: string, limit: number, { version = 1, mode = 'live', window = '1h' } = {}): RuleSource => ({
  path: `${id}-${version}.yaml`,
  text: `rule: ${id}
version: ${version}
title: many orders
mode: ${mode}
on: order.created
by: [buyer_id]
window: ${window}
measure: { orders: { count: events } }
when: orders >= ${limit}
severity: high
alert: { cooldown: 1h }
`,
})

const pushed = (files: readonly RuleSource[]) => ({ files, configured: null, atMs: Date.now() })

/** A running service whose configured files are `files`, to be changed by `files.current`. */
async function started(current: readonly RuleSource[], data = join(root, String(folders++))) {
  const config = { ...defaultConfig(root), data }
  const files = { current }
  const said: { level: string; message: string; fields: object }[] = []
  const say = (level: string) => (fields: object, message: string) => void said.push({ level, message, fields })
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const service = await LocalService.open({ config, files: current, read: () => files.current, logger })
  service.start()
  const stream = config.streams.find((s) => s.name === 'transactions')!
  let n = 0
  return {
    service,
    config,
    files,
    said,
    alerts: (topic: 'alerts' | 'shadow' = 'alerts'): AlertRecord[] => {
      const outputs = Outputs.open(data)
      const rows = outputs.after(topic, 0).map(({ json }) => JSON.parse(json))
      outputs.close()
      return rows
    },
    order: async (minute: number, buyer = 'B1') => {
      const row = { offset: 0, timeMs: T0 + minute * 60_000, type: 'order.created', buyer_id: buyer }
      const event_id = `E${minute}-${buyer}-${n++}`
      await service.log.writer.append([blockFromRows(stream, { topic: 'local', partition: 0 }, [{ ...row, event_id }])])
      await service.caughtUp()
    },
  }
}

test('a changed set goes into the log; untouched rules keep their state, new ones start warm and say how warm', async () => {
  const { service, files, order, alerts, said } = await started([rule('old', 3)])
  for (const minute of [0, 1, 2]) await order(minute)
  expect(alerts().map((a) => [a.rule, a.status])).toEqual([['old', 'open']])
  files.current = [rule('old', 3), rule('fresh', 4, { window: '2h' })]
  service.rules.reload()
  await service.caughtUp()
  expect(said.map((s) => s.message)).toContain('a changed rule set is in force')
  await order(20)
  const [opened, again, fresh, ...rest] = alerts()
  expect(rest).toEqual([])
  expect(again).toMatchObject({ rule: 'old', alert_id: opened!.alert_id, status: 'updated', folded: 1 })
  // the four events of 20 minutes, of a window of two hours
  expect(fresh).toMatchObject({ rule: 'fresh', measures: { orders: 4 }, coverage: 20 / 120 })
  await service.stop()
})

test('a bad set leaves the old one in force: log, metric, /readyz; a good one clears it', async () => {
  const { service, files, order, alerts, said } = await started([rule('old', 2)])
  await order(0)
  const hash = service.task.ruleSet.hash
  files.current = [
    { path: 'old-1.yaml', text: rule('old', 2).text.replace('buyer_id', 'buyerid').replace('1h', 'never') },
  ]
  service.rules.reload()
  await service.caughtUp()
  expect(said.at(-1)).toMatchObject({ level: 'error', fields: { reason: expect.stringContaining('old-1.yaml:6:6') } })
  expect((said.at(-1)!.fields as { faults: string }).faults).toMatch(/unknown-field[\s\S]*bad-duration/)
  expect(service.counters.counter('rule_sets_refused_total').value).toBe(1)
  expect(service.ready()).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/^all is read; a changed rule set was refused, .*old-1\.yaml:6:6/),
    rules: { hash, refused: { faults: expect.stringContaining('bad-duration') } },
  })
  const gauges = () => Object.fromEntries(service.gauges().map((g) => [g.name, g]))
  expect(gauges()).toMatchObject({ rules_refused: { value: 1 }, rules_info: { labels: { hash }, value: 1 } })
  await order(1)
  expect(alerts()).toMatchObject([{ rule: 'old', status: 'open' }])

  files.current = [rule('old', 3)] // another body
  service.rules.reload()
  expect(service.ready()).toMatchObject({ rules: { refused: { faults: expect.stringContaining('must be raised') } } })
  files.current = [rule('old', 3, { version: 2 })]
  service.rules.reload()
  await service.caughtUp()
  expect(service.ready()).toMatchObject({ detail: 'all is read', rules: { refused: null } })
  expect(gauges().rules_info!.labels.hash).not.toBe(hash)
  expect(gauges().rules_changed_timestamp_seconds!.value).toBeGreaterThan(Date.now() / 1e3 - 60)
  await service.stop()
})

test('two versions side by side: the shadow one writes to the shadow topic only', async () => {
  const { service, files, order, alerts } = await started([rule('burst', 3)])
  files.current = [rule('burst', 3), rule('burst', 2, { version: 2, mode: 'shadow' })]
  service.rules.reload()
  for (const minute of [0, 1, 2]) await order(minute)
  expect(alerts().map((a) => [a.version, a.mode, a.first_seen])).toEqual([[1, 'live', T0 + 120_000]])
  expect(new Set(alerts('shadow').map((a) => `${a.version} ${a.mode} ${a.first_seen}`))).toEqual(
    new Set([`2 shadow ${T0 + 60_000}`]),
  )
  // promoted without a new version: the mode is no part of the body
  files.current = [rule('burst', 2, { version: 2 })]
  service.rules.reload()
  for (const minute of [3, 4]) await order(minute, 'B2')
  expect(alerts().at(-1)).toMatchObject({ version: 2, mode: 'live', key: { buyer_id: 'B2' } })
  await service.stop()
})

test('what the task itself refuses is told as well', async () => {
  const { service, said, config } = await started([rule('old', 2)])
  const other = [rule('old', 5)]
  const beside = new LocalControl(config.data, config.streams)
  await beside.put(pushed(other)) // nobody asked what is in force
  beside.close()
  await service.caughtUp()
  expect(said.at(-1)).toMatchObject({ level: 'error', fields: { faults: expect.stringContaining('must be raised') } })
  expect(service.counters.counter('rule_sets_refused_total').value).toBe(1)
  await service.stop()
})

test('a pushed set outlives a restart until the configured files change; a replay has the same rules in the same places', async () => {
  const first = await started([rule('a', 2)])
  await first.order(0)
  const beside = new LocalControl(first.config.data, first.config.streams)
  await beside.put(pushed([rule('b', 2)]))
  await first.service.caughtUp()
  await first.order(1)
  await first.service.stop()
  await beside.put(pushed([rule('b', 2), rule('c', 3)])) // no engine runs: its next start takes it
  expect((await beside.last()).files.map((f) => f.path)).toEqual(['b-1.yaml', 'c-1.yaml'])
  expect((await beside.inForce()).map((f) => f.path)).toEqual(['b-1.yaml'])
  beside.close()

  const second = await started([rule('a', 2)], first.config.data)
  await second.service.caughtUp()
  expect(second.service.task.ruleSet.rules.map((r) => r.id)).toEqual(['b', 'c'])
  await second.order(2)
  expect(
    second
      .alerts()
      .filter((a) => a.status === 'open')
      .map((a) => [a.rule, a.measures.orders]),
  ).toEqual([
    ['b', 2],
    ['c', 3],
  ])
  await second.service.stop()

  const third = await started([rule('a', 9, { version: 2 })], first.config.data)
  await third.service.caughtUp()
  expect(third.service.task.ruleSet.rules.map((r) => r.version)).toEqual([2])
  await third.service.stop()
  await expect(started([rule('a', 8, { version: 2 })], first.config.data)).rejects.toThrow('must be raised')
})

test('watched files are put in force when they have come to rest', async () => {
  const { service, files } = await started([rule('old', 2)])
  const unwatch = service.rules.watch(20)
  files.current = [rule('old', 2), rule('new', 3)]
  await expect.poll(() => service.task.ruleSet.rules.map((r) => r.id)).toEqual(['old', 'new'])
  unwatch()
  await service.stop()
})

test('a list from a file: its changes are records of their own, and the file is right after a restart', async () => {
  const of = (text: string): RuleSource[] => [
    {
      path: 'rules.yaml',
      text: `${rule('old', 2).text.replace('severity:', 'unless: event.buyer_id in lists.trusted\nseverity:')}---
list: trusted
kind: allow
of: string
source: { file: trusted.txt }
`,
    },
    { path: 'trusted.txt', text, data: true },
  ]
  const first = await started(of('B1\n'))
  const { service, files, order, alerts } = first
  for (const minute of [0, 1]) await order(minute)
  expect(alerts()).toEqual([])
  const before = service.log.lastPosition
  files.current = of('B2\n')
  service.rules.reload()
  await service.caughtUp()
  expect(service.log.lastPosition).toBe(before + 1)
  expect(service.task.listItems('trusted')).toEqual(['B2'])
  for (const minute of [2, 3]) await order(minute)
  expect(alerts()).toMatchObject([{ rule: 'old', measures: { orders: 2 } }])
  service.rules.reload()
  await service.caughtUp()
  expect(first.said.at(-1)!.message).toBe('the rule files say what is in force')
  await service.stop()
  const again = await started(of('B2\nB3\n'), first.config.data)
  await again.service.caughtUp()
  expect(again.service.task.listItems('trusted')).toEqual(['B2', 'B3'])
  await again.service.stop()
})

test('a reload of files that say what was pushed makes them the configured ones; the ones before count as changed then', async () => {
  const first = await started([rule('a', 2)])
  const beside = new LocalControl(first.config.data, first.config.streams)
  await beside.put(pushed([rule('b', 2)]))
  beside.close()
  await first.service.caughtUp()
  first.files.current = [rule('b', 2)]
  first.service.rules.reload()
  await first.service.stop()
  const second = await started([rule('a', 2)], first.config.data)
  await second.service.caughtUp()
  expect(second.service.task.ruleSet.rules.map((r) => r.id)).toEqual(['a'])
  await second.service.stop()
})
