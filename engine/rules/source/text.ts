/** One file's text with offset -> line and column, both 1-based; columns count UTF-16 units, as editors do. */
export class SourceText {
  readonly path: string
  readonly text: string
  readonly #starts: number[]

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    this.#starts = [0]
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) this.#starts.push(i + 1)
  }

  position(offset: number): { line: number; column: number } {
    const at = Math.max(0, Math.min(offset, this.text.length))
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle] <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - this.#starts[low] + 1 }
  }

  /** Text of a 1-based line, without its line end. */
  line(number: number): string {
    const start = this.#starts[number - 1]
    if (start === undefined) return ''
    const end = this.#starts[number]
    const line = end === undefined ? this.text.slice(start) : this.text.slice(start, end - 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}

/** Offsets into the file; end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}
