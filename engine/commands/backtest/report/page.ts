import type { SweepRow } from '../sweep.ts'
export function reportPage({ rows, labelled }: { rows: readonly SweepRow[]; labelled: boolean }): string {
  return String(rows.length) + labelled
}
