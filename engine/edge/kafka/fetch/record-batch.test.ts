import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LogCorrupt } from '../../../model/errors.ts'
import { AbortedFilter } from './aborted.ts'
import { codecsReady } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { batchEnd, RecordBatch } from './record-batch.ts'

await codecsReady()

/** Written by Kafka's own Java client: scripts/kafka/fixtures. */
const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'testdata', `fixture-${name}.bin`))
const TIME = 1_700_000_000_000
const none = fixture('none')

function batchesOf(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let at = 0, end = batchEnd(bytes, 0); end >= 0; at = end, end = batchEnd(bytes, at))
    batches.push(new RecordBatch(bytes, at, end, 'trades/3'))
  return batches
}

function recordsOf(batch: RecordBatch) {
  const records = []
  for (const cursor = batch.cursor(); cursor.next(); ) {
    const { bytes, offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = cursor
    const text = (start: number, end: number) => (end < 0 ? null : bytes.toString('utf8', start, end))
    const headers = cursor.headers().map(({ key, value }) => [key, value && String(value)])
    records.push({
      offset,
      ms: timestampMs - TIME,
      key: text(keyStart, keyEnd),
      value: text(valueStart, valueEnd),
      headers,
    })
  }
  return records
}

/** A copy of the uncompressed batch with some bytes changed, and the checksum put right. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(none)
  change(bytes)
  bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17)
  return bytes
}

function reasonOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(LogCorrupt)
    return (error as LogCorrupt).message
  }
  return 'nothing was thrown'
}

describe.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('what the Java client wrote with %s', (codec) => {
  const [batch] = batchesOf(fixture(codec))

  test('all records, with null keys, tombstones, headers', () => {
    expect(batchesOf(fixture(codec))).toHaveLength(1)
    expect(batch).toMatchObject({ baseOffset: 0, lastOffset: 4, count: 5, maxTimestampMs: TIME + 8, codec })
    expect(batch).toMatchObject({ isControl: false, isTransactional: false })
    const [first, noKey, tombstone, headed, long] = recordsOf(batch)
    expect(first).toEqual({ offset: 0, ms: 0, key: 'a', value: 'first', headers: [] })
    expect(noKey).toEqual({ offset: 1, ms: 5, key: null, value: 'no key', headers: [] })
    expect(tombstone).toEqual({ offset: 2, ms: -300_000, key: 'gone', value: null, headers: [] })
    const headers = [['trace', '42'], ['nothing', null], ['店', '']] // biome-ignore format: a table
    expect(headed).toEqual({ offset: 3, ms: 7, key: '', value: '', headers })
    expect(long.value).toBe(recordsOf(batchesOf(none)[0])[4].value)
    expect(long.value).toMatch(/^0\n7919,5831,/)
  })

  test('records from an offset on', () => {
    const [again] = batchesOf(fixture(codec))
    expect(again.beginAt(3)).toBe(true)
    expect(recordsOf(again).map(({ offset }) => offset)).toEqual([3, 4])
    expect(again.beginAt(0)).toBe(true)
    expect(recordsOf(again)).toHaveLength(5)
    expect(again.beginAt(5)).toBe(false)
    expect(recordsOf(again)).toEqual([])
  })

  test('more than the bound is refused', () => {
    if (codec === 'none') return
    const [again] = batchesOf(fixture(codec))
    expect(reasonOf(() => again.unpack(1_000))).toContain(`trades/3: offsets 0 to 4: ${codec}: `)
  })

  test('any byte that differs is found by the checksum', () => {
    const bytes = fixture(codec)
    for (let at = 21; at < bytes.length; at += 37) {
      bytes[at] ^= 1
      expect(reasonOf(() => batchesOf(bytes))).toMatch(
        /^trades\/3: offsets \d+ to \d+: the checksum \(CRC-32C\) is wrong$/,
      )
      bytes[at] ^= 1
    }
  })

  test('cut short anywhere: no batch, or a fault', () => {
    const bytes = fixture(codec)
    for (let length = 0; length < bytes.length; length += 11) expect(batchesOf(bytes.subarray(0, length))).toEqual([])
  })
})

test('transactions: an aborted one is left out, whatever the order of the list', () => {
  const batches = batchesOf(fixture('transactions'))
  const aborted = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', 'transactions.json'), 'utf8'))
  expect(batches.map((batch) => batch.marker() ?? recordsOf(batch)[0].value)).toEqual([
    ...['aborted', 'committed', 'alone', 'aborted', 'abort', 'committed', 'committed', 'commit', 'commit'],
  ])
  const later = { producerId: aborted[0].producerId, firstOffset: 1_000 }
  for (const list of [aborted, [later, ...aborted]]) {
    const filter = new AbortedFilter(list)
    const kept = batches.filter((batch) => !filter.drops(batch))
    expect(kept.map((batch) => [recordsOf(batch)[0].offset, recordsOf(batch)[0].value])).toEqual([
      [1, 'committed'],
      [2, 'alone'],
      [5, 'committed'],
      [6, 'committed'],
    ])
    expect(kept.map(({ isTransactional }) => isTransactional)).toEqual([true, false, true, true])
  }
})

describe('batches that are not as they say, behind a right checksum', () => {
  const fault = (change: (bytes: Buffer) => void) => reasonOf(() => batchesOf(changed(change)).map(recordsOf))

  test('old message formats, and new ones', () => {
    expect(fault((bytes) => bytes.writeUInt8(1, 16))).toContain('message format 1, which')
    expect(fault((bytes) => bytes.writeUInt8(3, 16))).toContain('message format 3 is unknown')
  })

  test('counts, offsets, codecs', () => {
    expect(fault((bytes) => bytes.writeInt32BE(6, 57))).toContain('6 records')
    expect(fault((bytes) => bytes.writeInt32BE(-1, 57))).toContain('-1 records')
    expect(fault((bytes) => bytes.writeInt32BE(4, 57))).toContain('more bytes than records')
    expect(fault((bytes) => bytes.writeInt32BE(-2, 23))).toContain('offsets that are none')
    expect(fault((bytes) => bytes.writeInt32BE(0x200000, 0))).toContain('offsets that are none')
    expect(fault((bytes) => bytes.writeInt16BE(5, 21))).toContain('codec 5 is unknown')
    for (const codec of [1, 2, 3, 4])
      expect(fault((bytes) => bytes.writeInt16BE(codec, 21))).toContain('trades/3: offsets 0 to 4: ')
  })

  test('records: lengths beyond their ends, offsets that go back', () => {
    // the first: length 26, attributes, time 0, offset 0, key 'a', value 'first', no headers
    expect(none.subarray(61, 74).toString('hex')).toBe('1800000002610a666972737400')
    expect(fault((bytes) => bytes.writeUInt8(0xff, 61))).toContain('a ')
    expect(fault((bytes) => bytes.writeUInt8(0x7e, 65))).toContain('a key that ends beyond its record')
    expect(fault((bytes) => bytes.writeUInt8(0x03, 65))).toContain('a negative length')
    expect(fault((bytes) => bytes.writeUInt8(0x0c, 67))).toContain('a value that ends beyond its record')
    expect(fault((bytes) => bytes.writeUInt8(0x7e, 73))).toContain('63 headers')
    expect(fault((bytes) => bytes.writeUInt8(0x02, 64))).toContain('a record of offset 1 behind 1')
    expect(fault((bytes) => bytes.writeUInt8(0x01, 61))).toContain('a record that ends beyond its batch')
  })

  test('the time of a log that sets it', () => {
    const [batch] = batchesOf(changed((bytes) => bytes.writeInt16BE(8, 21)))
    expect(recordsOf(batch).map(({ ms }) => ms)).toEqual([8, 8, 8, 8, 8])
  })

  test('its cursor notes the fault on the batch', () => {
    const [batch] = batchesOf(changed((bytes) => bytes.writeUInt8(0x7e, 65)))
    expect(batch.fault).toBeNull()
    expect(() => batch.cursor().next()).toThrow(LogCorrupt)
    expect(batch.fault?.baseOffset).toBe(0)
    expect(batch.fault?.lastOffset).toBe(4)
  })
})
