import { CsvAssembler } from '../../edge/files/csv.ts'
import { LineSplitter, lineEndOf } from '../../edge/files/lines.ts'
import { OneDocument } from '../../edge/files/one-document.ts'
import { csvFields } from '../../kit/csv.ts'
import { parseExactJson } from '../../kit/exact-json.ts'
import { EngineError } from '../../model/errors.ts'

/** One column of a sample; in JSON lines, what stands under one name. */
export interface Column {
  readonly name: string
  /** In the order of the rows; none for null and for an empty text. */
  readonly values: unknown[]
}

export interface Table {
  readonly format: 'csv' | 'json'
  readonly delimiter: string
  readonly columns: readonly Column[]
  readonly rows: number
  /** Records that could not be read, or had more or fewer fields than the header. */
  readonly malformed: number
}

export const ROWS_MAX = 50_000
const DELIMITERS = [',', ';', '\t', '|']

/** Rows that are parsed already; `malformed`: records beside them that are none. */
export function tableOfObjects(objects: readonly object[], malformed: number): Table {
  const columns = new Columns()
  for (const object of objects) columns.addRow(object)
  columns.malformed = malformed
  return columns.table('json', ',')
}

/** The rows at the beginning of a text. `whole` false: it goes on. INPUT_MALFORMED where no stream could read it. */
export function tableOf(text: string, path: string, whole: boolean): Table {
  const isJson = /\.(jsonl|ndjson|json)(\.gz)?$/i.test(path) || (!/\.csv(\.gz)?$/i.test(path) && /^\s*[{[]/.test(text))
  const table = isJson ? jsonTable(text, path) : csvTable(text, path, whole)
  if (table.rows > 0) return table
  const others = `none of its ${table.malformed} records is like the first line, which must name the columns`
  const what = table.malformed > 0 && !isJson ? others : 'there is no record in it that can be read'
  throw new EngineError('INPUT_MALFORMED', `${path}: ${what}`)
}

class Columns {
  readonly #columns = new Map<string, Column>()
  rows = 0
  malformed = 0

  name(name: string): void {
    if (!this.#columns.has(name)) this.#columns.set(name, { name, values: [] })
  }

  add(name: string, value: unknown): void {
    this.name(name)
    if (value !== null && value !== '') this.#columns.get(name)!.values.push(value)
  }

  addRow(object: object): void {
    this.rows += 1
    for (const [name, cell] of Object.entries(object)) this.add(name, cell)
  }

  table(format: Table['format'], delimiter: string): Table {
    const columns = [...this.#columns.values()].filter(({ name }) => name !== '')
    return { format, delimiter, columns, rows: this.rows, malformed: this.malformed }
  }
}

function jsonTable(text: string, path: string): Table {
  const columns = new Columns()
  const document = new OneDocument()
  const lines = new LineSplitter((record, line) => {
    if (record.trim() === '' || columns.rows >= ROWS_MAX) return
    const value = parsed(record)
    const broken = document.look(record, line, value)
    if (broken) throw new EngineError('INPUT_MALFORMED', `${path}:${broken.line}: ${broken.what}`)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      columns.malformed += 1
      return
    }
    columns.addRow(value)
  }, lineEndOf(text))
  lines.feed(text)
  lines.end()
  return columns.table('json', ',')
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}

function csvTable(text: string, path: string, whole: boolean): Table {
  const fail = (line: number, what: string): never => {
    throw new EngineError('INPUT_MALFORMED', `${path}:${line}: ${what}`)
  }
  const delimiter = delimiterOf(text)
  const columns = new Columns()
  let header: string[] | null = null
  const csv = new CsvAssembler(
    {
      broken: fail,
      malformed() {
        columns.malformed += 1
      },
      record(fields, line) {
        if (header === null) {
          header = headerOf(fields, line, fail)
          for (const name of header) columns.name(name)
        } else if (fields.length !== header.length) columns.malformed += 1
        else if (columns.rows < ROWS_MAX) {
          columns.rows += 1
          fields.forEach((field, i) => {
            columns.add(header![i]!, field)
          })
        }
      },
    },
    delimiter,
  )
  const lines = new LineSplitter((line, number, oversized) => csv.line(line, number, oversized), lineEndOf(text))
  lines.feed(text)
  lines.end()
  if (whole) csv.end()
  return columns.table('csv', delimiter)
}

/** The names over the columns. A first line that holds values is none such. */
function headerOf(fields: readonly string[], line: number, fail: (line: number, what: string) => never): string[] {
  const names = fields.map((name) => name.trim())
  const value = names.find((name) => /^[¥￥$€£+-]?\d[\d.,:/ -]*$/.test(name))
  if (value !== undefined)
    fail(line, `"${value}" looks like a value, not like a name: the first line must name the columns`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) fail(line, `the column "${twice}" stands there twice`)
  return names
}

/** The one that cuts the first lines into the most fields, as many in each as in the header. */
function delimiterOf(text: string): string {
  const lines = text.split(/\r\n|\n|\r/, LINES_LOOKED_AT).filter((line) => line.trim() !== '')
  const scores = DELIMITERS.map((delimiter) => {
    const counts = lines.map((line) => countOf(csvFields(line, delimiter)))
    const alike = counts.filter((count) => count === counts[0]).length / lines.length
    return counts[0]! > 1 ? alike + counts[0]! / 1_000 : 0
  })
  const best = Math.max(...scores)
  return best === 0 ? ',' : DELIMITERS[scores.indexOf(best)]!
}

function countOf(fields: ReturnType<typeof csvFields>): number {
  return Array.isArray(fields) ? fields.length : 0
}

const LINES_LOOKED_AT = 50
