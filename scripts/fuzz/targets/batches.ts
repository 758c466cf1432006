import { readFileSync } from 'node:fs'
import { AbortedFilter } from '../../../engine/edge/kafka/fetch/aborted.ts'
import { codecsReady } from '../../../engine/edge/kafka/fetch/codecs.ts'
import { crc32c } from '../../../engine/edge/kafka/fetch/crc32c.ts'
import { batchEnd, RecordBatch } from '../../../engine/edge/kafka/fetch/record-batch.ts'
import { packagePath } from '../../../engine/kit/package-path.ts'
import { LogCorrupt } from '../../../engine/model/errors.ts'
import type { Reading, Target } from '../target.ts'

await codecsReady()

/** What a batch may unpack to here: little, so that a decoder that goes beyond it is seen. */
const UNPACKED_BYTES_MAX = 1 << 20
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'transactions']
const HEAD_BYTES = 61

/** Record batches of Kafka's, in each compression. */
export const batches: Target = {
  seeds: NAMES.map((name) => readFileSync(packagePath(`engine/edge/kafka/fetch/testdata/fixture-${name}.bin`))),
  repair,
  read,
  named: (error) => (error instanceof LogCorrupt ? error.reason : null),
}

function read(bytes: Buffer): Reading {
  const filter = new AbortedFilter([{ producerId: 6, firstOffset: 0 }])
  let count = 0
  let digest = 0
  for (let at = 0, end = batchEnd(bytes, 0); end >= 0; at = end, end = batchEnd(bytes, at)) {
    const batch = new RecordBatch(bytes, at, end, 'fuzz/0')
    filter.drops(batch)
    const unpacked = batch.unpack(UNPACKED_BYTES_MAX).length
    if (unpacked > Math.max(UNPACKED_BYTES_MAX, batch.sizeBytes)) throw new Error(`unpacked to ${unpacked} bytes`)
    for (const cursor = batch.cursor(); cursor.next(); count++) {
      const { keyStart, keyEnd, valueStart, valueEnd, offset } = cursor
      if (keyEnd !== -1 && !(keyStart <= keyEnd && keyEnd <= unpacked)) throw new Error(`key ${keyStart} to ${keyEnd}`)
      if (valueEnd !== -1 && !(valueStart <= valueEnd && valueEnd <= unpacked)) throw new Error(`value to ${valueEnd}`)
      if (!(offset >= batch.baseOffset && offset <= batch.lastOffset)) throw new Error(`offset ${offset}`)
      digest = (Math.imul(digest, 31) + crc32c(cursor.bytes, Math.max(0, valueStart), Math.max(0, valueEnd))) | 0
      cursor.headers()
    }
  }
  return { count, digest: count + digest / 2 ** 33 }
}

/** Makes the first batch fill the bytes, where there is but one, and its checksum right. */
function repair(bytes: Buffer): void {
  if (bytes.length < HEAD_BYTES) return
  let end = 12 + bytes.readInt32BE(8)
  if (end < HEAD_BYTES || end > bytes.length || end + HEAD_BYTES > bytes.length) {
    end = bytes.length
    bytes.writeInt32BE(end - 12, 8)
  }
  bytes.writeUInt32BE(crc32c(bytes, 21, end), 17)
}
