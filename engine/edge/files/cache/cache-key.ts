import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { type Stream, TEXT_BYTES_MAX } from '../../../model/stream.ts'
import type { ReadOptions } from '../read.ts'

/** Of each end of the file. */
const HASHED_BYTES = 1 << 16
/** Raised when the same file comes to other rows than before. */
const VALUES = 2

/** What a cache depends on: another key, another cache. */
export interface CacheKey {
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
  /** Of the first and the last 64 KB. */
  readonly hash: string
  readonly reading: string
}

/** Null for what is no regular file, or is not there. */
export function cacheKey(path: string, options: ReadOptions): CacheKey | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null // whoever reads it says why
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) return null
    const hash = createHash('sha256')
    for (const from of [0, Math.max(0, stat.size - HASHED_BYTES)]) {
      const bytes = Buffer.alloc(Math.min(HASHED_BYTES, stat.size))
      hash.update(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)))
    }
    const { size, mtimeMs } = stat
    return { path: realpathSync(path), size, mtimeMs, hash: hash.digest('hex'), reading: readingOf(path, options) }
  } finally {
    closeSync(file)
  }
}

/** A name in the cache's folder: one for each input file, so that a newer cache takes the place of an older one. */
export function cacheName({ path }: CacheKey): string {
  return `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.batches`
}

/** All that decides what rows a file comes to. */
function readingOf(
  path: string,
  { streams, stream, encoding, sourceTopic, batchRows, aheadMaxMs }: ReadOptions,
): string {
  const ending = /\.(jsonl|ndjson|json|csv)(\.gz)?$/i.exec(path)?.[1] ?? ''
  const shapes = streams.map((stream: Stream) => {
    const { name, topic, timeField, timeFormat, zone, idField, type, types, latenessMs, mapping, delimiter } = stream
    const shape = stream.fields.map((f) => [f.name, f.kind, f.scale])
    const written = [
      timeField,
      timeFormat,
      zone,
      stream.encoding,
      mapping,
      delimiter,
      stream.textBytesMax ?? TEXT_BYTES_MAX,
    ]
    return [name, topic, shape, written, idField, type, types, latenessMs]
  })
  const text = JSON.stringify([VALUES, ending, shapes, stream, encoding, sourceTopic, batchRows, aheadMaxMs])
  return createHash('sha256').update(text).digest('hex')
}
