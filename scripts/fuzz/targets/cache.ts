import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CacheReader, CacheWriter } from '../../../engine/edge/files/cache/cache-file.ts'
import { entrySize } from '../../../engine/model/block-codec.ts'
import type { Reading, Target } from '../target.ts'
import { readingOf } from './blocks.ts'
import { namedBy } from './engine-errors.ts'
import { batch, repairEntry, streams } from './entries.ts'
import { scratchFolder } from './scratch.ts'

const HEAD_BYTES = 8
const TAIL_BYTES = 24
const folder = scratchFolder()

function written(batches: number): Buffer {
  const path = join(folder, 'seed')
  const writer = new CacheWriter(path, { path: 'a.jsonl', size: 12, mtimeMs: 5, hash: 'ab', reading: 'x' }, streams)
  for (let i = 0; i < batches; i++) writer.add(batch)
  writer.finish({
    ...{ malformed: [[3, 'not JSON']], ahead: [[4, 9e12]] },
    ...{ late: null, unknownFields: [{ stream: 'orders', name: 'x', meant: null, line: 2, values: 1 }] },
  })
  return readFileSync(path)
}

export const cache: Target = {
  seeds: [written(0), written(1), written(2)],
  words: ['null', '{}', '[]', '"x"', 'malformed', 'ahead', 'late', '{', '1e400'],
  repair,
  read(bytes): Reading {
    const path = join(folder, 'cache')
    writeFileSync(path, bytes)
    const reader = new CacheReader(path, streams)
    try {
      let count = 0
      const said: unknown[] = [reader.key, reader.notes]
      const { malformed, ahead, unknownFields } = reader.notes
      for (const [line, what] of [...malformed, ...ahead]) said.push([line, what])
      for (const { name } of unknownFields) said.push(name)
      for (let next = reader.next(); next; next = reader.next()) {
        const { count: rows, digest } = readingOf(next)
        count += rows
        said.push(digest)
      }
      return { count, digest: JSON.stringify(said) }
    } finally {
      reader.close()
    }
  },
  named: namedBy('STATE_CORRUPT'),
}

/** The checksums of key, notes and batches, as far as their sizes are right. */
function repair(bytes: Buffer): void {
  const tail = bytes.length - TAIL_BYTES
  if (tail < HEAD_BYTES) return
  const notes = tail - bytes.readUInt32LE(tail)
  const first = HEAD_BYTES + bytes.readUInt32LE(tail + 8)
  if (notes < first) return
  bytes.writeUInt32LE(crc32(bytes.subarray(notes, tail)), tail + 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD_BYTES, first)), tail + 12)
  for (let at = first; at + 16 <= notes; ) {
    const size = entrySize(bytes.subarray(at, at + 16))
    if (size === null || at + size > notes) return
    repairEntry(bytes.subarray(at, at + size))
    at += (size + 7) & ~7
  }
}
