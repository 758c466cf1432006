import { createReadStream, type ReadStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ENCODINGS, type Encoding, markedEncoding, type TextReader, textReader } from '../../kit/encodings.ts'
import { systemText } from '../../kit/system-error.ts'
import { EngineError } from '../../model/errors.ts'

export interface TextOptions {
  /** Told of the share of the input's bytes that was read, where its size is known. */
  readonly onShare?: ((share: number) => void) | undefined
  /** Told where a byte order mark says the encoding. */
  readonly onMark?: () => void
  /** Told at the end, where most of what is more than ASCII is no text: it is in another encoding. */
  readonly onWrongEncoding?: (message: string) => void
}

/**
 * The text of a file, or of standard input for `-`, chunk by chunk, without a byte order mark. gzip is known by its
 * first two bytes, whatever the name. A byte order mark decides on the encoding, else `encoding` does; a line with bytes
 * that are no text in it is not well-formed. EngineError INPUT_MISSING when it cannot be read, INPUT_MALFORMED for broken
 * gzip.
 */
export async function* readText(
  path: string,
  encoding: Encoding,
  { onShare, onMark, onWrongEncoding }: TextOptions = {},
): AsyncGenerator<string, void, undefined> {
  const source = sourceOf(path)
  const size = path === '-' ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  let reader: TextReader | null = null
  let used = encoding
  let first = true
  for await (const bytes of unzipped(source, path)) {
    if (size > 0) onShare?.((source as ReadStream).bytesRead / size)
    if (reader === null) {
      const mark = markedEncoding(bytes)
      if (mark !== null) onMark?.()
      used = mark ?? encoding
      reader = textReader(used)
    }
    let text = reader.write(bytes)
    if (text === '') continue
    if (first && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    first = false
    yield text
  }
  const rest = reader?.end()
  if (rest) yield rest
  if (!reader || reader.faulty <= reader.beyondAscii) return
  const lines = reader.faulty === 1 ? 'a line is' : `${reader.faulty} lines are`
  onWrongEncoding?.(`${lines} not ${used}: ${ENCODING_WANTED}`)
}

const ENCODING_WANTED = `if it is in another encoding, say so by --encoding, or encoding: of the stream (${ENCODINGS.join(', ')})`

/** The bytes of a file, unzipped; errors as those of `readText`. */
export function readBytes(path: string): AsyncGenerator<Buffer, void, undefined> {
  return unzipped(sourceOf(path), path)
}

function sourceOf(path: string): Readable {
  return path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 })
}

async function* unzipped(source: Readable, path: string): AsyncGenerator<Buffer, void, undefined> {
  const chunks = guarded(source as AsyncIterable<Buffer>, 'INPUT_MISSING', path)
  const head: Buffer[] = []
  let size = 0
  while (size < 2) {
    const next = await chunks.next()
    if (next.done) break
    head.push(next.value)
    size += next.value.length
  }
  const start = Buffer.concat(head)
  const all = rejoined(start, chunks)
  if (start.length < 2 || start[0] !== 0x1f || start[1] !== 0x8b) yield* all
  else yield* guarded(gunzipped(all), 'INPUT_MALFORMED', path)
}

async function* rejoined(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (start.length > 0) yield start
  yield* rest
}

async function* gunzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 })
  const input = Readable.from(source, { objectMode: false })
  input.on('error', (error) => gunzip.destroy(error))
  try {
    yield* input.pipe(gunzip) as AsyncIterable<Buffer>
  } finally {
    input.destroy() // or the file stays open when the reader stops early
  }
}

async function* guarded<T>(source: AsyncIterable<T>, code: 'INPUT_MISSING' | 'INPUT_MALFORMED', path: string) {
  try {
    yield* source
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw new EngineError(code, `${path === '-' ? 'standard input' : path}: ${systemText(error)}`, error)
  }
}
