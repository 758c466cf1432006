/** What a cursor needs of its batch. */
export interface CursorSource {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly count: number
  /** The error to throw when the records cannot be read. */
  corrupt(reason: string): Error
}

/** `appendedMs` is the time of all records, where the log sets it; NaN = each has its own, counted from `baseMs`. */
export interface RecordTimes {
  readonly baseMs: number
  readonly appendedMs: number
}

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/**
 * Reads the records of one batch, oldest first, without an object a record: `next` moves on and sets the fields, which are
 * places in `bytes`. Nothing beyond the batch's own bytes is read. LogCorrupt where they do not hold what they say.
 */
export class RecordCursor {
  readonly bytes: Buffer
  offset = -1
  /** Milliseconds since the epoch; -1 = the producer gave none. */
  timestampMs = -1
  keyStart = 0
  /** -1 = null. */
  keyEnd = -1
  valueStart = 0
  /** -1 = null. */
  valueEnd = -1

  readonly #batch: CursorSource
  readonly #baseMs: number
  readonly #appendedMs: number
  /** Where the next thing to read is, where this record began, and where it ends. */
  #at = 0
  #begin = 0
  #end = 0
  #headersAt = 0
  #left: number

  /** `bytes` holds the batch's records, decompressed, and nothing else. */
  constructor(batch: CursorSource, bytes: Buffer, { baseMs, appendedMs }: RecordTimes) {
    this.#batch = batch
    this.bytes = bytes
    this.#baseMs = baseMs
    this.#appendedMs = appendedMs
    this.#left = batch.count
  }

  /** False at the end, where the fields are those of the last record. */
  next(): boolean {
    const { bytes } = this
    if (this.#left === 0) {
      if (this.#end !== bytes.length) throw this.#batch.corrupt('more bytes than records')
      return false
    }
    this.#begin = this.#at = this.#end
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > bytes.length) throw this.#batch.corrupt('a record that ends beyond its batch')
    this.#at += 1 // attributes, of which none is in use
    const sinceMs = this.#varlong()
    const offset = this.#batch.baseOffset + this.#varint()
    const keyBytes = this.#varint()
    this.keyStart = this.#at
    this.keyEnd = keyBytes < 0 ? -1 : this.#at + keyBytes
    if (keyBytes > 0) this.#at += keyBytes
    if (this.#at > end) throw this.#batch.corrupt('a key that ends beyond its record')
    const valueBytes = this.#varint()
    this.valueStart = this.#at
    this.valueEnd = valueBytes < 0 ? -1 : this.#at + valueBytes
    if (valueBytes > 0) this.#at += valueBytes
    if (this.#at >= end) throw this.#batch.corrupt('a value that ends beyond its record') // the count of headers follows
    if (offset <= this.offset || offset < this.#batch.baseOffset || offset > this.#batch.lastOffset)
      throw this.#batch.corrupt(`a record of offset ${offset} behind ${this.offset}`)
    this.timestampMs = Number.isNaN(this.#appendedMs) ? this.#baseMs + sinceMs : this.#appendedMs
    this.offset = offset
    if (keyBytes < -1 || valueBytes < -1) throw this.#batch.corrupt('a negative length')
    this.#headersAt = this.#at
    this.#end = end
    this.#left--
    return true
  }

  /** Moves so that `next` gives the first record at `offset` or later. False if there is none. Only from the beginning. */
  skipTo(offset: number): boolean {
    let before = -1
    while (this.next()) {
      if (this.offset >= offset) {
        this.offset = before
        this.#end = this.#begin
        this.#left++
        return true
      }
      before = this.offset
    }
    return false
  }

  /** Of the record that `next` gave, read only now. */
  headers(): RecordHeader[] {
    this.#at = this.#headersAt
    const count = this.#varint()
    if (count < 0 || count > (this.#end - this.#at) / 2) throw this.#batch.corrupt(`${count} headers`)
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const key = this.#piece()
      if (key === null) throw this.#batch.corrupt('a header without a key')
      headers.push({ key: key.toString(), value: this.#piece() })
    }
    return headers
  }

  #piece(): Buffer | null {
    const length = this.#varint()
    if (this.#at + length > this.#end) throw this.#batch.corrupt('a header that ends beyond its record')
    if (length < 0) return null
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }

  /** 32 bits, zigzag. Beyond the end it reads zeros: whoever asked sees that `#at` went too far. */
  #varint(): number {
    const { bytes } = this
    let at = this.#at
    let byte = bytes[at++]
    let value = byte & 127
    if (byte > 127) {
      byte = bytes[at++]
      value |= (byte & 127) << 7
      for (let shift = 14; byte > 127; shift += 7) {
        if (shift > 28) throw this.#batch.corrupt('a number of more than 32 bits')
        byte = bytes[at++]
        value |= (byte & 127) << shift
      }
    }
    this.#at = at
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag, of at most 53 bits. */
  #varlong(): number {
    const { bytes } = this
    const start = this.#at
    let at = start
    let byte = bytes[at++]
    let low = byte & 127
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[at++]
      low |= (byte & 127) << shift
    }
    if (byte <= 127 || byte === undefined) {
      this.#at = at
      return (low >>> 1) ^ -(low & 1)
    }
    let high = 0
    for (let scale = 1; byte > 127; scale *= 128) {
      if (at - start > 8) throw this.#batch.corrupt('a time of more than 53 bits')
      byte = bytes[at++]
      high += (byte & 127) * scale
    }
    this.#at = at
    const value = high * 2 ** 28 + low
    if (!(value < 2 ** 53)) throw this.#batch.corrupt('a time of more than 53 bits')
    return low & 1 ? -(value + 1) / 2 : value / 2
  }
}
