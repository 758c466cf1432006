/**
 * The fields of one CSV record (RFC 4180), with one character between them. `open`: the last field is quoted and goes on behind the text; `stray`: a quote
 * stands inside a bare field or behind a quoted one.
 */
export function csvFields(text: string, delimiter = ','): string[] | 'open' | 'stray' {
  if (!text.includes('"')) return text.split(delimiter)
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (text[at] !== '"') {
      const comma = text.indexOf(delimiter, at)
      const field = comma < 0 ? text.slice(at) : text.slice(at, comma)
      if (field.includes('"')) return 'stray'
      fields.push(field)
      if (comma < 0) return fields
      at = comma + 1
      continue
    }
    let end = text.indexOf('"', at + 1)
    while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2)
    if (end < 0) return 'open'
    fields.push(text.slice(at + 1, end).replaceAll('""', '"'))
    if (end + 1 === text.length) return fields
    if (text[end + 1] !== delimiter) return 'stray'
    at = end + 2
  }
}
