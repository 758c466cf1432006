/**
 * One source partition on its way through the router.
 *
 *   committed <= acknowledged <= routed <= fetched <= end     (all: the next offset to …)
 */
export interface Lane {
  readonly topic: string
  readonly partition: number
  /** The broker's end offset, as last heard. */
  end: number
  acknowledged: number
  committed: number
  /** Everything below has been handed on. */
  readonly routed: number
  /** Records that wait here. */
  readonly buffered: number
  /** Bytes of the values that are not decoded yet. */
  readonly rawBytes: number
  /** Lets the consumer go on, where it was paused. */
  resume: (() => void) | null
  /** Everything up to `lastOffset` was fetched, and is none of ours but for what was pushed. */
  passed(lastOffset: number): void
}

/** What waits in a lane, in records and in bytes: above, its partition is paused; below half of it, it is read again. */
const BUFFERED_MAX = 8_000
const BUFFERED_BYTES_MAX = 16 << 20

export function isAbove({ buffered, rawBytes }: Lane, share: number): boolean {
  return buffered > share * BUFFERED_MAX || rawBytes > share * BUFFERED_BYTES_MAX
}

/** Lets the consumer go on where less than half of it waits. */
export function resumeIfLow(lane: Lane): void {
  if (!lane.resume || isAbove(lane, 0.5)) return
  lane.resume()
  lane.resume = null
}
