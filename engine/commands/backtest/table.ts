import { printable } from '../../kit/printable.ts'
import type { LabelScore } from '../finite/labels.ts'

/** Columns as wide as their widest cell, numbers to the right. */
export function table(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map(printable))
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (/^[-\d.,%]/.test(cell) ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

/** `groups`: rings, bursts or crowds of which at least one event was flagged. */
export function labelTable(scores: readonly LabelScore[]): string {
  const withGroups = scores.some((s) => s.groups > 0)
  const rows = scores.map((s) => [
    s.label,
    String(s.events),
    String(s.flagged),
    s.label === 'good' ? '-' : percent(s.recall),
    percent(s.precision),
    ...(withGroups ? [s.groups > 0 ? `${s.groupsFound} of ${s.groups}` : '-'] : []),
  ])
  return table([['label', 'events', 'flagged', 'recall', 'precision', ...(withGroups ? ['groups'] : [])], ...rows])
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)}%`
}
