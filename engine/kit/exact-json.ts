/** A double keeps every number of at most 15 digits, and none above 1.8e308: one of 15 digits may be, with e294. */
const LONG = /[\d.]{16}|\d[eE]\+?0*(?:29[4-9]|[3-9]\d\d|[1-9]\d{3})/
const MANY_DIGITS = /[\d.]{16}/
/** Of `1e400`. */
const LONG_CHARS_MIN = 5
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * `JSON.parse`, but a number of 16 digits or more, or beyond any double, comes as a text that holds its characters: no digit of an id above 2^53,
 * or of a long decimal, is lost, and `1e400` is not infinite. So does one that `written` finds and that JavaScript would
 * write in another way: `1.50`. Throws SyntaxError for the same texts as `JSON.parse`.
 *
 * Cost   that of `JSON.parse`, and one look over the text; where there is such a run of digits, another one
 */
export function parseExactJson(text: string, written: RegExp | null = null): unknown {
  const quoted = written && hasMoreThanDigits(text) ? text.replace(written, asWritten) : text
  return JSON.parse(LONG.test(quoted) ? withLongNumbersQuoted(quoted) : quoted)
}

/** Finds numbers that stand under one of `names` in any object. */
export function numbersUnder(names: readonly string[]): RegExp | null {
  if (names.length === 0) return null
  const keys = names.map((name) => JSON.stringify(name).slice(1, -1).replace(/[^\w]/g, '\\$&'))
  return new RegExp(`("(?:${keys.join('|')})"[ \\t\\r\\n]*:[ \\t\\r\\n]*)(-?\\d[\\d.eE+-]*)`, 'g')
}

/** False where all numbers behind a colon are of digits alone: a quick look, for most records have no others. */
function hasMoreThanDigits(text: string): boolean {
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    let at = colon + 1
    while (BLANKS.includes(text.charCodeAt(at))) at++
    while (isDigit(text.charCodeAt(at))) at++
    if (isOfNumber(text.charCodeAt(at))) return true
  }
  return false
}

function asWritten(found: string, key: string, token: string): string {
  return !NUMBER.test(token) || String(Number(token)) === token ? found : `${key}"${token}"`
}

function withLongNumbersQuoted(text: string): string {
  let result = ''
  let done = 0
  for (let at = 0; at < text.length; ) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) at = behindString(text, at)
    else if (c !== MINUS && !isDigit(c)) at++
    else {
      const start = at
      do at++
      while (isOfNumber(text.charCodeAt(at)))
      if (at - start < LONG_CHARS_MIN || !isLongNumber(text.slice(start, at)) || isKey(text, at)) continue
      result += `${text.slice(done, start)}"${text.slice(start, at)}"`
      done = at
    }
  }
  return result + text.slice(done)
}

function isLongNumber(token: string): boolean {
  return NUMBER.test(token) && (MANY_DIGITS.test(token) || !Number.isFinite(Number(token)))
}

/** What stands before a colon is a key, and a number may not be one: it stays, for JSON.parse to refuse. */
function isKey(text: string, at: number): boolean {
  while (BLANKS.includes(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}

/** Behind the closing quote of the string that opens at `quote`; the end of the text where it is never closed. */
function behindString(text: string, quote: number): number {
  let at = quote + 1
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) return at + 1
    if (c === BACKSLASH) at++
  }
  return at
}

function isDigit(c: number): boolean {
  return c >= ZERO && c <= ZERO + 9
}

/** A digit, or one of `+ - . E e`. NaN, behind the end, is none. */
function isOfNumber(c: number): boolean {
  return isDigit(c) || c === POINT || c === MINUS || c === PLUS || (c | 0x20) === LOWER_E
}

const QUOTE = 34
const PLUS = 43
const MINUS = 45
const POINT = 46
const ZERO = 48
const COLON = 58
const BACKSLASH = 92
const LOWER_E = 101
const BLANKS: readonly number[] = [9, 10, 13, 32]
