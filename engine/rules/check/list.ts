import { dirname, join } from 'node:path'
import type { ListSource, NamedList } from '../../model/rule.ts'
import { ITEMS_MAX } from '../shape/limits.ts'
import { LIST_KEYS, LIST_KINDS, LIST_TYPES, SOURCE_EXTRAS, SOURCE_KEYS, SOURCES } from '../shape/list.ts'
import type { Reporter } from '../source/issues.ts'
import { Reader } from '../source/read.ts'
import type { Span } from '../source/text.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import { durationOf } from '../source/values.ts'

const TTL_MAX_MS = 366 * 86_400_000

/** What a faulty list still tells others: that it exists, and what it seems to hold. */
export function listType(node: MapNode): 'string' | 'number' {
  const of = entryOf(node, 'of')?.value
  return of?.kind === 'scalar' && of.text === 'number' ? 'number' : 'string'
}

export function checkList(id: string, node: MapNode, idSpan: Span, report: Reporter): NamedList | null {
  const read = new Reader(report)
  read.keys(node, Object.keys(LIST_KEYS), 'of a list')
  const kindNode = read.required(node, 'kind', idSpan, 'a list')
  const kind = kindNode && read.oneOf(kindNode, 'kind', LIST_KINDS)
  const ofNode = read.required(node, 'of', idSpan, 'a list')
  const of = ofNode && read.oneOf(ofNode, 'of', LIST_TYPES)
  const title = entryOf(node, 'title')?.value
  if (title) read.text(title, 'title')
  const owner = entryOf(node, 'owner')?.value
  if (owner) read.text(owner, 'owner')
  const source = entryOf(node, 'source')
  if (source) {
    const items = entryOf(node, 'items')
    if (items) read.fault('unknown-key', items.keySpan, 'a list has either "items" or a "source"')
    const from = checkSource(read, source.value)
    return report.errorCount === 0 && kind && of && from ? { id, kind, of, items: [], source: from } : null
  }
  const itemsNode = read.required(node, 'items', idSpan, 'a list')
  const items = itemsNode && of ? checkItems(read, itemsNode, of) : null
  return report.errorCount === 0 && kind && of && items ? { id, kind, of, items } : null
}

function checkSource(read: Reader, node: Node): ListSource | null {
  const map = read.map(node, 'source')
  if (!map) return null
  read.keys(map, Object.keys(SOURCE_KEYS), 'of a source')
  const kinds = SOURCES.filter((name) => entryOf(map, name))
  const [kind] = kinds
  if (!kind || kinds.length > 1) return read.fault('wrong-value', map, `a source has one of ${SOURCES.join(', ')}`)
  const value = read.text(entryOf(map, kind)!.value, kind)
  for (const [name, belongsTo] of Object.entries(SOURCE_EXTRAS)) {
    const entry = entryOf(map, name)
    if (entry && belongsTo !== kind)
      read.fault('unknown-key', entry.keySpan, `"${name}" belongs to a source of "${belongsTo}"`)
  }
  if (value === null) return null
  if (kind === 'topic') return { kind, topic: value }
  if (kind === 'alerts') {
    const ttl = entryOf(map, 'ttl')?.value
    return { kind, rule: value, ttlMs: ttl ? durationOf(read, ttl, 'ttl', 1, TTL_MAX_MS) : null }
  }
  const column = entryOf(map, 'column')?.value
  return {
    kind,
    path: join(dirname(read.report.source.path), value),
    column: column ? read.text(column, 'column') : null,
  }
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
