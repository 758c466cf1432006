import { numberFromText } from '../../kit/number-text.ts'
import { type Field, type Stream, streamOfType } from '../../model/stream.ts'
import { TEST_EVENTS_MAX } from '../shape/limits.ts'
import { ADVANCE_KEYS, EVENT_KEYS } from '../shape/tests.ts'
import type { Reader } from '../source/read.ts'
import { didYouMean } from '../source/suggest.ts'
import { type Entry, entryOf, type MapNode, type Node } from '../source/tree.ts'
import { DAY_MS, durationOf, offsetOf } from '../source/values.ts'
import type { FieldValue, TestStep } from '../tests.ts'
import { typeHint } from './definition.ts'
import { likelyType } from './likely-type.ts'
import { testTemplate } from './test-template.ts'

const ROW_KEYS = Object.keys(EVENT_KEYS)

interface Around {
  readonly streams: readonly Stream[]
  /** Those that the definition reads, where rows of types beside them are doubted; else none. */
  readonly types: readonly string[]
}

type Writer = (n: number) => FieldValue

/** The events of a test, not yet written out. */
export interface TestEvents {
  readonly count: number
  /** Single events in order of arrival. */
  readonly writeOut: () => TestStep[]
}

interface Arriving {
  readonly step: TestStep
  readonly arrivesMs: number
}

/** Null after a fault. */
export function checkEvents(read: Reader, node: Node, startMs: number, around: Around): TestEvents | null {
  const before = read.report.errorCount
  const list = read.seq(node, 'events')
  if (!list) return null
  const rows: (() => Arriving[])[] = []
  let count = 0
  let clockMs = startMs
  for (const item of list.items) {
    const row = read.map(item, 'a row of events')
    if (!row) continue
    const advance = entryOf(row, 'advance')
    if (advance) {
      read.keys(row, Object.keys(ADVANCE_KEYS), 'of a row with "advance"')
      clockMs += durationOf(read, advance.value, 'advance', 1, 400 * DAY_MS) ?? 0
      const arriving = { step: { advanceToMs: clockMs }, arrivesMs: clockMs }
      rows.push(() => [arriving])
      continue
    }
    const events = checkRow(read, row, startMs, around, TEST_EVENTS_MAX - count)
    if (!events) continue
    count += events.count
    const last = events.at(events.count - 1)
    clockMs = Math.max(clockMs, last.atMs, last.arrivesMs)
    rows.push(() =>
      Array.from({ length: events.count }, (_, n) => {
        const step = events.at(n)
        return { step, arrivesMs: step.arrivesMs }
      }),
    )
  }
  if (read.report.errorCount > before) return null
  const writeOut = () =>
    rows
      .flatMap((row) => row())
      .sort((a, b) => a.arrivesMs - b.arrivesMs)
      .map(({ step }) => step)
  return { count, writeOut }
}

type EventStep = Exclude<TestStep, { advanceToMs: number }>

interface Repeated {
  readonly count: number
  readonly at: (n: number) => EventStep
}

