/**
 * Why bytes are no record, as one number, so that finding one makes no object: a code of FAULT, and 16 times the index of
 * the writer's field that it is in. 0 = none.
 */
export const FAULT = {
  ...{ number: 1, length: 2, branch: 3, symbol: 4, text: 5, depth: 6, count: 7, size: 8 },
  unread: 9,
} as const

const TEXTS = [
  '',
  'a number that is too large or has too many bytes',
  'a length that reaches beyond the record',
  'no such branch of its union',
  'no such symbol of its enum',
  'text that is not UTF-8',
  'nested too deeply',
  'too many items',
  '',
  "a value of a type that the stream's schema does not allow there",
]

export function faultAt(fieldIndex: number, code: number): number {
  return fieldIndex * 16 + code
}

/** `names`: the writer's fields; empty where they are not known. */
export function faultText(fault: number, names: readonly string[]): string {
  const code = fault % 16
  if (code === FAULT.size) return 'its length is not that of one record'
  const name = names[(fault - code) / 16]
  return name === undefined ? TEXTS[code] : `field "${name}": ${TEXTS[code]}`
}
