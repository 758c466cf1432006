/** Longer lines, and longer CSV records, are malformed and passed over: memory stays bounded. */
export const RECORD_CHARS_MAX = 1 << 20

/** Carriage returns alone are what some programs for the Mac write. */
export type LineEnd = '\n' | '\r'

/** What ends the lines of an input that begins with `text`. */
export function lineEndOf(text: string): LineEnd {
  const lone = text.indexOf('\r')
  return lone >= 0 && lone < text.length - 1 && !text.includes('\n') ? '\r' : '\n'
}

/**
 * Cuts text that comes in pieces at line ends; a carriage return before a line feed stays. The handler gets each line with
 * its number, from 1; `oversized` is true when it was longer than RECORD_CHARS_MAX, and then only its beginning is there.
 */
export class LineSplitter {
  readonly #handle: (text: string, line: number, oversized: boolean) => void
  readonly #lineEnd: LineEnd
  #carry = ''
  #oversized = false
  #line = 1

  constructor(handle: (text: string, line: number, oversized: boolean) => void, lineEnd: LineEnd = '\n') {
    this.#handle = handle
    this.#lineEnd = lineEnd
  }

  feed(text: string): void {
    let at = 0
    for (let end = text.indexOf(this.#lineEnd); end >= 0; end = text.indexOf(this.#lineEnd, at)) {
      this.#keep(text.slice(at, end))
      this.#finish()
      at = end + 1
    }
    if (at < text.length) this.#keep(text.slice(at))
  }

  /** The end of the input: a last line needs no line feed. */
  end(): void {
    if (this.#carry !== '') this.#finish()
  }

  #keep(piece: string): void {
    if (!this.#oversized) this.#carry += piece
    if (this.#carry.length <= RECORD_CHARS_MAX) return
    this.#carry = this.#carry.slice(0, 200)
    this.#oversized = true
  }

  #finish(): void {
    this.#handle(this.#carry, this.#line, this.#oversized)
    this.#carry = ''
    this.#oversized = false
    this.#line += 1
  }
}
