const CHARS_MAX = 60

/**
 * A value as messages show it: on one line, short, and without a look into lists and objects, which may be nested without
 * end. A number that is kept as its digits is shown as such.
 */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[…]' : '{…}'
  return cut(typeof value === 'string' ? JSON.stringify(value.slice(0, CHARS_MAX + 1)) : String(value))
}

function cut(text: string): string {
  return text.length <= CHARS_MAX ? text : `${text.slice(0, CHARS_MAX - 1)}…`
}
