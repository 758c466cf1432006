import { csvFields } from '../../kit/csv.ts'
import { itemFault, itemOf } from '../../model/list-item.ts'
import { LIST_ITEMS_MAX, type ListItem } from '../../model/rule.ts'

/**
 * The items of a list's file, each once: an item a line, or one column of a CSV file whose first line names them. Blank
 * lines are passed over. A text says what is wrong with it; `undefined` stands for a file that is not there.
 */
export function readListFile(
  text: string | undefined,
  column: string | null,
  of: 'string' | 'number',
): ListItem[] | string {
  if (text === undefined) return 'is not there'
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  let at = -1
  if (column !== null) {
    const header = csvFields(lines[0]!)
    at = typeof header === 'string' ? -1 : header.findIndex((name) => name.trim() === column)
    if (at < 0) return `has no column "${column}" in its first line`
  }
  const items = new Set<ListItem>()
  for (let n = column === null ? 0 : 1; n < lines.length; n++) {
    const line = withoutBlanks(lines[n]!)
    if (line === '') continue
    const fields = column === null ? [line] : csvFields(line)
    const field = typeof fields === 'string' ? undefined : withoutBlanks(fields[Math.max(at, 0)] ?? '')
    if (field === undefined || field === '') return `has no item in line ${n + 1}`
    const fault = itemFault(field, of)
    if (fault !== null) return `has an item in line ${n + 1} that ${fault}: ${JSON.stringify(field.slice(0, 40))}`
    items.add(itemOf(field, of))
    if (items.size > LIST_ITEMS_MAX) return `has more than ${LIST_ITEMS_MAX} items`
  }
  return [...items]
}

/** A byte order mark and other spaces are part of an item: a key that has them is another key. */
function withoutBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}
