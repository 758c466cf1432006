import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileRuleSet, formatIssues } from './index.ts'
import { STREAMS } from './testing.ts'

const DIRECTORY = new URL('./testdata/', import.meta.url)
const names = readdirSync(DIRECTORY).sort()

function compile(name: string) {
  const files = [{ path: name, text: readFileSync(new URL(name, DIRECTORY), 'utf8') }]
  const compiled = compileRuleSet(files, { streams: STREAMS })
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

test('every code has a file', () => {
  const source = readFileSync(new URL('./source/issues.ts', import.meta.url), 'utf8')
  const codes = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map((m) => m[1])
  const seen = new Set(
    names.filter((n) => n.endsWith('.bad.yaml')).flatMap((n) => compile(n).compiled.issues.map((i) => i.code)),
  )
  // a large file and a set in force are shown in compile/set.test.ts and source/*.test.ts
  expect(codes.filter((c) => !seen.has(c as never))).toEqual(['file-too-large', 'version-not-raised'])
  expect(codes.length).toBeGreaterThan(40)
})
