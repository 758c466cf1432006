import type { Span } from './text.ts'

/** A YAML document as a plain tree in which everything knows where it stands. */
export type Node = MapNode | SeqNode | ScalarNode | BrokenNode

export interface Entry {
  readonly key: string
  readonly keySpan: Span
  readonly value: Node
}

export interface MapNode {
  readonly kind: 'map'
  readonly span: Span
  readonly entries: readonly Entry[]
}

export interface SeqNode {
  readonly kind: 'seq'
  readonly span: Span
  readonly items: readonly Node[]
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly span: Span
  readonly value: string | number | boolean | null
  /** The value as text: for a number or a boolean what the author wrote. */
  readonly text: string
  /** Offset in the file of `text[i]`; valid up to and including `i = text.length`. */
  offset(i: number): number
}

/** Something whose fault has been reported already: whoever meets it stays silent. */
export interface BrokenNode {
  readonly kind: 'broken'
  readonly span: Span
}

/** Text that holds an expression, with the way from its offsets to those of the file. */
export interface ExpressionText {
  readonly text: string
  offset(i: number): number
}

export function entryOf(node: MapNode, key: string): Entry | undefined {
  return node.entries.find((e) => e.key === key)
}

/** The tree as plain data, without `leaveOut` at the top: what a body's hash is taken over. */
export function plain(node: Node, leaveOut: ReadonlySet<string> = new Set()): unknown {
  if (node.kind === 'broken') return null
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'seq') return node.items.map((n) => plain(n))
  const sorted = node.entries.filter((e) => !leaveOut.has(e.key)).sort((a, b) => (a.key < b.key ? -1 : 1))
  return Object.fromEntries(sorted.map((e) => [e.key, plain(e.value)]))
}
