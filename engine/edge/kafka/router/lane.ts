/**
 * One source partition on its way through the router.
 *
 *   committed <= acknowledged <= routed <= end     (all: the next offset to …)
 */
export interface Lane {
  readonly topic: string
  /** Of the topic of that name that is read; empty = not known. */
  readonly topicId: string
  readonly partition: number
  /** The broker's end offset, as last heard. */
  end: number
  acknowledged: number
  /** What the router was last told of `routed`. */
  told: number
  committed: number
  /** Everything below has been handed on. */
  readonly routed: number
  /** Nothing is read of it any more. */
  close(): void
}
