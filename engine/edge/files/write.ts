import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { printableLines } from '../../kit/printable.ts'

/** Lines are gathered up to this size: one write a line costs more than the line. */
const CHUNK_CHARS = 1 << 16

/**
 * Writes records as JSON lines. A reader that has gone away (EPIPE: `lapwing … | head`) is no error: from then on
 * `broken` is true and everything is dropped, so that the caller may stop. Other errors reject the next call.
 */
export class JsonLinesWriter {
  readonly #target: Writable
  #text = ''
  #error: Error | null = null
  broken = false

  constructor(target: Writable) {
    this.#target = target
    target.on('error', (error: NodeJS.ErrnoException) => {
      this.broken = true
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.#error = error
    })
  }

  /** Resolves when the target wants more: await it before making further records. */
  async write(records: Iterable<object>): Promise<void> {
    for (const record of records) {
      this.#text += `${JSON.stringify(record)}\n`
      if (this.#text.length >= CHUNK_CHARS) await this.flush()
    }
  }

  /** Hands over what is gathered. */
  async flush(): Promise<void> {
    if (this.#error) throw this.#error
    const text = this.#text
    this.#text = ''
    if (this.broken || text === '') return
    if (!this.#target.write(printableLines(text)) && !this.broken) await this.#drained()
    if (this.#error) throw this.#error
  }

  async #drained(): Promise<void> {
    const stop = new AbortController()
    const events = ['drain', 'close'].map((name) => once(this.#target, name, { signal: stop.signal }))
    try {
      await Promise.race(events)
    } catch {
      // The listener in the constructor has noted the error.
    } finally {
      stop.abort()
      await Promise.allSettled(events)
    }
  }
}
