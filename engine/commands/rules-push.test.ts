import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { LocalControl } from '../edge/local/control.ts'
import { textHash } from '../model/rule-text.ts'
import { addLists } from './lists.ts'
import { addRules } from './rules-push.ts'
import { runVerb, startLapwing } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-push-'))
afterAll(() => rmSync(root, { recursive: true }))
const data = join(root, 'data')
const path = (name: string) => join(root, name)
const push = (...args: string[]) => runVerb(addRules, 'rules', 'push', '--data', data, ...args)
const lists = (verb: string, ...args: string[]) => runVerb(addLists, 'lists', verb, '--data', data, ...args)
const write = (name: string, limit: number, version: number) =>
  writeFileSync(
    path(name),
    `rule: burst
version: ${version}
title: many orders
on: order.created
by: [buyer_id]
window: 1h
unless: event.buyer_id in lists.trusted || event.quantity in lists.amounts || event.shop_id in lists.known
measure: { orders: { count: events } }
when: orders >= ${limit}
severity: high
---
list: trusted
kind: allow
of: string
items: [B7, B8]
---
list: amounts
kind: watch
of: number
source: { topic: amounts }
---
list: known
kind: watch
of: string
source: { file: known.csv, column: shop }
`,
  )

test('files in force that are pushed as the configured ones count as those from then on', async () => {
  const folder = join(root, 'noted')
  write('noted.yaml', 2, 1)
  writeFileSync(path('known.csv'), 'shop\n')
  writeFileSync(path('lapwing.yaml'), `data: ${folder}\nrules: [${path('noted.yaml')}]\n`)
  const pushed = (...args: string[]) => runVerb(addRules, 'rules', 'push', '-c', path('lapwing.yaml'), ...args)
  const control = new LocalControl(folder, defaultConfig().streams)
  await pushed(path('noted.yaml'))
  expect((await control.last()).configured).toBeNull()
  expect((await pushed()).out).toContain('nothing to change')
  const { files, configured } = await control.last()
  expect(configured).toBe(textHash(files))
  control.close()
})

test('rules and lists of a running engine are changed from another process', async () => {
  writeFileSync(path('known.csv'), 'shop,since\nS1,2020\n')
  write('rule.yaml', 2, 1)
  const early = await push(path('rule.yaml'))
  expect(early).toMatchObject({ code: 0, err: '' })
  expect(early.out).toMatch(
    /^1 rules and rankings, hash [0-9a-f]{32}: no engine runs on .*next start will take them\n$/,
  )
  expect(await lists('show')).toMatchObject({ code: 0, out: '' }) // nothing is in force yet
  const engine = startLapwing(root, 'run', '--data', data, '--rules', 'rule.yaml', '--port', '0')
  const has = (what: string) => expect.poll(() => engine.said.err, { timeout: 15_000 }).toContain(what)
  await has('"running"')

  write('other.yaml', 3, 1)
  const refused = await push(path('other.yaml'))
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toMatch(/other\.yaml:2:10: error\[version-not-raised\].*hash [0-9a-f]{32}, here [0-9a-f]{32}/)
  write('other.yaml', 3, 2)
  const pushed = await push(path('other.yaml'), '--json')
  expect(pushed).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(pushed.out)).toMatchObject({ state: 'in force', rules: 1 })
  expect(await push(path('other.yaml'))).toMatchObject({ code: 0, out: expect.stringContaining('nothing to change') })

  expect(await lists('add', 'trusted', 'B1', 'B2', '--ttl', '1h')).toMatchObject({
    code: 0,
    err: '2 items added to trusted: in force\n',
  })
  expect(await lists('remove', 'trusted', 'B7', 'B9')).toMatchObject({
    code: 0,
    err: '2 items removed from trusted: in force (not there: B9)\n',
  })
  expect((await lists('add', 'trusted', 'B1', '--ttl', '2h')).err).toContain('in force (there already: B1)')
  expect((await lists('show', 'trusted')).out).toBe('B8\nB1\nB2\n')
  expect(await lists('add', 'amounts', '5')).toMatchObject({ code: 0 })
  expect((await lists('show')).out).toBe(
    `trusted: allow, 3 items\namounts: watch, 1 items, from topic amounts\nknown: watch, 1 items, from ${path('known.csv')}\n`,
  )
  expect(JSON.parse((await lists('show', 'amounts', '--json')).out)).toMatchObject({ list: 'amounts', items: [5] })
  for (const [args, said] of [
    [['add', 'trustd', 'B1'], 'no list "trustd": did you mean "trusted"?'],
    [['add', 'amounts', 'five'], 'amounts holds numbers: "five" is no number'],
    [['add', 'amounts', 'Infinity'], '"Infinity" is no number'],
    [['add', 'trusted', ''], 'trusted holds strings: "" is blank'],
    [['add', 'trusted', 'B3', ' '], '" " is blank'],
    [['add', 'trusted', 'x'.repeat(1_001)], 'has 1001 characters, at most 1000 are allowed'],
    [['add', 'trusted', 'B1', '--ttl', 'long'], '--ttl long: no duration'],
    [['remove', 'known', 'S1'], 'known.csv says: change that'],
  ] as const) {
    const [verb, ...rest] = args
    expect(await lists(verb, ...rest)).toMatchObject({ code: 2, err: expect.stringContaining(said) })
  }

  const changes = () => engine.said.err.split('a changed rule set is in force').length
  const before = changes()
  write('rule.yaml', 4, 3)
  engine.kill('SIGHUP')
  await expect.poll(changes).toBe(before + 1)
  writeFileSync(path('known.csv'), 'shop,since\nS2,2020\n')
  engine.kill('SIGHUP')
  await has('"list":"known","added":1,"removed":1,"msg":"a list has changed"')
  engine.kill('SIGINT')
  expect((await engine.ended).code).toBe(0)
  expect(await lists('add', 'trusted', 'B9')).toMatchObject({ err: expect.stringContaining('next start will take it') })
}, 60_000)
