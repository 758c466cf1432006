import type { NamedList } from '../../model/rule.ts'
import { checkList, listType } from '../check/list.ts'
import type { IssueCode, RuleIssue } from '../source/issues.ts'
import { didYouMean } from '../source/suggest.ts'
import { entryOf } from '../source/tree.ts'
import type { Document } from './documents.ts'

export interface CheckedLists {
  readonly lists: readonly NamedList[]
  /** Faulty ones too, so that whoever reads them is not blamed. */
  readonly types: ReadonlyMap<string, 'string' | 'number'>
}

export type ListItems = Readonly<Record<string, readonly (string | number)[]>>

export function checkLists(documents: readonly Document[], overrides: ListItems, issues: RuleIssue[]): CheckedLists {
  const lists: NamedList[] = []
  const types = new Map<string, 'string' | 'number'>()
  for (const { id, node, idSpan, report } of documents) {
    if (types.has(id)) {
      report.error('duplicate-name', idSpan, `a second list "${id}"`)
      continue
    }
    types.set(id, listType(node))
    const list = checkList(id, node, idSpan, report)
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
