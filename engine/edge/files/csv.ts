import { csvFields } from '../../kit/csv.ts'
import { RECORD_CHARS_MAX } from './lines.ts'
import { hasBareReturn, quoteOver, type RecordState, rowsInside, withoutReturn } from './open-quote.ts'

export interface CsvHandler {
  /** `line` is where the record begins. */
  record(fields: string[], line: number, text: string): void
  malformed(line: number, reason: string, text: string): void
  /** Rows that follow cannot be told from text any more, or none can be read: throws. */
  broken(line: number, reason: string): never
}

/**
 * Puts lines together where a quoted field goes on over several (RFC 4180), and cuts the records into fields.
 *
 * Malformed  a quote in a wrong place, a field without an end, a line end of another kind: that record alone
 * Broken     a quote that took rows for text; a first record, which is the header, that cannot be read
 */
export class CsvAssembler {
  readonly #handler: CsvHandler
  readonly #delimiter: string
  #header: readonly string[] | null = null
  #open = ''
  #openLine = 0

  constructor(handler: CsvHandler, delimiter = ',') {
    this.#handler = handler
    this.#delimiter = delimiter
  }

  /** `oversized`: only its beginning is there. */
  line(text: string, line: number, oversized = false): void {
    const isOpen = this.#open !== ''
    if (isOpen && (oversized || this.#open.length + text.length > RECORD_CHARS_MAX))
      this.#broken(this.#open, 'open', 'and has no end within 1 MB')
    if (oversized) {
      this.#malformed(line, 'longer than 1 MB', text)
    } else if (!isOpen) {
      const bare = withoutReturn(text)
      if (bare !== '') this.#parse(text, bare, line)
    } else {
      const whole = `${this.#open}\n${text}`
      if (this.#staysOpen(text)) this.#open = whole
      else this.#parse(whole, withoutReturn(whole), this.#openLine)
    }
  }

  end(): void {
    if (this.#open === '') return
    this.#refuseRows(this.#open, 'open', 'up to the end of the input')
    this.#malformed(this.#openLine, 'a quoted field has no end', this.#open)
  }

  /** From the line alone: a record of many lines is not read again for each of them. */
  #staysOpen(text: string): boolean {
    return !text.includes('"') || csvFields(`"${withoutReturn(text)}`, this.#delimiter) === 'open'
  }

  #parse(whole: string, bare: string, line: number): void {
    const fields = csvFields(bare, this.#delimiter)
    this.#open = ''
    this.#openLine = line
    if (fields === 'open') {
      this.#open = whole
      return
    }
    if (bare.includes('\n')) this.#refuseRows(bare, fields === 'stray' ? 'stray' : 'closed', 'before it ends')
    if (fields === 'stray') this.#malformed(line, 'a quote in a wrong place', bare)
    else if (bare.includes('\r') && hasBareReturn(bare))
      this.#malformed(line, 'a carriage return without a line feed, outside quotes', bare)
    else {
      this.#header ??= fields
      this.#handler.record(fields, line, bare)
    }
  }

  #malformed(line: number, reason: string, text: string): void {
    if (this.#header === null) this.#handler.broken(line, `the header cannot be read: ${reason}`)
    this.#handler.malformed(line, reason, text)
  }

  #refuseRows(record: string, state: RecordState, until: string): void {
    const rows = rowsInside(record, state, this.#header?.length ?? 0, this.#delimiter)
    if (rows > 0) this.#broken(record, state, `and takes ${rows} lines that look like records for text, ${until}`)
  }

  #broken(record: string, state: RecordState, what: string): never {
    const { lines, column } = quoteOver(record, state, this.#delimiter)
    const name = this.#header?.[column - 1]
    const where = name === undefined ? `column ${column}` : `column ${column}, "${name}"`
    const wayOut = 'close it, or write "" for a quote within a quoted field'
    this.#handler.broken(this.#openLine + lines, `a quote opens in ${where}, ${what}: ${wayOut}`)
  }
}
