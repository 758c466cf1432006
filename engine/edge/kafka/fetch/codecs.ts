import { gunzipSync } from 'node:zlib'
import { LogCorrupt } from '../../../model/errors.ts'
import { reasonOf } from '../errors.ts'
import { unlz4 } from './lz4.ts'
import { unsnappy } from './snappy.ts'
import { unzstd, zstdReady } from './zstd.ts'

/** By number, as in the attributes of a record batch. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** `decompress` works when it has resolved. */
export const codecsReady = zstdReady

/**
 * What `bytes` holds, of at most `bytesMax` bytes: never more is allocated, but for what a codec works with. Codec 0 gives
 * the bytes themselves. LogCorrupt, without offsets, for anything else than one sound stream of that codec.
 */
export function decompress(codec: number, bytes: Buffer, bytesMax: number): Buffer {
  try {
    switch (codec) {
      case 0:
        return bytes
      case 1:
        return gunzipSync(bytes, { maxOutputLength: bytesMax })
      case 2:
        return unsnappy(bytes, bytesMax)
      case 3:
        return unlz4(bytes, bytesMax)
      case 4:
        return unzstd(bytes, bytesMax)
    }
  } catch (error) {
    throw new LogCorrupt(`${CODECS[codec]}: ${reasonOf(error)}`, '', Number.NaN, Number.NaN, error)
  }
  throw new LogCorrupt(`codec ${codec} is unknown`)
}
