import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileRuleSet, formatIssues } from './index.ts'
import { STREAMS } from './testing.ts'

const DIRECTORY = new URL('./testdata/', import.meta.url)
const good = readdirSync(DIRECTORY)
  .filter((n) => n.endsWith('.good.yaml'))
  .flatMap((n) => readFileSync(new URL(n, DIRECTORY), 'utf8').split(/^---\n/m)) // small ones: mutants must hit something
  .filter((text) => text.length > 50)
const SEED = 20261122
const MUTATIONS = 5_000

/** mulberry32 */
function random(seed: number): () => number {
  let s = seed
  return () => {
    s = (s + 0x6d2b79f5) | 0
    let t = Math.imul(s ^ (s >>> 15), 1 | s)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ': ',
  ' #',
  '"',
  "'",
  '!',
  '&a ',
  '*a',
  '|',
  '>',
  '- ',
  '? ',
  '\n',
  '\t',
  '\r\n',
  '---\n',
  '@',
  '%',
  '0',
  '-1',
  'null',
  'true',
  '店',
  '🙂',
  '\ufffd',
  '\ud800',
  '\u0000',
  '\ufeff',
  '{n}',
  '&&',
  ' = ',
  '..',
  'event.',
  'key: ',
  '<<: ',
]

function mutate(text: string, next: () => number): string {
  const pick = (n: number) => Math.floor(next() * n)
  let out = text
  for (let k = 1 + pick(3); k > 0; k--) {
    const at = pick(out.length + 1)
    const length = pick(12)
    const how = pick(6)
    const piece = PIECES[pick(PIECES.length)]
    if (how === 0) out = out.slice(0, at) + out.slice(at + length)
    else if (how === 1) out = out.slice(0, at) + piece + out.slice(at)
    else if (how === 2) out = out.slice(0, at) + piece + out.slice(at + 1 + length)
    else if (how === 3) out = out.slice(0, at) + out.slice(at, at + length * 8) + out.slice(at)
    else if (how === 4) {
      const lines = out.split('\n')
      const line = pick(lines.length)
      if (next() < 0.5) lines.splice(line, 1)
      else lines.splice(line, 0, lines[pick(lines.length)])
      out = lines.join('\n')
    } else out = out.slice(0, at)
  }
  return out
}

test(`${MUTATIONS} broken copies of good files: faults, never a throw or a hang`, { timeout: 120_000 }, () => {
  const next = random(SEED)
  let faulty = 0
  let slowestMs = 0
  for (let i = 0; i < MUTATIONS; i++) {
    const text = mutate(good[i % good.length], next)
    const files = [{ path: 'mutant.yaml', text }]
    const began = performance.now()
    try {
      const compiled = compileRuleSet(files, { streams: STREAMS })
      formatIssues(compiled.issues, files)
      if (!compiled.ok) faulty += 1
      expect(compiled.ok || compiled.issues.some((x) => x.severity === 'error')).toBe(true)
      const lines = text.split('\n').length
      for (const x of compiled.issues) {
        if (x.line < 1 || x.line > lines || x.column < 1 || x.length < 1)
          throw new Error(`misplaced: ${JSON.stringify(x)}`)
      }
    } catch (error) {
      throw new Error(`seed ${SEED}, mutation ${i}:\n${text}`, { cause: error })
    }
    slowestMs = Math.max(slowestMs, performance.now() - began)
  }
  expect(faulty).toBeGreaterThan(MUTATIONS / 2)
  expect(slowestMs).toBeLessThan(2_000)
})
