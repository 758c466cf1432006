import { KINDS, type Kind } from '../shape/document.ts'
import { Reporter, type RuleIssue } from '../source/issues.ts'
import type { ParsedFile } from '../source/parse.ts'
import { Reader } from '../source/read.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import type { MapNode } from '../source/tree.ts'
import { ID_PATTERN } from '../source/values.ts'

/** A document whose kind and id are known. */
export interface Document {
  readonly kind: Kind
  readonly id: string
  readonly idSpan: Span
  readonly node: MapNode
  readonly report: Reporter
}

/** What kind of document each is, by its first key that says so. */
export function readDocuments(files: readonly ParsedFile[], issues: RuleIssue[]): Document[] {
  const out: Document[] = []
  for (const file of files) {
    for (const node of file.documents) {
      const document = readDocument(node, new Reporter(file.source, null, issues))
      if (document) out.push(document)
    }
  }
  return out
}

function readDocument(node: MapNode, report: Reporter): Document | null {
  const read = new Reader(report)
  const first = node.entries[0]
  if (!first)
    return read.fault('not-a-mapping', { start: node.span.start, end: node.span.start + 1 }, 'the document is empty')
  const entry = node.entries.find((e) => KINDS.some((k) => k === e.key))
  if (!entry) {
    const hint = didYouMean(first.key, KINDS)
    const message = `"${first.key}" does not say what this is: a document begins with rule:, ranking:, feature: or list:`
    return read.fault('unknown-kind', first.keySpan, message, hint)
  }
  const id = read.text(entry.value, entry.key)
  if (id === null) return null
  const named = report.forRule(id)
  if (!ID_PATTERN.test(id)) {
    new Reader(named).fault(
      'bad-name',
      entry.value,
      `the id "${id}" must be in snake_case: small letters, digits and "_", at most 64`,
    )
  }
  return { kind: entry.key as Kind, id, idSpan: entry.value.span, node, report: named }
}
