/** One whole ArrayBuffer, as bytes and as words of any alignment: four bytes are copied and checked in one step. */
export interface Source {
  readonly bytes: Uint8Array
  readonly words: DataView
}

let lastView: Uint8Array | null = null
let last: Source = { bytes: new Uint8Array(0), words: new DataView(new ArrayBuffer(0)) }

/**
 * What `view` is a view of: its own bytes begin at `view.byteOffset` there. Records come one after the other from the same
 * buffer: that of the last call is kept, and nothing is made.
 */
export function sourceOf(view: Uint8Array): Source {
  if (view === lastView) return last
  lastView = view
  const { buffer } = view
  if (buffer !== last.words.buffer) last = { bytes: new Uint8Array(buffer), words: new DataView(buffer) }
  return last
}
