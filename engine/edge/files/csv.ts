import { csvFields } from '../../kit/csv.ts'
import { RECORD_CHARS_MAX } from './lines.ts'

export interface CsvHandler {
  /** `line` is where the record begins. */
  record(fields: string[], line: number, text: string): void
  malformed(line: number, reason: string, text: string): void
}

/** Puts lines together where a quoted field goes on over several (RFC 4180), and cuts the records into fields. */
export class CsvAssembler {
  readonly #handler: CsvHandler
  #open = ''
  #openLine = 0

  constructor(handler: CsvHandler) {
    this.#handler = handler
  }

  line(text: string, line: number): void {
    if (this.#open === '') {
      const bare = withoutReturn(text)
      if (bare !== '') this.#parse(text, bare, line)
      return
    }
    const whole = `${this.#open}\n${text}`
    if (whole.length > RECORD_CHARS_MAX) this.#giveUp('a quoted field has no end')
    else if (!text.includes('"')) this.#open = whole
    else this.#parse(whole, withoutReturn(whole), this.#openLine)
  }

  end(): void {
    if (this.#open !== '') this.#giveUp('a quoted field has no end')
  }

  #parse(whole: string, bare: string, line: number): void {
    const fields = csvFields(bare)
    this.#open = fields === 'open' ? whole : ''
    this.#openLine = line
    if (fields === 'stray') this.#handler.malformed(line, 'a quote in a wrong place', bare)
    else if (fields !== 'open') this.#handler.record(fields, line, bare)
  }

  #giveUp(reason: string): void {
    this.#handler.malformed(this.#openLine, reason, this.#open)
    this.#open = ''
  }
}

function withoutReturn(text: string): string {
  return text.charCodeAt(text.length - 1) === 13 ? text.slice(0, -1) : text
}
