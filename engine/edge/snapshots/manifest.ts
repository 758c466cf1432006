import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { SnapshotRefused } from '../../model/errors.ts'

const MAGIC = 0x4c57_4d46 // "LWMF"
const VERSION = 1
const FIXED_BYTES = 24
const ENTRY_BYTES = 32
const ENTRIES_A_STEP = 1_024

/** Where a piece's bytes stand, and their CRC-32. */
export interface Place {
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly crc: number
}

/** What makes up a snapshot: its head, and for each piece the newest place. */
export interface Manifest {
  /** Of the log that it was taken of. */
  readonly logId: string
  readonly position: number
  readonly head: Uint8Array
  readonly places: ReadonlyMap<number, Place>
}

/**
 * As bytes, little-endian: magic, version, length, CRC-32 of all behind it, lengths of two sections; a JSON section with
 * log, position and file names; the head; then key, offset, file, length and CRC-32 of each piece. Some thousand pieces
 * a step: of a large state there are many.
 */
export function* encodeManifest({ logId, position, head, places }: Manifest): Generator<void, Uint8Array, undefined> {
  const fileIndex = new Map<string, number>()
  for (const { file } of places.values()) if (!fileIndex.has(file)) fileIndex.set(file, fileIndex.size)
  const files = [...fileIndex.keys()]
  const json = new TextEncoder().encode(JSON.stringify({ logId, position, files }))
  const bytes = new Uint8Array(FIXED_BYTES + json.length + head.length + places.size * ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(json, FIXED_BYTES)
  bytes.set(head, FIXED_BYTES + json.length)
  let at = FIXED_BYTES + json.length + head.length
  let entries = 0
  for (const [key, { file, offset, length, crc }] of places) {
    view.setFloat64(at, key, true)
    view.setFloat64(at + 8, offset, true)
    view.setUint32(at + 16, fileIndex.get(file) as number, true)
    view.setUint32(at + 20, length, true)
    view.setUint32(at + 24, crc, true)
    at += ENTRY_BYTES
    if (++entries % ENTRIES_A_STEP === 0) yield
  }
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setUint32(8, bytes.length, true)
  view.setUint32(16, json.length, true)
  view.setUint32(20, head.length, true)
  view.setUint32(12, crc32(bytes.subarray(16)), true)
  return bytes
}

/** SnapshotRefused on anything that is not a whole manifest of this version. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < FIXED_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new SnapshotRefused('torn', 'it does not begin like one')
  const version = view.getUint32(4, true)
  if (version !== VERSION) throw new SnapshotRefused('version', `version ${version}, this engine reads ${VERSION}`)
  if (view.getUint32(8, true) !== bytes.length)
    throw new SnapshotRefused('torn', `${bytes.length} bytes of ${view.getUint32(8, true)}`)
  if (view.getUint32(12, true) !== crc32(bytes.subarray(16)))
    throw new SnapshotRefused('checksum', 'its checksum is wrong')
  const headAt = FIXED_BYTES + view.getUint32(16, true)
  const entriesAt = headAt + view.getUint32(20, true)
  if (entriesAt > bytes.length || (bytes.length - entriesAt) % ENTRY_BYTES !== 0)
    throw new SnapshotRefused('torn', 'its sections do not fill it')
  const { logId, position, files } = sectionIn(bytes.subarray(FIXED_BYTES, headAt))
  const places = new Map<number, Place>()
  for (let at = entriesAt; at < bytes.length; at += ENTRY_BYTES) {
    const [key, offset] = [view.getFloat64(at, true), view.getFloat64(at + 8, true)]
    const file = files[view.getUint32(at + 16, true)]
    if (!isCount(key) || !isCount(offset) || file === undefined)
      throw new SnapshotRefused('torn', `its entry ${places.size} is none`)
    places.set(key, { file, offset, length: view.getUint32(at + 20, true), crc: view.getUint32(at + 24, true) })
  }
  return { logId, position, head: bytes.slice(headAt, entriesAt), places }
}

const section = z.object({
  logId: z.string(),
  position: z.int(),
  files: z.array(z.string().regex(/^pages-\d+\.data$/)),
})

function sectionIn(bytes: Uint8Array): z.infer<typeof section> {
  try {
    return section.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    throw new SnapshotRefused('torn', 'its JSON does not say log, position and files', error)
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
