import type { Message } from 'kafkajs'
import type { Broadcast } from '../../../model/block.ts'
import type { RecordCursor } from '../fetch/record-cursor.ts'
import type { BadRecord } from '../ports.ts'
import type { Lane } from './lane.ts'
import type { Choice } from './merge.ts'
import type { SourceLane, Staged } from './source-lane.ts'

/** A record that is none, as it was read. */
export interface BadSource {
  readonly lane: SourceLane
  readonly message: Pick<Message, 'key' | 'value' | 'headers'> & { readonly offset: number }
  readonly why: BadRecord
}

/** What one look at the sources came to, in the order in which it is to be written. */
export class Merged {
  readonly broadcasts: Broadcast[] = []
  /** Stretches of decoded rows, oldest first, then where they begin and end, in pairs. */
  readonly staged: Staged[] = []
  readonly stretches: number[] = []
  /** Of all stretches. */
  rows = 0
  readonly badRecords: BadSource[] = []
  readonly marks: { readonly lane: Lane; readonly upToMs: number }[] = []
  readonly offsets = new Map<Lane, number>()
  /** Nothing more waits here: what comes next has to be fetched. */
  isIdle = false

  get isEmpty(): boolean {
    const { rows, broadcasts, badRecords, marks, offsets } = this
    return rows + broadcasts.length + badRecords.length + marks.length + offsets.size === 0
  }

  /** Rows of the chosen lane from its head on, at most until there are `rowsMax`. */
  take({ lane, beforeMs }: Choice, rowsMax: number): void {
    const { block } = lane.staged!
    const from = lane.row
    const end = Math.min(block.length, from + rowsMax - this.rows)
    let row = from
    do {
      if (block.timesMs[row] > lane.clockMs) lane.clockMs = block.timesMs[row]
      row += 1
    } while (row < end && block.timesMs[row] < beforeMs)
    this.staged.push(lane.staged!)
    this.stretches.push(from, row)
    this.rows += row - from
    lane.row = row
    if (row === block.length) lane.staged = null
  }

  bad(lane: SourceLane, cursor: RecordCursor, why: BadRecord): void {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, offset } = cursor
    const key = keyEnd < 0 ? null : Buffer.from(bytes.subarray(keyStart, keyEnd))
    const value = valueEnd < 0 ? null : Buffer.from(bytes.subarray(valueStart, valueEnd))
    const headers = headersOf(cursor)
    this.badRecords.push({ lane, message: { key, value, headers, offset }, why })
  }

  /** Where the lane is, if it has moved since it was last said. */
  reached(lane: Lane): void {
    const { routed } = lane
    if (routed <= lane.told) return
    lane.told = routed
    this.offsets.set(lane, routed)
  }
}

/** A header may be there several times; one without a value is empty in a dead letter. */
function headersOf(cursor: RecordCursor): Record<string, Buffer | Buffer[]> {
  const headers = new Map<string, Buffer | Buffer[]>()
  for (const { key, value } of cursor.headers()) {
    const own = value ?? Buffer.alloc(0)
    const before = headers.get(key)
    headers.set(key, before === undefined ? own : [before, own].flat())
  }
  return Object.fromEntries(headers)
}
