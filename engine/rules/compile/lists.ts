import type { RuleSource } from '../../model/block.ts'
import type { NamedList } from '../../model/rule.ts'
import { checkList, listType } from '../check/list.ts'
import type { IssueCode, Reporter, RuleIssue } from '../source/issues.ts'
import { didYouMean } from '../source/suggest.ts'
import { entryOf, type MapNode } from '../source/tree.ts'
import type { Document } from './documents.ts'
import { readListFile } from './list-file.ts'

export interface CheckedLists {
  readonly lists: readonly NamedList[]
  /** Faulty ones too, so that whoever reads them is not blamed. */
  readonly types: ReadonlyMap<string, 'string' | 'number'>
}

export type ListItems = Readonly<Record<string, readonly (string | number)[]>>

/** `files`: those that lists read their items from are among them. */
export function checkLists(
  documents: readonly Document[],
  files: readonly RuleSource[],
  overrides: ListItems,
  issues: RuleIssue[],
): CheckedLists {
  const lists: NamedList[] = []
  const types = new Map<string, 'string' | 'number'>()
  for (const { id, node, idSpan, report } of documents) {
    if (types.has(id)) {
      report.error('duplicate-name', idSpan, `a second list "${id}"`)
      continue
    }
    types.set(id, listType(node))
    const checked = checkList(id, node, idSpan, report)
    const list = checked?.source?.kind === 'file' ? withFile(checked, node, files, report) : checked
    if (list) lists.push(Object.hasOwn(overrides, id) ? { ...list, items: [...new Set(overrides[id])] } : list)
  }
  for (const [id, items] of Object.entries(overrides)) {
    const of = types.get(id)
    if (of === undefined)
      issues.push(outside('unknown-list', `there is no list "${id}" in the files given`, didYouMean(id, types.keys())))
    else if (items.some((i) => typeof i !== of))
      issues.push(outside('type-mismatch', `the list "${id}" holds ${of}s`, null))
  }
  return { lists, types }
}

/** The list with the items of its file; null, and reported, when they cannot be had. */
function withFile(list: NamedList, node: MapNode, files: readonly RuleSource[], report: Reporter): NamedList | null {
  const { source } = list
  if (source?.kind !== 'file') return list
  const read = readListFile(files.find((f) => f.data && f.path === source.path)?.text, source.column, list.of)
  if (typeof read !== 'string') return { ...list, items: read }
  report.error('list-file', entryOf(node, 'source')!.keySpan, `${source.path} ${read}`)
  return null
}

/** A list that is fed by a rule that is not there stays empty. A warning: an exchange carries all lists, not all rules. */
export function checkFeeds(documents: readonly Document[], ruleIds: ReadonlySet<string>): void {
  for (const { node, report } of documents) {
    const source = entryOf(node, 'source')?.value
    const rule = source?.kind === 'map' ? entryOf(source, 'alerts')?.value : undefined
    if (rule?.kind !== 'scalar' || ruleIds.has(rule.text)) continue
    const message = `there is no rule "${rule.text}" in the files given: nothing feeds this list`
    report.warning('unknown-rule', rule.span, message, didYouMean(rule.text, ruleIds))
  }
}

/** A fault of what was given beside the files. */
export function outside(code: IssueCode, message: string, suggestion: string | null): RuleIssue {
  return { code, severity: 'error', file: '(given)', line: 1, column: 1, length: 1, rule: null, message, suggestion }
}
