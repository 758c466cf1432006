import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileOrRefuse } from '../../engine/commands/compiled.ts'
import { readRuleFiles } from '../../engine/commands/rule-files.ts'
import { runRuleTest } from '../../engine/commands/rule-test/run.ts'
import { defaultConfig } from '../../engine/config.ts'
import { packagePath } from '../../engine/kit/package-path.ts'
import { allPages } from './all-pages.ts'
import { FOLDERS, readLibrary } from './library.ts'

test('the pages are those of the rule files: npm run rule-pages', async () => {
  const pages = await allPages()
  for (const [path, text] of pages) expect(readFileSync(packagePath(path), 'utf8'), path).toBe(text)
  const named = [...pages.keys()].filter((path) => path.startsWith('docs/rules/'))
  expect(readdirSync(packagePath('docs/rules')).sort()).toEqual(named.map((path) => path.slice(11)).sort())
}, 120_000)

test('the rules that ship have an owner, a runbook, a family, and tests that hold', () => {
  const { streams } = defaultConfig()
  const { set, tests } = compileOrRefuse(readRuleFiles(FOLDERS.map(packagePath), { tests: true }), streams)
  const failed = tests.filter((t) => !runRuleTest(set, t, streams).ok).map((t) => `${t.rule}: ${t.name}`)
  expect(failed).toEqual([])
  for (const { id, kind, owner, runbook, tags, comment, path, family } of readLibrary()) {
    expect({ id, owner: Boolean(owner), comment: comment !== '' }).toEqual({ id, owner: true, comment: true })
    if (kind === 'rule') expect(runbook, id).toMatch(/^https:/)
    if (path.startsWith('library/')) expect([tags[0], family], id).toEqual([path.split('/')[1], path.split('/')[1]])
  }
}, 60_000)

test('the library stands beside the default rules, not among them', () => {
  const { streams, rules } = defaultConfig()
  const { set } = compileOrRefuse(readRuleFiles(rules), streams)
  const ids = [...set.rules, ...set.sequences, ...set.rankings].map((d) => d.id)
  expect(ids.sort()).toEqual(
    ['buyer_refund_ratio', 'device_burst', 'hot_items', 'offmarket_pair', 'shop_order_concentration'].sort(),
  )
})
