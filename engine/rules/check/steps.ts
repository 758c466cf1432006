import { SEQUENCE_STEPS_MAX } from '../shape/limits.ts'
import { SEQUENCE_KEYS, STEP_KEYS } from '../shape/sequence.ts'
import { firstLine, type Reader } from '../source/read.ts'
import type { Span } from '../source/text.ts'
import { type Entry, entryOf, type MapNode, type Node } from '../source/tree.ts'
import { durationOf, goodName, WINDOW_MAX_MS } from '../source/values.ts'
import type { TypeName } from './definition.ts'

const FORGET_AFTER_MS = 24 * 3_600_000

/** A step as the file has it: its condition is checked later, when it is known what events have. */
export interface RawStep {
  readonly name: string
  readonly on: readonly TypeName[]
  readonly where: Node | undefined
}

export interface Steps {
  readonly steps: readonly RawStep[]
  readonly forgetAfterMs: number
  /** False when a step could not be read: names of steps may be missed without fault. */
  readonly complete: boolean
}

/** `sequence: { steps: …, forget_after: … }` */
export function readSteps(read: Reader, document: MapNode, idSpan: Span): Steps {
  const nothing = { steps: [], forgetAfterMs: FORGET_AFTER_MS, complete: false }
  const node = read.required(document, 'sequence', idSpan, 'a rule with "violations" or "matches"')
  const map = node && read.map(node, 'sequence')
  if (!map) return nothing
  read.keys(map, Object.keys(SEQUENCE_KEYS), 'of sequence')
  const forgetNode = entryOf(map, 'forget_after')?.value
  const forgetAfterMs = forgetNode
    ? durationOf(read, forgetNode, 'forget_after', 1_000, WINDOW_MAX_MS)
    : FORGET_AFTER_MS
  const stepsNode = read.required(map, 'steps', firstLine(map), 'a sequence')
  const entries = (stepsNode && read.map(stepsNode, 'steps'))?.entries
  if (!stepsNode || !entries) return { ...nothing, forgetAfterMs: forgetAfterMs ?? Number.POSITIVE_INFINITY }
  if (entries.length === 0) read.fault('missing-key', stepsNode, 'a sequence has at least one step')
  if (entries.length > SEQUENCE_STEPS_MAX)
    read.fault('too-many', stepsNode, `${entries.length} steps; at most ${SEQUENCE_STEPS_MAX}`)
  const steps = entries.map((entry) => readStep(read, entry))
  return {
    steps,
    forgetAfterMs: forgetAfterMs ?? Number.POSITIVE_INFINITY,
    complete: true,
  }
}

/** `paid: payment.captured`, `paid: [a, b]` or `paid: { on: …, where: … }`. */
function readStep(read: Reader, { key: name, keySpan, value }: Entry): RawStep {
  goodName(read, name, keySpan, 'a step')
  if (value.kind !== 'map') return { name, on: typesOf(read, value), where: undefined }
  read.keys(value, Object.keys(STEP_KEYS), 'of a step')
  const on = read.required(value, 'on', keySpan, 'a step')
  return { name, on: on ? typesOf(read, on) : [], where: entryOf(value, 'where')?.value }
}

function typesOf(read: Reader, node: Node): readonly TypeName[] {
  return node.kind === 'broken' ? [] : (read.names(node, 'a step') ?? [])
}
