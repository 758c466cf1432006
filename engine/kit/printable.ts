/**
 * What a terminal obeys, or what makes a text look like another one: control characters, marks that turn the direction of
 * writing, other line ends, characters without a width, halves of surrogate pairs.
 */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be printed
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\u{e0000}-\u{e007f}]/gu

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/**
 * A text that others wrote, as a terminal may have it, in one line: what it would obey stands as `\u001b`, `\n`. JSON
 * means the same afterwards.
 */
export function printable(text: string): string {
  return text.replace(OBEYED, escaped)
}

/** The same for a text of several lines of our own making: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(OBEYED, (c) => (c === '\n' || c === '\t' ? c : escaped(c)))
}

function escaped(c: string): string {
  const units = Array.from({ length: c.length }, (_, i) => c.charCodeAt(i).toString(16).padStart(4, '0'))
  return SHORT.get(c) ?? units.map((hex) => `\\u${hex}`).join('')
}
