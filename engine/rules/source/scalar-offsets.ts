import { Scalar } from 'yaml'

const ESCAPE_LENGTH: Record<string, number> = { x: 4, u: 6, U: 10 }

/**
 * Where each character of a YAML scalar's value stands in the file: `offsets[i]` for `value[i]`, and one more entry
 * for the end. Walks source and value side by side: folding turns line ends into blanks and drops indentation, quotes
 * bring escapes; every other character stands in the source as it stands in the value.
 */
export function scalarOffsets(text: string, start: number, end: number, value: string, type: Scalar.Type): Int32Array {
  const offsets = new Int32Array(value.length + 1)
  const quoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE
  let at = quoted ? start + 1 : start
  if (type === Scalar.BLOCK_FOLDED || type === Scalar.BLOCK_LITERAL) {
    const lineEnd = text.indexOf('\n', start)
    at = lineEnd === -1 ? end : lineEnd + 1
  }
  let i = 0
  while (i < value.length) {
    const c = value[i]
    if (type === Scalar.QUOTE_DOUBLE && isEscape(text, at)) {
      const next = text[at + 1]
      if (next === '\n' || next === '\r') {
        at = skipBlank(text, at + 1, end)
        continue
      }
      const length = ESCAPE_LENGTH[next] ?? 2
      const units = next === 'U' ? (value.codePointAt(i)! > 0xffff ? 2 : 1) : 1
      for (let k = 0; k < units; k++) offsets[i++] = at
      at += length
    } else if (type === Scalar.QUOTE_SINGLE && c === "'" && text[at] === "'") {
      offsets[i++] = at
      at += 2
    } else if (text[at] === c) {
      offsets[i++] = at++
    } else if (c === ' ' || c === '\n') {
      offsets[i++] = at // a fold: the line end and what stands around it are skipped before the next character
    } else if (at < end && isBlank(text[at])) {
      at += 1
    } else {
      offsets[i++] = Math.min(at, end) // cannot happen with what the YAML parser gives; keep inside the scalar
    }
  }
  offsets[value.length] = Math.min(Math.max(at, start), end)
  return offsets
}

function isEscape(text: string, at: number): boolean {
  return text[at] === '\\'
}

function isBlank(c: string | undefined): boolean {
  return c === ' ' || c === '\n' || c === '\r' || c === '\t'
}

function skipBlank(text: string, from: number, end: number): number {
  let at = from
  while (at < end && isBlank(text[at])) at += 1
  return at
}