function checkRow(
  read: Reader,
  row: MapNode,
  startMs: number,
  { streams, types }: Around,
  room: number,
): Repeated | null {
  const before = read.report.errorCount
  const at = row.entries[0]?.keySpan ?? { start: row.span.start, end: row.span.start + 1 }
  const atNode = read.required(row, 'at', at, 'a row of events')
  const atOffset = atNode && offsetOf(read, atNode, 'at')
  const arrivesNode = entryOf(row, 'arrives')
  const arrives = arrivesNode ? offsetOf(read, arrivesNode.value, 'arrives') : atOffset
  if (arrivesNode && arrives !== null && atOffset !== null && arrives < atOffset) {
    read.fault('out-of-range', arrivesNode.value, 'an event cannot arrive before it happens')
  }
  const repeatNode = entryOf(row, 'repeat')
  const repeat = repeatNode ? (read.integer(repeatNode.value, 'repeat', 1, TEST_EVENTS_MAX) ?? 1) : 1
  const everyNode = entryOf(row, 'every')
  const every = everyNode ? (durationOf(read, everyNode.value, 'every', 0, 31 * DAY_MS) ?? 0) : 0
  if (repeatNode && !everyNode)
    read.fault('missing-key', repeatNode.keySpan, '"repeat" needs "every:"', 'such as every: 5m')
  if (everyNode && !repeatNode) read.fault('missing-key', everyNode.keySpan, '"every" needs "repeat:"')
  if (repeat > room) read.fault('too-many', row, `a test has at most ${TEST_EVENTS_MAX} events`)
  const typeNode = read.required(row, 'type', at, 'a row of events')
  const type = typeNode && read.text(typeNode, 'type')
  const stream = type ? streamOfType(streams, type) : undefined
  if (type && typeNode && !stream) {
    read.fault('unknown-event-type', typeNode, `no stream carries events of type "${type}"`, typeHint(type, streams))
  }
  const meant = type && typeNode && stream && !types.includes(type) ? likelyType(type, types) : undefined
  if (typeNode && meant !== undefined) {
    const message = `"${type}" is not a type that the rule reads, but looks like one`
    read.report.warning('unlikely-event-type', typeNode.span, message, `did you mean "${meant}"?`)
  }
  const writers = stream ? fieldWriters(read, row, stream, repeat) : []
  if (read.report.errorCount > before || atOffset === null || arrives === null || !type) return null
  const written = (n: number): EventStep => ({
    atMs: startMs + atOffset + n * every,
    arrivesMs: startMs + arrives + n * every,
    type,
    fields: Object.fromEntries(writers.map(([name, write]) => [name, write(n)])),
  })
  return { count: repeat, at: written }
}

function fieldWriters(read: Reader, row: MapNode, stream: Stream, repeat: number): [string, Writer][] {
  const out: [string, Writer][] = []
  for (const entry of row.entries) {
    if (ROW_KEYS.includes(entry.key)) continue
    const field = stream.fields.find((f) => f.name === entry.key)
    if (!field) {
      const names = [...stream.fields.map((f) => f.name), ...ROW_KEYS, 'advance']
      read.fault(
        'unknown-field',
        entry.keySpan,
        `"${entry.key}" is not a field of ${stream.name}`,
        didYouMean(entry.key, names),
      )
    } else if (field.name === stream.timeField) {
      read.fault('unknown-field', entry.keySpan, `"${entry.key}" is given by "at"`)
    } else {
      const writer = fieldWriter(read, entry, field, repeat)
      if (writer) out.push([entry.key, writer])
    }
  }
  return out
}

function fieldWriter(read: Reader, { key, value: node }: Entry, field: Field, repeat: number): Writer | null {
  if (node.kind === 'broken') return null
  if (node.kind !== 'scalar') return read.fault('wrong-value', node, `"${key}" is one value`)
  const { value } = node
  if (value === null) return () => null
  const wanted = field.kind === 'decimal' ? 'number' : field.kind
  if (typeof value === wanted && typeof value !== 'string') return () => value
  if (typeof value !== 'string') {
    const hint = wanted === 'string' ? 'put it in quotes' : null
    return read.fault('type-mismatch', node, `"${key}" is ${wanted === 'string' ? 'text' : `a ${wanted}`}`, hint)
  }
  const write = testTemplate(node, read.report)
  if (!write) return null
  if (wanted === 'string') return write
  if (wanted === 'boolean') return read.fault('type-mismatch', node, `"${key}" is true or false`)
  for (let n = 0; n < Math.min(repeat, 3); n++) {
    const text = write(n)
    if (!Number.isFinite(numberFromText(text))) {
      return read.fault('type-mismatch', node, `"${key}" is a number, but this gives ${JSON.stringify(text)}`)
    }
  }
  return (n) => {
    const x = numberFromText(write(n))
    return Number.isFinite(x) ? x : null
  }
}
