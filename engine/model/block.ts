import type { Cell, MeasureValue } from './output.ts'

/**
 * Events as columns.
 *
 * Shape  a column has one entry a row; strings are UTF-8 bytes, row i at bytes[offsets[i] .. offsets[i + 1])
 * Null   strings: nulls[i] = 1; numbers and booleans: NaN; decimals: high = DECIMAL_NULL_HIGH and low = 0
 */
export interface StringColumn {
  readonly kind: 'string'
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
  readonly nulls: Uint8Array
}

/** Numbers as doubles, booleans as 0 and 1. */
export interface NumberColumn {
  readonly kind: 'number' | 'boolean'
  readonly values: Float64Array
}

/** Fixed point: value = (high * 2^32 + low) / 10^scale, a signed 64-bit integer in two halves. */
export interface DecimalColumn {
  readonly kind: 'decimal'
  readonly scale: number
  readonly high: Int32Array
  readonly low: Uint32Array
}

export type Column = StringColumn | NumberColumn | DecimalColumn

/** High half of the decimal that means null; no decimal(18) reaches it. */
export const DECIMAL_NULL_HIGH = -0x8000_0000

/**
 * Events of one stream, in the order in which they are to be read. `columns` are in the order of the stream's fields.
 * All come from one source partition, or, with `rowPartitions`, from several of the same topic. The offsets of one source
 * partition rise strictly.
 */
export interface Block {
  readonly kind: 'block'
  readonly stream: string
  /** The topic, on Kafka with its id: `sourceName`. */
  readonly sourceTopic: string
  /** Of all rows; not used where there are `rowPartitions`. */
  readonly sourcePartition: number
  /** Source partition of each row. Absent: `sourcePartition`. */
  readonly rowPartitions?: Uint32Array
  readonly length: number
  /** Source offsets, one a row. */
  readonly offsets: Float64Array
  /** Event times in whole epoch milliseconds, UTC. */
  readonly timesMs: Float64Array
  readonly types: StringColumn
  readonly columns: readonly Column[]
}

/**
 * Events of several streams, in the order in which they are to be read: the unit of data in files, logs and caches. It is
 * cut by size and by how long a row has waited, never by event time. A lone block is a batch of one stream.
 *
 * Runs  pairs of numbers: so many rows (the second) come next from the block with that index (the first)
 */
export interface Batch {
  readonly kind: 'batch'
  readonly blocks: readonly Block[]
  readonly runs: Uint32Array
  /** Rows of all blocks. */
  readonly length: number
}

/** "Nothing older than `upToMs` will come from this source partition": moves stream time when no events do. */
export interface Mark {
  readonly kind: 'mark'
  readonly sourceTopic: string
  readonly sourcePartition: number
  readonly upToMs: number
  /** Every source partition of this exchange, `topic/partition`, controls included. */
  readonly sources: readonly string[]
}

/** Where one task reads everything: stream time is `upToMs` at least. */
export function markAll(upToMs: number): Mark {
  return { kind: 'mark', sourceTopic: 'local', sourcePartition: 0, upToMs, sources: ['local/0'] }
}

/** The whole rule set as its authors wrote it. The task compiles it where it stands in the log. */
export interface RulesControl {
  readonly kind: 'rules'
  readonly files: readonly RuleSource[]
}

export interface RuleSource {
  readonly path: string
  readonly text: string
  /** A file that a list reads its items from; else YAML. */
  readonly data?: true
  /**
   * Where several tasks share a rule set: its documents run in this one, or are only read here and run in another. Absent =
   * one task has them all.
   */
  readonly runs?: 'here' | 'elsewhere'
}

/** A change of a named list: items are taken off, then put on. For what is read behind it. */
export interface ListControl {
  readonly kind: 'list'
  readonly list: string
  readonly add: readonly (string | number)[]
  readonly remove: readonly (string | number)[]
  /** How long those that are put on stay, stream time; null = until they are taken off. */
  readonly ttlMs: number | null
  /** Wall clock at which it was asked for: what `ttlMs` counts from where there is no stream time yet. */
  readonly atMs: number
}

/** A change of one item of a list, at an offset of its control topic. */
export interface ListRecord {
  readonly offset: number
  readonly list: string
  readonly item: string | number
  /** False: it is taken off. */
  readonly on: boolean
  /** As in ListControl; null too where `untilMs` says more. */
  readonly ttlMs: number | null
  /** Stream time from which it is off again; null = `ttlMs` says. */
  readonly untilMs: number | null
  readonly atMs: number
}

/** What a feature says of a key, at an offset of its control topic. */
export interface FeatureRecord {
  readonly offset: number
  readonly feature: string
  readonly version: number
  readonly key: Cell
  /** In the order of the feature's measures; null = the key is not known any more. */
  readonly values: readonly MeasureValue[] | null
}

/**
 * Records of one control topic, in the order of their offsets, as they are handed to every task that reads it. They may
 * come again: a task passes over offsets that it has seen.
 */
export interface Broadcast {
  readonly kind: 'broadcast'
  readonly topic: string
  readonly records: readonly (ListRecord | FeatureRecord)[]
}

/** Everything a task can read: what is not in its log does not exist for it. */
export type LogEntry = Batch | Block | Mark | RulesControl | ListControl | Broadcast

export interface LogRecord {
  /** Place in the task's own log; rises, with gaps. */
  readonly position: number
  readonly entry: LogEntry
}
