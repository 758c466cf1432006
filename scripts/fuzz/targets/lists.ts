import { wholeText } from '../../../engine/kit/encodings.ts'
import { readListFile } from '../../../engine/rules/compile/list-file.ts'
import type { Target } from '../target.ts'
import { never } from './engine-errors.ts'

/** Files that lists read their items from, as lines and as a column of a CSV. */
export const lists: Target = {
  seeds: ['S1\nS2\n\nS3', 'shop,name\r\nS1,"a ""b"""\r\nS2,店\r\n', '1\n2.5\n1e3\n', 'shop\n"S,1"\n'].map((text) =>
    Buffer.from(text),
  ),
  words: ['"', '""', ',', '\n', '\r\n', '\r', '\ufeff', 'shop', '9007199254740993', '1e400', '-0', '  '],
  read(bytes) {
    const text = wholeText(bytes, 'utf-8')
    if (text === null) return { count: 0, digest: 'no text' }
    const read = (['string', 'number'] as const).flatMap((of) => [
      readListFile(text, null, of),
      readListFile(text, 'shop', of),
    ])
    return { count: read.filter(Array.isArray).length, digest: JSON.stringify(read) }
  },
  named: never,
}
