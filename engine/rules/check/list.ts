import type { NamedList } from '../../model/rule.ts'
import type { Reporter } from '../source/issues.ts'
import { Reader } from '../source/read.ts'
import type { Span } from '../source/text.ts'
import { entryOf, type MapNode } from '../source/tree.ts'

const ITEMS_MAX = 10_000
const KEYS = ['list', 'kind', 'of', 'items', 'title', 'owner']

/** What a faulty list still tells others: that it exists, and what it seems to hold. */
export function listType(node: MapNode): 'string' | 'number' {
  const of = entryOf(node, 'of')?.value
  return of?.kind === 'scalar' && of.text === 'number' ? 'number' : 'string'
}

export function checkList(id: string, node: MapNode, idSpan: Span, report: Reporter): NamedList | null {
  const read = new Reader(report)
  read.keys(node, KEYS, { source: 'a list with a "source"' }, 'of a list')
  const kindNode = read.required(node, 'kind', idSpan, 'a list')
  const kind = kindNode && read.oneOf(kindNode, 'kind', ['allow', 'deny', 'watch'] as const)
  const ofNode = read.required(node, 'of', idSpan, 'a list')
  const of = ofNode && read.oneOf(ofNode, 'of', ['string', 'number'] as const)
  const title = entryOf(node, 'title')?.value
  if (title) read.text(title, 'title')
  const owner = entryOf(node, 'owner')?.value
  if (owner) read.text(owner, 'owner')
  if (entryOf(node, 'source')) return null
  const itemsNode = read.required(node, 'items', idSpan, 'a list')
  const items = itemsNode && of ? checkItems(read, itemsNode, of) : null
  return report.errorCount === 0 && kind && of && items ? { id, kind, of, items } : null
}

function checkItems(
  read: Reader,
  node: MapNode['entries'][number]['value'],
  of: 'string' | 'number',
): (string | number)[] | null {
  const list = read.seq(node, 'items')
  if (!list) return null
  if (list.items.length > ITEMS_MAX)
    return read.fault('too-many', list, `${list.items.length} items; at most ${ITEMS_MAX}`)
  const out = new Set<string | number>()
  for (const item of list.items) {
    const scalar = read.scalar(item, 'an item')
    if (!scalar) continue
    const { value } = scalar
    if (typeof value !== of || typeof value === 'boolean' || value === null) {
      read.fault('type-mismatch', item, `the list holds ${of}s`, of === 'string' ? 'put it in quotes' : null)
    } else if (out.has(value))
      read.report.warning('duplicate-name', item.span, `${JSON.stringify(value)} stands in the list twice`)
    else out.add(value)
  }
  return [...out]
}
