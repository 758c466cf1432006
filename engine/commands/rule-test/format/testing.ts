import { expect, test } from 'vitest'
import { defaultConfig } from '../../../config.ts'
import { compileRuleSet, formatIssues } from '../../../rules/index.ts'
import { type Played, play } from '../play.ts'
import { failureText } from '../report.ts'
import { runRuleTest } from '../run.ts'

const { streams } = defaultConfig()

/** The text of each top key of a document, in YAML. */
export type Keys = Readonly<Record<string, string>>

/** One row of the format's tables: a document in which it matters, and the same one without it. */
export interface Case {
  readonly row: string
  readonly keys?: Keys
  /** Rows of `events`, in YAML. */
  readonly events: readonly string[]
  /** `expect: …`, and the like. */
  readonly expect: string
  /** The keys that the row's absence changes; null takes one away. */
  readonly without: Readonly<Record<string, string | null>>
  /** True where the file is then refused; else it has no faults, and its test fails. */
  readonly isRefused?: boolean
  /** What a test cannot name, taken from what came out. */
  readonly shows?: (played: Played) => unknown
  readonly is?: unknown
  /** Further documents of the file. */
  readonly beside?: string
  /** Those in their place without the row. */
  readonly besideWithout?: string
}

const HEAD = { version: '1', title: 'T', owner: 'o' }
export const RULE: Keys = {
  rule: 'r',
  ...HEAD,
  on: 'order.created',
  by: '[shop_id]',
  window: '10m',
  measure: '{ n: { count: events } }',
  when: 'n >= 2',
  severity: 'high',
}
export const SEQUENCE: Keys = { rule: 's', ...HEAD, by: '[order_id]' }
export const RANKING: Keys = {
  ranking: 'k',
  ...HEAD,
  on: 'item.viewed',
  rank: 'item_id',
  window: '{ sliding: 10m, step: 1m }',
  limit: '9',
}

/** `order.created` of shop S1 at a moment, with other fields. */
export const order = (at: string, fields = '') => event(at, 'order.created', `shop_id: S1${fields && `, ${fields}`}`)
export const view = (at: string, fields: string) => event(at, 'item.viewed', fields)
export const event = (at: string, type: string, fields: string) => `{ at: ${at}, type: ${type}, ${fields} }`
export const advance = (by: string) => `{ advance: ${by} }`

/** A test for each row: what is expected comes out, and does not where the row is taken away. */
export function proveAll(base: Keys, cases: readonly Case[]): void {
  test.each(cases.map((c) => [c.row, c] as const))('%s', (_, c) => {
    const keys = { ...base, ...c.keys }
    expect(outcome(c, textOf(c, keys))).toEqual({ refused: '', wrong: [], shown: c.is })
    const changed: Record<string, string | null> = { ...keys, ...c.without }
    const left = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)) as Keys
    const { refused, ...without } = outcome(c, textOf({ ...c, beside: c.besideWithout ?? c.beside ?? '' }, left))
    if (c.isRefused) expect(refused).not.toBe('')
    else expect(refused).toBe('')
    expect(without).not.toEqual({ wrong: [], shown: c.is })
  })
}

function textOf(c: Case, keys: Keys): string {
  const document = Object.entries(keys).map(([key, text]) => `${key}: ${text}\n`)
  const events = c.events.map((row) => `      - ${row}\n`)
  const own = keys.tests === undefined ? `tests:\n  - name: t\n    events:\n${events.join('')}    ${c.expect}\n` : ''
  return `${document.join('')}${own}${!c.beside ? '' : `---\n${c.beside}`}`
}

function outcome(c: Case, text: string): { refused: string; wrong: string[]; shown: unknown } {
  const files = [{ path: 'format.yaml', text }]
  const compiled = compileRuleSet(files, { streams })
  if (!compiled.ok) return { refused: formatIssues(compiled.issues, files), wrong: ['refused'], shown: undefined }
  const { set, tests } = compiled
  const results = tests.map((t) => runRuleTest(set, t, streams))
  const wrong = results.length === 0 ? ['no test is run'] : results.filter((r) => !r.ok).map(failureText)
  return { refused: '', wrong, shown: tests[0] && c.shows?.(play(set, tests[0], streams)) }
}
