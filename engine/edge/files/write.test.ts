import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { JsonLinesWriter } from './write.ts'

/** A target that takes one chunk at a time, when it is let. */
class Slow extends Writable {
  readonly chunks: string[] = []
  release: () => void = () => {}
  constructor() {
    super({ highWaterMark: 1 })
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.chunks.push(chunk.toString())
    this.release = done
  }
}

test('waits until the target wants more', async () => {
  const target = new Slow()
  const writer = new JsonLinesWriter(target)
  await writer.write([{ a: 1 }, { b: null }])
  let flushed = false
  const flush = writer.flush().then(() => {
    flushed = true
  })
  await turn()
  expect([flushed, target.chunks]).toEqual([false, ['{"a":1}\n{"b":null}\n']])
  target.release()
  await flush
  expect([flushed, target.listenerCount('drain')]).toEqual([true, 0])
})

test('long output goes in chunks', async () => {
  const chunks: string[] = []
  const target = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk))
      done()
    },
  })
  const writer = new JsonLinesWriter(target)
  await writer.write(Array.from({ length: 5_000 }, (_, i) => ({ i, text: 'x'.repeat(50) })))
  await writer.flush()
  expect(chunks.length).toBeGreaterThan(3)
  expect(chunks.join('').split('\n').length).toBe(5_001)
})

test('a reader that went away ends it quietly', async () => {
  const target = new Slow()
  const writer = new JsonLinesWriter(target)
  await writer.write([{ a: 1 }])
  const flush = writer.flush()
  target.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await flush
  expect(writer.broken).toBe(true)
  await writer.write([{ b: 2 }])
  await writer.flush()
  expect(target.chunks).toEqual(['{"a":1}\n'])
})

test('any other error is told', async () => {
  const target = new Slow()
  const writer = new JsonLinesWriter(target)
  await writer.write([{ a: 1 }])
  const flush = writer.flush()
  target.destroy(new Error('disk full'))
  await expect(flush).rejects.toThrow('disk full')
})
