import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { formatDuration, parseDuration } from '../../kit/duration.ts'
import { packagePath } from '../../kit/package-path.ts'
import { compileRuleSet } from '../index.ts'
import type { IssueCode } from '../source/issues.ts'
import { STREAMS } from '../testing.ts'
import { documentSchema, documentSchemaText } from './document.ts'
import { duration, durationOrZero, offset } from './schema.ts'

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false })
const validate = ajv.compile(documentSchema())
const TESTDATA = packagePath('engine/rules/testdata')
const testdata = (...ends: string[]) =>
  readdirSync(TESTDATA).filter((name) => ends.some((end) => name.endsWith(`.${end}.yaml`)))

/** Faults that a schema sees, at least in part. All others are of names, expressions, several documents, or the YAML. */
const SEEN: readonly IssueCode[] = [
  'unknown-kind',
  'not-a-mapping',
  'unknown-key',
  'missing-key',
  'wrong-value',
  'out-of-range',
  'too-many',
  'bad-name',
  'bad-version',
  'bad-duration',
  'bad-date',
  'expression-too-long',
]
/** Files whose faults with those codes stand inside an expression, or between two values. */
const UNSEEN_FILES = ['unknown-name.bad.yaml']

function documentsOf(path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, 'utf8'))
    .map((document): unknown => document.toJS())
    .filter((value) => value !== null)
}

function codesOf(name: string, text: string): IssueCode[] {
  const { issues } = compileRuleSet([{ path: name, text }], { streams: STREAMS })
  return issues.filter((issue) => issue.severity === 'error').map((issue) => issue.code)
}

test('schemas/rule.schema.json is up to date', async () => {
  // `npx vitest run engine/rules/shape -u` writes it.
  await expect(documentSchemaText()).toMatchFileSnapshot(packagePath('schemas/rule.schema.json'))
})

describe('accepts', () => {
  const shipped = ['rules', 'library', 'examples'].flatMap((folder) =>
    readdirSync(packagePath(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml') && !name.endsWith('lapwing.yaml'))
      .map((name) => packagePath(join(folder, name))),
  )
  const good = testdata('good', 'quiet', 'warn').map((name) => join(TESTDATA, name))
  for (const path of [...shipped, ...good]) {
    test(path.slice(packagePath('').length), () => {
      const documents = documentsOf(path)
      expect(documents.length).toBeGreaterThan(0)
      for (const document of documents) expect([validate(document), validate.errors]).toEqual([true, null])
    })
  }
})

test('every key has a text for editors to show', () => {
  const bare: string[] = []
  const walk = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return
    for (const [key, inner] of Object.entries(schema)) {
      if (key === 'properties' && 'additionalProperties' in schema)
        for (const [name, { description }] of Object.entries<{ description?: string }>(inner))
          if (!description) bare.push(`${path}.${name}`)
      walk(inner, `${path}.${key}`)
    }
  }
  walk(documentSchema(), '')
  expect(bare).toEqual([])
})

test('every shipped rule file names it', () => {
  for (const folder of ['rules', 'library']) {
    for (const path of readdirSync(packagePath(folder), { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.yaml')) continue
      const up = '../'.repeat(path.split('/').length)
      const [first] = readFileSync(packagePath(`${folder}/${path}`), 'utf8').split('\n')
      expect(first, path).toBe(`# yaml-language-server: $schema=${up}schemas/rule.schema.json`)
    }
  }
})

describe('refuses', () => {
  const files = testdata('bad').filter((name) => {
    const codes = codesOf(name, readFileSync(join(TESTDATA, name), 'utf8'))
    return codes.some((code) => SEEN.includes(code)) && !UNSEEN_FILES.includes(name)
  })
  for (const name of files) {
    test(name, () => expect(documentsOf(join(TESTDATA, name)).every((document) => validate(document))).toBe(false))
  }
  test('most kinds of fault', () => expect(files.length).toBeGreaterThan(25))
})

/**
 * Faults with those codes that a schema cannot see: a measure that others are made of is gone, a test expects another
 * sort of value than the measure has, a type has no weight, the last level is not "otherwise", a let is of a type that
 * its readers do not take.
 */
const UNSEEN_CHANGES =
  /^(measure\.\w+ left out|measure\.\w+\.window left out|tests\.\d+\.expect\.\d+\.measure\.|score\.weights|severity\.2\.info = true|let\.)/

type Path = readonly (string | number)[]

/** Paths of all values in `value`. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [path, ...entries.flatMap(([key, inner]) => pathsIn(inner, [...path, key]))]
}

/** A copy of `root` in which `change` was done to what holds the value at `path`. */
function changed(root: unknown, path: Path, change: (holder: Record<string | number, unknown>) => void): unknown {
  const copy = structuredClone(root)
  change(path.slice(0, -1).reduce((at, key) => (at as Record<string | number, unknown>)[key], copy) as never)
  return copy
}

/** Each value left out, made null or of another sort, and each mapping with a key too many. */
function* mutants(root: unknown): Generator<{ what: string; document: unknown }> {
  for (const path of pathsIn(root)) {
    const key = path.at(-1)
    if (key === undefined) continue
    const place = path.join('.')
    const value = path.reduce((at, k) => (at as Record<string | number, unknown>)[k], root)
    if (typeof key === 'string')
      yield { what: `${place} left out`, document: changed(root, path, (holder) => delete holder[key]) }
    for (const other of [null, [[]], '', -0.5, true, { unheard_of: 'x' }])
      yield {
        what: `${place} = ${JSON.stringify(other)}`,
        document: changed(root, path, (holder) => {
          holder[key] = other
        }),
      }
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield {
        what: `${place} with a key too many`,
        document: changed(root, path, (holder) => {
          ;(holder[key] as Record<string, unknown>).unheard_of = 'x'
        }),
      }
  }
}

describe('agrees with the loader on files changed at one place', () => {
  for (const name of testdata('good')) {
    const documents = documentsOf(join(TESTDATA, name))
    test(name, () => {
      const strict: string[] = []
      const lax: string[] = []
      for (const [i, root] of documents.entries()) {
        for (const { what, document } of mutants(root)) {
          const text = documents.map((d, j) => JSON.stringify(i === j ? document : d)).join('\n---\n')
          const codes = codesOf(name, text)
          const accepted = validate(document)
          if (codes.length === 0 && !accepted) strict.push(what)
          if (accepted && !UNSEEN_CHANGES.test(what) && codes.some((code) => SEEN.includes(code)))
            lax.push(`${what}: ${codes.join(' ')}`)
        }
      }
      expect({ strict, lax }).toEqual({ strict: [], lax: [] })
    }, 60_000)
  }
})

describe('durations', () => {
  const [isDuration, isOffset, isDurationOrZero] = [duration, offset, durationOrZero].map((s) => ajv.compile(s))
  test('are those that the loader reads', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e12 }), (ms) => {
        const text = formatDuration(ms)
        expect([isDuration(text), isOffset(`-${text}`), isDurationOrZero(text)]).toEqual([ms > 0, true, true])
      }),
    )
    const written = fc.stringMatching(/^(\d{1,2}(\.\d)?(ms|s|m|h|d)){0,3}$/)
    fc.assert(
      fc.property(written, (text) => {
        if (parseDuration(text) !== null) expect(isDurationOrZero(text), text).toBe(true)
        else expect(isDurationOrZero(text) && !/\.\d+ms/.test(text), text).toBe(false)
      }),
    )
  })
})
