import { type Document, isMap, isScalar, type Node } from 'yaml'
import type { RuleIssue } from '../rules/index.ts'
import { SourceText } from '../rules/source/text.ts'
import { type Masked, masked } from './masked.ts'
import { streamsOver } from './stream-defaults.ts'

export type Path = readonly PropertyKey[]

/** One place that settings come from. `at` finds the text behind a path, for the caret. */
interface Origin {
  readonly source: SourceText
  /** `--port 99999`, `LAPWING_HTTP_PORT`: not in a file. */
  readonly said?: string
  at(path: Path, what: 'key' | 'value'): { start: number; end: number }
}

/**
 * Settings laid over each other (flags over environment over file over default), each value with the place it came from,
 * and the faults that were found in them.
 */
export class Settings {
  readonly values: Record<string, unknown> = {}
  readonly issues: RuleIssue[] = []
  /** What is wrong with flags and environment, a line each. */
  readonly usage: string[] = []
  readonly #origins = new Map<string, Origin>()
  #file: Origin | null = null
  #masked: Masked = { text: '', hide: (message) => message }

  /** Takes the sections of a parsed file; what is empty counts as left out. */
  addFile(source: SourceText, document: Document.Parsed, values: Readonly<Record<string, unknown>>): void {
    this.#file = { source, at: (path, what) => spanOf(document.contents, path, what) }
    this.#masked = masked(document, source.text)
    for (const [key, value] of Object.entries(values)) {
      const merged = value === null && key !== 'registry' ? undefined : value
      if (merged !== undefined) this.values[key] = laidOver(key, this.values[key], merged)
    }
  }

  /** Takes one value by its dotted path from outside the file; `said` is how it was given. */
  add(said: string, path: string, value: unknown): void {
    this.#origins.set(path, { said, source: new SourceText(said, ''), at: () => ({ start: 0, end: 0 }) })
    const parts = path.split('.')
    let target = this.values
    for (const part of parts.slice(0, -1)) {
      const inner = target[part]
      target[part] = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {}
      target = target[part] as Record<string, unknown>
    }
    target[parts.at(-1)!] = value
  }

  fault(code: RuleIssue['code'], path: Path, what: 'key' | 'value', message: string, suggestion: string | null = null) {
    const origin = this.#originOf(path)
    if (origin.said !== undefined) {
      this.usage.push(`${origin.said}: ${message}`)
      return
    }
    const span = origin.at(path, what)
    const { line, column } = origin.source.position(span.start)
    const room = origin.source.line(line).length - column + 1
    const length = Math.max(1, Math.min(span.end - span.start, room))
    const file = origin.source.path
    this.issues.push({ code, severity: 'error', file, line, column, length, rule: null, message, suggestion })
  }

  /** The faults and the text that they point into, in the order of the text, without its secrets. */
  shown(): { issues: RuleIssue[]; sources: { path: string; text: string }[] } {
    const { text, hide } = this.#masked
    const inOrder = this.issues.toSorted((a, b) => a.line - b.line || a.column - b.column)
    return {
      issues: inOrder.map((issue) => ({
        ...issue,
        message: hide(issue.message),
        suggestion: issue.suggestion && hide(issue.suggestion),
      })),
      sources: this.#file ? [{ path: this.#file.source.path, text }] : [],
    }
  }

  #originOf(path: Path): Origin {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(path.slice(0, length).join('.'))
      if (origin) return origin
    }
    return this.#file ?? { source: new SourceText(path.join('.'), ''), at: () => ({ start: 0, end: 0 }) }
  }
}

/** Sections are completed key by key; lists and a log of another kind are replaced. */
function laidOver(key: string, below: unknown, above: unknown): unknown {
  const isRecord = (v: unknown): v is Record<string, unknown> =>
    typeof v === 'object' && v !== null && !Array.isArray(v)
  if (key === 'log' || !isRecord(below) || !isRecord(above)) return above
  if (key === 'streams') return streamsOver(below as Record<string, Record<string, unknown>>, above)
  return { ...below, ...above }
}

/** Where `path` stands; where it does not, the nearest thing around it. */
function spanOf(root: Node | null, path: Path, what: 'key' | 'value'): { start: number; end: number } {
  let node: unknown = root
  let key: unknown = null
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part))
      if (!pair) return range(key ?? node)
      key = pair.key
      node = pair.value
    } else {
      const item = (node as { items?: unknown[] } | null)?.items?.[Number(part)]
      if (item === undefined) break
      key = item
      node = item
    }
  }
  return range(what === 'key' || node === null ? key : node)
}

function range(node: unknown): { start: number; end: number } {
  const found = (node as Node | null)?.range
  return found ? { start: found[0], end: found[1] } : { start: 0, end: 1 }
}
