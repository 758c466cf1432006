/** A double keeps every integer of at most 15 digits, and prints it as it was written. */
const EXACT_CHARS = 15
const LONG = /[\d.]{16}/
const NUMBER = /(?<![\w.+-])-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])/g

/**
 * `JSON.parse`, but a number of 16 digits or more comes as a text that holds its characters: no digit of an id
 * above 2^53, or of a long decimal, is lost. Throws SyntaxError for the same texts as `JSON.parse`.
 *
 * Cost   that of `JSON.parse`, and one look over the text; where there is such a run of digits, another one
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(LONG.test(text) ? withLongNumbersQuoted(text) : text)
}

function withLongNumbersQuoted(text: string): string {
  let result = ''
  let done = 0
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at)
    const end = quote < 0 ? text.length : quote
    if (end - at > EXACT_CHARS) {
      const between = text.slice(at, end)
      const quoted = between.replace(NUMBER, quoteLong)
      if (quoted.length !== between.length) {
        result += text.slice(done, at) + quoted
        done = end
      }
    }
    at = quote < 0 ? end : behindString(text, quote)
  }
  return result + text.slice(done)
}

/** What stands before a colon is a key, and a number may not be one. */
function quoteLong(number: string, at: number, between: string): string {
  if (!LONG.test(number) || /^\s*:/.test(between.slice(at + number.length))) return number
  return `"${number}"`
}

/** Behind the closing quote of the string that opens at `quote`; the end of the text where it is never closed. */
function behindString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}

const BACKSLASH = 92
