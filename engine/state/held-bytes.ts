import type { Packing } from './packing.ts'

/** A part of the held events; its number means the same part ever after. */
export interface HeldPart {
  readonly number: number
  /** It never changes again. Where one is final, those before it are. */
  readonly isFinal: boolean
  packing(): Packing
}

/** Held events as bytes of one moment, that may be asked for later. Numbered parts stand oldest first, without gaps. */
export interface HeldBytes {
  readonly chunks: readonly HeldPart[]
  /** Stretches of their order in time. */
  readonly index: readonly HeldPart[]
  readonly hot: readonly { bytes(): Uint8Array }[]
  /** None of it will be asked for any more: until then what is in files stays there. */
  release(): void
}

/** The same, read again. */
export interface LoadedHeld {
  readonly chunks: readonly Uint8Array[]
  readonly index: readonly Uint8Array[]
  readonly firstIndex: number
  readonly hot: readonly Uint8Array[]
}
