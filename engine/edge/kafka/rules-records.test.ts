import { expect, test } from 'vitest'
import { readRulesRecord } from './rules-records.ts'

const read = (key: string | Buffer | null, value: string) =>
  readRulesRecord(key === null ? null : Buffer.from(key), Buffer.from(value))

test('what engines and verbs write is read as it was', () => {
  const files = [
    { path: 'a.yaml', text: 'rule: a' },
    { path: 'shops.csv', text: 'S1', data: true },
  ]
  for (const rules of [
    { files, configured: 'ab12', atMs: 5 },
    { files: [], configured: null, atMs: 0 },
  ])
    expect(read('rules', JSON.stringify(rules))).toEqual({ rules })
  const answer = { hash: 'ab12', refused: null }
  expect(read('answer', JSON.stringify({ ...answer, since: 'a later version' }))).toEqual({ answer })
})

test('anything else is refused, and it is said why', () => {
  const rest = '"configured":null,"atMs":0'
  const cases: [string | Buffer | null, string, string][] = [
    [null, '{}', 'no key'],
    ['hello', '{}', 'unknown key "hello"'],
    ['__proto__', '{}', 'unknown key "__proto__"'],
    [Buffer.from([0, 0xff, 0xfe]), '{}', 'unknown key "\\u0000\ufffd\ufffd"'],
    ['k'.repeat(1_000), '{}', `unknown key "${'k'.repeat(40)}…"`],
    ['rules', 'hello', 'rules: not JSON'],
    ['rules', '', 'rules: not JSON'],
    ['rules', 'null', 'rules: '],
    ['rules', '[]', 'rules: '],
    ['rules', `{"files":5,${rest}}`, 'rules.files: '],
    ['rules', `{"files":[null],${rest}}`, 'rules.files.0: '],
    ['rules', `{"files":[{"path":"a","text":5}],${rest}}`, 'rules.files.0.text: '],
    ['rules', '{"files":[],"configured":null,"atMs":1e99}', 'rules.atMs: '],
    ['rules', '{"files":[]}', 'rules.configured: '],
    ['answer', '{"hash":5,"refused":null}', 'answer.hash: '],
  ]
  for (const [key, value, reason] of cases) expect(read(key, value)).toContain(reason)
})
