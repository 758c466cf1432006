import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packagePath } from '../../kit/package-path.ts'
import { CsvAssembler } from './csv.ts'
import { LineSplitter } from './lines.ts'

/** The records of a CSV that comes in pieces of `size` characters, by the names in its header. */
function recordsOf(text: string, size: number): Record<string, string>[] {
  const records: string[][] = []
  const fail = (line: number, reason: string): never => expect.fail(`${line}: ${reason}`)
  const csv = new CsvAssembler({ record: (fields) => records.push(fields), malformed: fail, broken: fail })
  const lines = new LineSplitter((line, number, oversized) => csv.line(line, number, oversized))
  for (let at = 0; at < text.length; at += size) lines.feed(text.slice(at, at + size))
  lines.end()
  csv.end()
  const [header, ...rows] = records
  return rows.map((row) => Object.fromEntries(header!.map((name, i) => [name, row[i]!])))
}

/** https://github.com/max-mapper/csv-spectrum */
const spectrum = packagePath('node_modules/csv-spectrum')
const cases = readdirSync(join(spectrum, 'csvs')).map((name) => name.replace('.csv', ''))

const textOf = (name: string) => readFileSync(join(spectrum, 'csvs', `${name}.csv`), 'utf8')

test.each(cases.filter((name) => name !== 'location_coordinates'))('csv-spectrum: %s', (name) => {
  const text = textOf(name)
  const wanted = JSON.parse(readFileSync(join(spectrum, 'json', `${name}.json`), 'utf8'))
  for (const size of [1, 7, 1_000]) expect(recordsOf(text, size)).toEqual(wanted)
})

test('csv-spectrum: a quote inside a bare field is refused, as RFC 4180 has it', () => {
  expect(() => recordsOf(textOf('location_coordinates'), 7)).toThrow('2: a quote in a wrong place')
})

test('a field of many lines with quotes in it is read once, not once for each line', () => {
  const lines = 20_000
  const startedMs = performance.now()
  const [row] = recordsOf(`a,b\n1,"x\n${'say ""hello""\n'.repeat(lines)}"\n`, 1 << 16)
  expect(row!.b).toBe(`x\n${'say "hello"\n'.repeat(lines)}`)
  expect(performance.now() - startedMs).toBeLessThan(1_000)
})
