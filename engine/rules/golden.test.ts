import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CompileOptions, compileRuleSet, formatIssues } from './index.ts'
import { STREAMS } from './testing.ts'

const DIRECTORY = new URL('./testdata/', import.meta.url)
const names = readdirSync(DIRECTORY).sort()

const CODES = [
  ...readFileSync(new URL('./source/issues.ts', import.meta.url), 'utf8').matchAll(/^ {2}\| '([a-z-]+)'/gm),
].map((m) => m[1])

function compile(name: string, lint?: CompileOptions['lint']) {
  const files = [{ path: name, text: readFileSync(new URL(name, DIRECTORY), 'utf8') }]
  const compiled = compileRuleSet(files, { streams: STREAMS, ...(lint && { lint }) })
  return { compiled, text: formatIssues(compiled.issues, files) }
}

describe('files with faults', () => {
  for (const name of names.filter((n) => n.endsWith('.bad.yaml'))) {
    test(name, async () => {
      const { compiled, text } = compile(name)
      expect(compiled.ok).toBe(false)
      // `npx vitest run engine/rules -u` writes what is printed now: read it before it is kept.
      await expect(text).toMatchFileSnapshot(`./testdata/${name.replace('.bad.yaml', '.txt')}`)
    })
  }
})

describe('files without', () => {
  for (const name of names.filter((n) => n.endsWith('.good.yaml'))) {
    test(name, () => {
      const { compiled, text } = compile(name)
      expect(text).toBe('')
      expect(compiled.ok).toBe(true)
    })
  }
})

describe('files with doubtful things', () => {
  const lint = { nowMs: Date.UTC(2026, 5, 1), whole: true }
  for (const name of names.filter((n) => n.endsWith('.warn.yaml'))) {
    test(name, async () => {
      const { compiled, text } = compile(name, lint)
      expect([compiled.ok, compile(name).text]).toEqual([true, ''])
      await expect(text).toMatchFileSnapshot(`./testdata/${name.replace('.warn.yaml', '.txt')}`)
    })
  }
  for (const name of names.filter((n) => n.endsWith('.quiet.yaml'))) {
    test(name, () => expect(compile(name, lint)).toMatchObject({ compiled: { ok: true }, text: '' }))
  }
})

test('every code has a file', () => {
  const seen = new Set(
    names
      .filter((n) => n.endsWith('.bad.yaml') || n.endsWith('.warn.yaml'))
      .flatMap((n) => compile(n, { nowMs: Date.UTC(2026, 5, 1), whole: true }).compiled.issues.map((i) => i.code)),
  )
  // a large file and a set in force are shown in compile/set.test.ts and source/*.test.ts, costs in commands/check
  const elsewhere = ['file-too-large', 'version-not-raised', 'state-budget', 'own-exchange']
  expect(CODES.filter((c) => !seen.has(c as never))).toEqual(elsewhere)
  expect(CODES.length).toBeGreaterThan(40)
})

test('every code is in docs/rules-errors.md', () => {
  const page = readFileSync(new URL('../../docs/rules-errors.md', import.meta.url), 'utf8')
  expect(CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([])
  const written = [...page.matchAll(/^\| (.*?) \|/gm)].flatMap((row) => [...row[1].matchAll(/`([a-z-]+)`/g)])
  expect(written.map((code) => code[1]).filter((code) => !CODES.includes(code))).toEqual([])
})
