import type { IssueCode, Reporter } from './issues.ts'
import { didYouMean, nearest } from './suggest.ts'
import type { Span } from './text.ts'
import { entryOf, type MapNode, type Node, type ScalarNode, type SeqNode } from './tree.ts'

/** `null` from a reader means: a fault was reported, or the value is broken already. */
export class Reader {
  readonly report: Reporter
  /** Keys that a misspelt one was meant to be: they are not missing as well. */
  readonly #meant = new WeakMap<MapNode, Set<string>>()

  constructor(report: Reporter) {
    this.report = report
  }

  fault(code: IssueCode, node: Node | Span, message: string, suggestion: string | null = null): null {
    const span = 'kind' in node ? firstLine(node) : node
    this.report.error(code, span, message, suggestion)
    return null
  }

  /** Reports every key of `node` that is not in `known`. */
  keys(node: MapNode, known: readonly string[], what = 'here'): void {
    for (const { key, keySpan } of node.entries) {
      if (known.includes(key)) continue
      const meant = nearest(key, known)
      if (meant !== null) this.#meant.set(node, (this.#meant.get(node) ?? new Set()).add(meant))
      this.fault(
        'unknown-key',
        keySpan,
        `"${key}" is not a key ${what}`,
        meant === null ? null : `did you mean "${meant}"?`,
      )
    }
  }

  required(node: MapNode, key: string, keyOf: Span, what: string): Node | null {
    const entry = entryOf(node, key)
    if (entry) return entry.value
    if (this.#meant.get(node)?.has(key)) return null
    return this.fault('missing-key', keyOf, `${what} needs "${key}:"`)
  }

  map(node: Node, what: string): MapNode | null {
    if (node.kind === 'map') return node
    return node.kind === 'broken' ? null : this.fault('wrong-value', node, `${what} is a mapping of names to values`)
  }

  seq(node: Node, what: string): SeqNode | null {
    if (node.kind === 'seq') return node
    return node.kind === 'broken' ? null : this.fault('wrong-value', node, `${what} is a list`)
  }

  scalar(node: Node, what: string): ScalarNode | null {
    if (node.kind === 'scalar' && node.value !== null) return node
    if (node.kind === 'broken') return null
    if (node.kind === 'scalar') return this.fault('wrong-value', node, `${what} is missing its value`)
    if (node.kind === 'map' && / \? /.test(node.entries[0]?.key ?? '')) {
      const message = '"a ? b : c" needs quotes: YAML takes the colon for a mapping'
      return this.fault('yaml-ternary', node, message, 'put the whole expression in quotes')
    }
    return this.fault('wrong-value', node, `${what} is one value, not a ${node.kind === 'map' ? 'mapping' : 'list'}`)
  }

  text(node: Node, what: string): string | null {
    const scalar = this.scalar(node, what)
    if (!scalar) return null
    if (typeof scalar.value === 'string' && scalar.value.trim() !== '') return scalar.value
    return this.fault(
      'wrong-value',
      node,
      `${what} is text`,
      typeof scalar.value === 'string' ? null : 'put it in quotes',
    )
  }

  number(node: Node, what: string): number | null {
    const scalar = this.scalar(node, what)
    if (!scalar) return null
    if (typeof scalar.value === 'number' && Number.isFinite(scalar.value)) return scalar.value
    return this.fault('wrong-value', node, `${what} is a number`)
  }

  integer(node: Node, what: string, least: number, most: number): number | null {
    const value = this.number(node, what)
    if (value === null) return null
    if (Number.isInteger(value) && value >= least && value <= most) return value
    return this.fault('out-of-range', node, `${what} is a whole number from ${least} to ${most}`)
  }

  oneOf<T extends string>(node: Node, what: string, values: readonly T[]): T | null {
    const scalar = this.scalar(node, what)
    if (!scalar) return null
    const found = values.find((v) => v === scalar.text)
    if (found !== undefined) return found
    const hint = didYouMean(scalar.text, values)
    return this.fault('wrong-value', node, `${what} is one of ${values.join(', ')}`, hint)
  }

  /** One name or a list of them, each with its place. */
  names(node: Node, what: string): { name: string; span: Span }[] | null {
    const items = node.kind === 'seq' ? node.items : [node]
    if (items.length === 0) return this.fault('wrong-value', node, `${what} names at least one`)
    const out: { name: string; span: Span }[] = []
    const seen = new Set<string>()
    for (const item of items) {
      const name = this.text(item, what)
      if (name === null) continue
      if (seen.has(name)) this.fault('duplicate-name', item, `"${name}" is named twice`)
      else out.push({ name, span: firstLine(item) })
      seen.add(name)
    }
    return out
  }
}

export function firstLine(node: Node): Span {
  if (node.kind === 'map' && node.entries.length > 0) return node.entries[0].keySpan
  if (node.kind === 'seq') return { start: node.span.start, end: node.span.start + 1 }
  return node.span
}
