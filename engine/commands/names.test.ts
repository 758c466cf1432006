import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startLapwing } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-names-'))
afterAll(() => rmSync(root, { recursive: true }))

const text = (name: string) => ({ name, type: ['null', 'string'], default: null })
const schema = {
  type: 'record',
  name: 'Lap',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'hasOwnProperty', type: 'string' },
    { name: 'valueOf', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ...['constructor', '__proto__', 'toString'].map(text),
  ],
}
const columns = 'event_id,hasOwnProperty,valueOf,constructor,__proto__,toString'
const events = [0, 1, 2].map((n) => `${n},${n === 1 ? 'constructor' : 'race.lap'},${1772409600000 + n},C,P,T`)
const rules = `rule: constructor
version: 1
title: laps
owner: me
on: [race.lap, constructor]
by: [constructor, __proto__]
window: 1m
params: { toString: 3 }
measure: { toString: { count: events }, valueOf2: { distinct: __proto__ } }
when: toString >= params.toString && key.__proto__ in lists.constructor && valueOf2 > 0
severity: low
alert: { explain: "{key.__proto__} {toString}", suspects: { of: __proto__ }, evidence: { events: 1, fields: [__proto__] } }
tests:
  - name: __proto__
    lists: { constructor: [P] }
    events: [{ at: 0m, repeat: 3, every: 1s, type: race.lap, constructor: C, __proto__: P }]
    expect: [{ at: 2s, key: { constructor: C, __proto__: P }, measure: { toString: 3 } }]
  - name: of others
    events: [{ at: 0m, type: race.lap, toString: T }]
    expect: []
---
list: constructor
kind: deny
of: string
items: [P]
`
const files: Readonly<Record<string, string>> = {
  'lapwing.yaml':
    'streams:\n  constructor: { schema: s.avsc, topic: laps.v1, time: valueOf, id: event_id, type: hasOwnProperty, types: [race.*, constructor], determines: { constructor: [toString] } }\n',
  's.avsc': JSON.stringify(schema),
  'rules.yaml': rules,
  'events.csv': `${columns}\n${events.join('\n')}\n`,
  'labels.csv': 'event_id,label,group\n2,__proto__,constructor\n',
}
for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content)

test('names that every object has are names like any other: streams, fields, types, rules, params, lists, labels', async () => {
  const [checked, tested, found] = await Promise.all([
    startLapwing(root, 'check', 'rules.yaml').ended,
    startLapwing(root, 'test', 'rules.yaml').ended,
    startLapwing(root, 'backtest', 'rules.yaml', '--input', 'events.csv', '--labels', 'labels.csv').ended,
  ])
  expect([checked.code, checked.out, checked.err]).toEqual([0, expect.stringContaining('no faults'), ''])
  expect([tested.code, tested.out]).toEqual([0, '2 of 2 tests passed, of 1 rule\n'])
  const [alert] = found.out.split('\n')
  expect(alert).toContain('"key":{"constructor":"C","__proto__":"P"}')
  expect(alert).toContain('"explain":"P 3","evidence":{"events":[{"event_id":"2"')
  expect(alert).toContain('"__proto__":"P"}],"total":3')
  expect(found.err).toMatch(/__proto__ +1 +1 +100.0%/)
}, 60_000)
