import type { UnknownField } from '../../edge/files/unknown-fields.ts'
import { printable } from '../../kit/printable.ts'

/** At its first event. */
export function unknownFieldText({ stream, name, meant }: UnknownField): string {
  if (name === null) return `further names are not fields of ${stream}: they are only counted`
  const hint = meant === null ? '' : `: did you mean "${meant}"?`
  return `"${name}" is not a field of ${stream}, and is passed over${hint}`
}

/** At the end of the input; null where there are none. */
export function unknownFieldsText(fields: readonly UnknownField[]): string | null {
  if (fields.length === 0) return null
  const each = fields.map(
    ({ stream, name, values }) => `${printable(name ?? 'further names')} of ${stream} ${count(values)}`,
  )
  return `values passed over, of what is no field: ${each.join(', ')}`
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}
