import type { LabelScore } from '../finite/labels.ts'

/** Columns as wide as their widest cell, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (/^[-\d.,%]/.test(cell) ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

export function labelTable(scores: readonly LabelScore[]): string {
  const rows = scores.map((s) => [
    s.label,
    String(s.events),
    String(s.flagged),
    percent(s.recall),
    percent(s.precision),
  ])
  return table([['label', 'events', 'flagged', 'recall', 'precision'], ...rows])
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)}%`
}
