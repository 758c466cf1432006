import type { ChunkParts } from '../../state/chunk.ts'
import type { Place } from './segment-files.ts'

/** A part as it goes between threads: its bytes, or a chunk whose columns they share. */
export type SentPart = Uint8Array | ChunkParts

/** What a task asks of the thread. `store`: the segments of one kind of one task. */
export type Request =
  | { readonly kind: 'open'; readonly store: number; readonly folder: string }
  | { readonly kind: 'write'; readonly store: number; readonly number: number; readonly part: SentPart }
  | {
      readonly kind: 'read'
      readonly store: number
      readonly number: number
      readonly place: Place
      /** Null: as bytes. */
      readonly into: ChunkParts | null
    }
  | { readonly kind: 'drop'; readonly store: number; readonly file: number }
  | { readonly kind: 'close'; readonly store: number }

/** Its answer: one to each write, read and close. */
export type Reply =
  | {
      readonly kind: 'written'
      readonly store: number
      /** By number; with it those that failed before. */
      readonly places: readonly (readonly [number: number, place: Place])[]
      /** The others are tried again with the next write. */
      readonly hasFailed: boolean
    }
  | { readonly kind: 'read'; readonly store: number; readonly number: number; readonly part: SentPart | Error }
  | { readonly kind: 'closed'; readonly store: number }
