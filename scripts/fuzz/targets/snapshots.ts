import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { FolderSnapshots } from '../../../engine/edge/snapshots/folder-snapshots.ts'
import { type SnapshotRefused as Refused, SnapshotRefused } from '../../../engine/model/errors.ts'
import { readHead, readPieces } from '../../../engine/task/snapshot-pieces.ts'
import type { Reading, Target } from '../target.ts'
import { scratchFolder } from './scratch.ts'
import { smallSnapshot } from './state.ts'

const named = (error: unknown): string | null => (error instanceof SnapshotRefused ? error.message : null)
const folder = scratchFolder()
await new FolderSnapshots(folder, 'log').save(12, smallSnapshot())
const MANIFEST = readdirSync(folder).find((name) => name.endsWith('.manifest'))!
const seed = readFileSync(join(folder, MANIFEST))

/** Manifests, and with them the pieces of a state: all that a task looks at before it takes one up. */
export const snapshots: Target = {
  seeds: [seed],
  words: ['null', '{}', '[]', '"x"', '-1', '0', '1', '99999999', '1e300', 'files', 'chunks', '"../seed"'],
  repair(bytes) {
    if (bytes.length < 24) return
    bytes.writeUInt32LE(bytes.length, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(16)), 12)
  },
  async read(bytes): Promise<Reading> {
    writeFileSync(join(folder, MANIFEST), bytes)
    const refusals: Refused[] = []
    const [stored] = await new FolderSnapshots(folder, 'log').candidates(1e9, (refusal) => refusals.push(refusal))
    if (!stored) throw refusals[0]
    const { head, pieces } = stored.read()
    const { kept, held, coreMemory } = readPieces(readHead({ head, pieces: [] }), pieces)
    return {
      count: kept.length + held.chunks.length + held.index.length + coreMemory.pages.length,
      digest: JSON.stringify([stored.position, kept, held.chunks.length, held.firstIndex]),
    }
  },
  named,
}
mkdirSync(folder, { recursive: true })
