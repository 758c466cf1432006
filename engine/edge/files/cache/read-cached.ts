import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Batch } from '../../../model/block.ts'
import { EngineError } from '../../../model/errors.ts'
import type { LateSince } from '../ahead-guard.ts'
import { type ReadOptions, readBatches } from '../read.ts'
import type { UnknownField } from '../unknown-fields.ts'
import { CacheReader, CacheWriter } from './cache-file.ts'
import { type CacheKey, cacheKey, cacheName } from './cache-key.ts'

/** Smaller inputs are read sooner than looked up. */
const INPUT_BYTES_MIN = 1 << 20
/** All caches of a folder; beyond it the one goes that was longest not used. */
const FOLDER_BYTES_MAX = 8 * 2 ** 30
/** An input with more to say about it than this is not cached. */
const NOTES_MAX = 1_000

export interface CacheOptions {
  readonly folder: string
  /** Told in a line when a cache was refused, or could not be written. */
  readonly say: (line: string) => void
  readonly inputBytesMin?: number
}

/**
 * What `readBatches` gives, batch by batch the same, and the same calls of the options' functions; but from a cache where
 * there is one of this very file, read with these very options. Else one is made. A cache that turns out to be damaged is
 * left where that shows: the input itself goes on from there, and a new cache is made.
 */
export async function* readCachedBatches(
  path: string,
  options: ReadOptions,
  cache: CacheOptions,
): AsyncGenerator<Batch, void, undefined> {
  const { inputBytesMin = INPUT_BYTES_MIN, folder, say } = cache
  const key = path === '-' ? null : cacheKey(path, options)
  if (key === null || key.size < inputBytesMin || options.firstOffset) {
    yield* readBatches(path, options)
    return
  }
  const file = join(folder, cacheName(key))
  const reader = opened(file, key, path, options, say)
  let given = 0
  if (reader && !(options.strict && reader.notes.malformed.length > 0)) {
    try {
      for (let batch = reader.next(); batch; batch = reader.next()) {
        yield batch
        given += 1
        options.onShare?.(reader.share)
      }
      replay(reader, options)
      return
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      say(`the cache of ${path} is damaged (${error.message}): reading the file itself`)
    } finally {
      reader.close()
    }
  } else reader?.close()
  const writer = begun(file, key, options, say)
  let read = 0
  for await (const batch of writer ? writer.batches(path) : readBatches(path, options)) {
    if (read++ >= given) yield batch
  }
  if (writer) prune(folder, file)
}

/** The cache, if there is one that can be trusted so far. */
function opened(
  file: string,
  key: CacheKey,
  path: string,
  { streams }: ReadOptions,
  say: CacheOptions['say'],
): CacheReader | null {
  if (!existsSync(file)) return null
  try {
    const reader = new CacheReader(file, streams)
    if (isDeepStrictEqual(reader.key, { ...key })) {
      const now = new Date()
      utimesSync(file, now, now)
      return reader
    }
    reader.close()
    say(`the cache of ${path} is of another state of the file, or of other streams: it is made anew`)
  } catch (error) {
    say(`the cache of ${path} is refused (${(error as Error).message}): it is made anew`)
  }
  return null
}

function replay({ notes }: CacheReader, { onMalformed, onAhead, onLate, onUnknownField }: ReadOptions): void {
  for (const [line, reason] of notes.malformed) onMalformed?.(line, reason, '')
  for (const [line, timeMs] of notes.ahead) onAhead?.(line, timeMs)
  if (notes.late) onLate?.(notes.late)
  for (const field of notes.unknownFields) onUnknownField?.(field)
}

function begun(file: string, key: CacheKey, options: ReadOptions, say: CacheOptions['say']): Recording | null {
  try {
    return new Recording(new CacheWriter(file, key, options.streams), key, options, say)
  } catch (error) {
    say(`no cache is kept: ${(error as Error).message}`)
    return null
  }
}

/** Reads the input and writes what it reads; a disk that fails costs the cache alone. */
class Recording {
  #writer: CacheWriter | null
  readonly #key: CacheKey
  readonly #options: ReadOptions
  readonly #say: CacheOptions['say']
  readonly #malformed: [number, string][] = []
  readonly #ahead: [number, number][] = []
  #late: LateSince | null = null
  readonly #unknownFields: UnknownField[] = []

  constructor(writer: CacheWriter, key: CacheKey, options: ReadOptions, say: CacheOptions['say']) {
    this.#writer = writer
    this.#key = key
    this.#options = options
    this.#say = say
  }

  async *batches(path: string): AsyncGenerator<Batch, void, undefined> {
    let whole = false
    try {
      for await (const batch of readBatches(path, this.#noting())) {
        this.#guarded((writer) => writer.add(batch))
        yield batch
      }
      whole = this.#malformed.length + this.#ahead.length <= NOTES_MAX
      whole &&= isDeepStrictEqual(cacheKey(path, this.#options), this.#key) // it did not change meanwhile
    } finally {
      const notes = {
        malformed: this.#malformed,
        ahead: this.#ahead,
        late: this.#late,
        unknownFields: this.#unknownFields,
      }
      this.#guarded((writer) => (whole ? writer.finish(notes) : writer.abandon()))
    }
  }

  #noting(): ReadOptions {
    const { onMalformed, onAhead, onLate, onUnknownField } = this.#options
    return {
      ...this.#options,
      onMalformed: (line, reason, text) => {
        if (this.#malformed.length <= NOTES_MAX) this.#malformed.push([line, reason])
        onMalformed?.(line, reason, text)
      },
      onAhead: (line, timeMs) => {
        if (this.#ahead.length <= NOTES_MAX) this.#ahead.push([line, timeMs])
        onAhead?.(line, timeMs)
      },
      onLate: (late) => {
        this.#late = late
        onLate?.(late)
      },
      onUnknownField: (field) => {
        this.#unknownFields.push(field)
        onUnknownField?.(field)
      },
    }
  }

  #guarded(work: (writer: CacheWriter) => void): void {
    const writer = this.#writer
    if (!writer) return
    try {
      work(writer)
    } catch (error) {
      this.#writer = null
      this.#say(`no cache is kept: ${(error as Error).message}`)
      writer.abandon()
    }
  }
}

function prune(folder: string, kept: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.batches'))
    .map((name) => join(folder, name))
    .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
    .sort((a, b) => (b.stat?.mtimeMs ?? 0) - (a.stat?.mtimeMs ?? 0))
  let bytes = 0
  for (const { path, stat } of files) {
    bytes += stat?.size ?? 0
    if (bytes > FOLDER_BYTES_MAX && path !== kept) rmSync(path, { force: true })
  }
}
