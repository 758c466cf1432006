import type { Mapping } from '../model/mapping.ts'
import { type Stream, typeMatches } from '../model/stream.ts'
import { didYouMean } from '../rules/source/suggest.ts'
import type { Settings } from './settings.ts'
import type { StreamShape } from './shape.ts'

/** How the sources of a stream name and write its fields; null where they do as the stream does. */
export function mappingOf(shape: StreamShape): Mapping | null {
  const { columns, values, numbers, true_words, false_words, null_words } = shape
  const isMapped = columns || values || numbers || [true_words, false_words, null_words].some((w) => w.length > 0)
  if (!isMapped) return null
  return {
    columns: columns ?? {},
    types: values ?? {},
    numbers: numbers ?? null,
    trueWords: true_words,
    falseWords: false_words,
    nullWords: null_words,
  }
}

/** Finds what a mapping says that the stream does not know, or that cannot be told apart. */
export function checkMapping({ name, mapping, fields, type, types }: Stream, settings: Settings): void {
  if (!mapping) return
  const path = (...keys: string[]) => ['streams', name, ...keys]
  const known = fields.map((field) => field.name)
  for (const [column, field] of Object.entries(mapping.columns))
    if (!known.includes(field))
      settings.fault(
        'unknown-field',
        path('columns', column),
        'value',
        `"${field}" is not a field of the schema`,
        didYouMean(field, known),
      )
  if ('fixed' in type && Object.keys(mapping.types).length > 0)
    settings.fault('wrong-value', path('values'), 'key', 'a stream with one fixed type has no "values"')
  else
    for (const [word, to] of Object.entries(mapping.types))
      if (!typeMatches(types, to))
        settings.fault('wrong-value', path('values', word), 'value', `"${to}" is none of the "types" of the stream`)
  checkNumbers(mapping, path('numbers'), settings)
  const words = { true_words: mapping.trueWords, false_words: mapping.falseWords, null_words: mapping.nullWords }
  const owners = new Map<string, string>()
  for (const [key, list] of Object.entries(words))
    list.forEach((word, i) => {
      const other = owners.get(word)
      if (other) settings.fault('duplicate-name', path(key, String(i)), 'value', `"${word}" stands in "${other}" too`)
      owners.set(word, key)
    })
}

function checkNumbers({ numbers }: Mapping, path: string[], settings: Settings): void {
  if (!numbers) return
  const { thousands, decimal, strip } = numbers
  const fault = (key: string, message: string) => settings.fault('wrong-value', [...path, key], 'value', message)
  if (thousands === decimal) fault('thousands', 'is the same as "decimal"')
  for (const [key, text] of Object.entries({ thousands, decimal, strip }))
    if (/[\d+-]/.test(text)) fault(key, 'must hold no digit and no sign')
  const twice = [...strip].find((c) => c === decimal || c === thousands)
  if (twice !== undefined) fault('strip', `holds "${twice}", which stands in numbers`)
}
