import { type MessagePort, workerData } from 'node:worker_threads'
import { Chunk } from '../../state/chunk.ts'
import { packSome } from '../../state/packing.ts'
import type { Reply, Request, SentPart } from './messages.ts'
import { type Place, SEGMENTS_PER_FILE, SegmentFiles } from './segment-files.ts'

interface Store {
  readonly files: SegmentFiles
  /** Packed, and not in a file yet: it could not be written. Oldest first. */
  readonly unwritten: Map<number, Uint8Array>
}

/** Entry of the thread that packs and writes what tasks hold, and reads it again. */
const { port, replies } = workerData as { port: MessagePort; replies: Int32Array }
const stores = new Map<number, Store>()

function answer(reply: Reply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(reply, transfer)
  Atomics.add(replies, 0, 1)
  Atomics.notify(replies, 0)
}

function write(id: number, { files, unwritten }: Store, number: number, part: SentPart): void {
  unwritten.set(number, packed(part))
  const places: [number: number, place: Place][] = []
  try {
    for (const [next, bytes] of unwritten) {
      places.push([next, files.write(next, bytes)])
      unwritten.delete(next)
    }
  } catch {
    // a full disk: they stay in memory, and the next write tries them again
  }
  answer({ kind: 'written', store: id, places, hasFailed: unwritten.size > 0 })
}

function packed(part: SentPart): Uint8Array {
  if (part instanceof Uint8Array) return part
  return packSome(Chunk.of(part).packing(), Number.POSITIVE_INFINITY) as Uint8Array
}

function read(id: number, { files }: Store, { number, place, into }: Extract<Request, { kind: 'read' }>): void {
  let part: SentPart | Error
  const transfer: ArrayBuffer[] = []
  try {
    const bytes = files.read(number, place)
    part = into ? Chunk.unpack(into.shape, bytes, Chunk.of(into)).parts : bytes
    if (!into) transfer.push(bytes.buffer as ArrayBuffer)
  } catch (error) {
    part = error as Error
  }
  answer({ kind: 'read', store: id, number, part }, transfer)
}

function drop({ files, unwritten }: Store, file: number): void {
  try {
    files.remove(file)
  } catch {
    // a disk that takes no more changes: what is in the folder goes with it
  }
  for (const number of unwritten.keys()) if (number < (file + 1) * SEGMENTS_PER_FILE) unwritten.delete(number)
}

function close(id: number, { files }: Store): void {
  stores.delete(id)
  files.close()
  answer({ kind: 'closed', store: id })
}

port.on('message', (request: Request) => {
  const { store: id } = request
  if (request.kind === 'open') {
    stores.set(id, { files: new SegmentFiles(request.folder), unwritten: new Map() })
    return
  }
  const store = stores.get(id) as Store
  if (request.kind === 'write') write(id, store, request.number, request.part)
  else if (request.kind === 'read') read(id, store, request)
  else if (request.kind === 'drop') drop(store, request.file)
  else close(id, store)
})
