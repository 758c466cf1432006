import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { addCheck } from '../check.ts'
import { runVerb } from '../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-costs-'))
afterAll(() => rmSync(root, { recursive: true }))

const rule = (id: string, by: string, measure: string, when: string) => `rule: ${id}
version: 1
title: T
owner: me
on: order.created
by: [${by}]
window: 1h
measure: { orders: { count: events }${measure} }
when: ${when}
severity: low
tests: [{ name: quiet, events: [{ at: 0m, type: order.created, shop_id: S1 }], expect: [] }]
`
const file = (name: string, text: string) => {
  writeFileSync(join(root, name), text)
  return join(root, name)
}
const usual = ', usual: { baseline: orders, over: 7d, step: 30m }'
const rules = file(
  'rules.yaml',
  [
    rule('dear', 'shop_id', usual, 'orders > usual.mean'),
    rule('shop', 'shop_id', '', 'orders > 9'),
    rule('device', 'device_id', ', buyers: { distinct: buyer_id }', 'buyers > 9 && orders > 9'),
  ].join('---\n'),
)
const check = (...args: string[]) => runVerb(addCheck, 'check', ...args)

test('a rule that keeps more than the budget for each key is doubted', async () => {
  const { code, out } = await check(rules, '--deny-warnings')
  expect(code).toBe(3)
  expect(out).toContain(
    'rules.yaml:1:7: warning[state-budget]: "dear" keeps some 5,480 bytes for each key, and 4,096 are in the budget',
  )
  expect(out).toContain('^^^^ "usual" takes 5,376; 100,000 keys are some 548 MB')
  const json = await check(rules, '--json', '--max-key-bytes', '5479')
  expect(JSON.parse(json.out)).toMatchObject([{ code: 'state-budget', rule: 'dear', line: 1 }])
  expect(await check(rules, '--deny-warnings', '--max-key-bytes', '5480')).toMatchObject({ code: 0 })
})

test('what the set keeps is said in a line', async () => {
  const { out } = await check(rules)
  expect(out).toMatch(
    /^state: some 104 to 5,480 bytes a key \(most: dear@1\), more for each value; events of 1h \(dear@1\)$/m,
  )
  const one = file('one.yaml', rule('shop', 'shop_id', '', 'orders > 9'))
  expect((await check(one)).out).toBe(
    'state: some 104 bytes a key; events of 1h\n1 file, 1 rule, 0 rankings, 0 lists, 1 test: no faults\n',
  )
})

test('on Kafka: how many partitions the exchanges get', async () => {
  const config = file('partitions.cfg', "log: { kind: kafka, brokers: ['127.0.0.1:1'] }\nexchange: { partitions: 6 }\n")
  const line = 'exchanges, with the partitions that a new one gets: by-device_id 6, by-shop_id 6\n'
  expect((await check(rules, '-c', config)).out).toContain(line)
  expect((await check(rules)).out).not.toContain('exchanges, with')
})

test('a key that needs an exchange for itself: a note, and on Kafka a warning', async () => {
  const { out } = await check(rules)
  expect(out).toMatch(/rules\.yaml:25:7: note: its key needs an exchange that nothing else goes by: by-device_id\n/)
  expect(out).not.toContain('own-exchange')
  const config = file('kafka.cfg', "log: { kind: kafka, brokers: ['127.0.0.1:1'] }\n")
  const kafka = await check(rules, '-c', config, '--deny-warnings', '--max-key-bytes', '9999')
  expect(kafka.code).toBe(3)
  expect(kafka.out).toMatch(
    /rules\.yaml:25:7: warning\[own-exchange\]: its key needs [^\n]*\n.*\n.*\n.*\^ the others: by-shop_id\n/,
  )
})
