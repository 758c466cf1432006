import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig, loadConfig } from '../config.ts'
import { readBatches } from '../edge/files/read.ts'
import { JsonDecoder } from '../edge/registry/formats/json-decoder.ts'
import { RecordDecoder } from '../edge/registry/record-decoder.ts'
import { EventEncoder } from '../edge/registry/record-encoder.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import type { Stream } from '../model/stream.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-text-limit-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [shipped] = defaultConfig().streams as readonly [Stream]
const wider: Stream = { ...shipped, textBytesMax: 2_000 }
const T0 = 1_767_225_600_000
const EVENT = { event_id: 'e', order_id: 'O', type: 'order.created', event_time: T0 }
const tooLong = (field: string, bytes: number, bytesMax = 1_024) =>
  `"${field}" has ${bytes} bytes, at most ${bytesMax}: max_text_bytes of stream transactions`

/** By stream, field and text, what is wrong. */
const CASES: readonly [Stream, string, string, string | null][] = [
  [shipped, 'order_id', 'x'.repeat(1_024), null],
  [shipped, 'order_id', 'x'.repeat(1_025), tooLong('order_id', 1_025)],
  [shipped, 'shop_id', 'ü'.repeat(513), tooLong('shop_id', 1_026)],
  [shipped, 'type', `order.${'x'.repeat(1_020)}`, tooLong('type', 1_026)],
  [wider, 'order_id', 'x'.repeat(2_000), null],
  [wider, 'order_id', 'x'.repeat(2_001), tooLong('order_id', 2_001, 2_000)],
]

test.each(CASES)('a text that is too long is malformed on every way in (%#)', async (stream, field, text, problem) => {
  const row = { ...EVENT, [field]: text }
  const bytesOf: [(stream: Stream) => RecordDecoder | JsonDecoder, Buffer][] = [
    [(s) => new RecordDecoder(s, null), new EventEncoder(stream).encodeEvent(row)],
    [(s) => new JsonDecoder(s), Buffer.from(JSON.stringify(row))],
  ]
  for (const [decoderOf, bytes] of bytesOf) {
    const builder = new BlockBuilder(stream, 't', 0)
    const letter = decoderOf(stream).decode(bytes, 0, bytes.length, builder, 0, null)
    expect(letter).toEqual(problem === null ? null : { reason: 'MALFORMED', detail: problem })
    // the next one is not measured by it
    const next = Buffer.from(JSON.stringify(EVENT))
    expect(new JsonDecoder(stream).decode(next, 0, next.length, builder, 1, null)).toBeNull()
    expect(builder.length).toBe(problem === null ? 2 : 1)
  }
  const files = [
    ['a.jsonl', `${JSON.stringify(row)}\n`],
    ['a.csv', `${Object.keys(row).join(',')}\n${Object.values(row).join(',')}\n`],
  ] as const
  for (const [name, contents] of files) {
    writeFileSync(join(folder, name), contents)
    const problems: string[] = []
    const options = { streams: [stream], onMalformed: (_: number, reason: string) => void problems.push(reason) }
    for await (const _ of readBatches(join(folder, name), options));
    expect(problems).toEqual(problem === null ? [] : [problem])
  }
})

test('a stream says how long its texts may be', () => {
  const path = join(folder, 'lapwing.yaml')
  writeFileSync(path, 'streams: { transactions: { max_text_bytes: 4096 } }\n')
  const { streams } = loadConfig({ path, env: {} })
  expect(streams.map(({ name, textBytesMax }) => [name, textBytesMax])).toEqual([
    ['transactions', 4_096],
    ['behavior', undefined],
  ])
})
