import type { StringTable } from '../../state/string-table.ts'
import type { Core } from '../core.ts'
import type { StatePart } from '../state-part.ts'
import { sequenceKey } from './origins.ts'
import type { Part } from './partial-matches.ts'
import type { Sequence } from './sequence.ts'

/** A sequence's state by the values of its keys. */
export interface SavedSequence {
  /** sequenceKey of the rule. */
  readonly rule: string
  readonly keys: readonly SavedKey[]
  /** As they were set; due on the sequence's clock. */
  readonly timers: readonly {
    readonly violation: number
    readonly key: number
    /** The occurrence that set it; of one that asks for first occurrences only, its time. */
    readonly part: Part
    readonly dueMs: number
  }[]
}

interface SavedKey {
  readonly values: readonly (string | number)[]
  readonly newestMs: number | null
  readonly firsts: readonly (Part & { readonly step: number })[]
  readonly stood: readonly number[]
  readonly askedMs: number | null
  /** By violation that asks each time: its spans. */
  readonly answers: readonly (readonly [number, number])[][]
  /** Oldest first. `blockedMs` null = nothing came that blocks. */
  readonly partials: readonly {
    readonly match: number
    readonly blockedMs: number | null
    readonly parts: readonly Part[]
  }[]
}

/**
 * What sequences know, as a part of the state: in the core's memory. A replay asks from which record on each knows its
 * events. A change of rules finds it by id, version and hash, and the values of the key: such a sequence knows more than
 * the held events, and takes none of them again.
 */
export function sequencesPart(core: Core): StatePart<readonly SavedSequence[]> {
  return {
    name: 'sequences',
    replayAt: (position) => {
      core.sequences.replayedPosition = position
    },
    endReplay: () => {
      core.sequences.replayedPosition = Number.POSITIVE_INFINITY
    },
    handOver: () => saveSequences(core),
    beginMigration: (saved) => freezeSequences(core, saved, true),
    migrate: (saved) => {
      freezeSequences(core, saved, false)
      loadSequences(core, saved)
    },
  }
}

function saveSequences(core: Core): SavedSequence[] {
  const timers = core.sequences.timers()
  return core.sequences.sequences.map((sequence) => {
    const { plan, states } = sequence
    const numbers = new Map<number, number>()
    const keys: SavedKey[] = []
    for (let slot = 0; slot < states.slotsEnd; slot++) {
      if (!states.isKept(slot)) continue
      numbers.set(slot, keys.length)
      keys.push(saveKey(sequence, slot, valuesOf(core, plan.space, slot, core.strings)))
    }
    return {
      rule: sequenceKey(plan.rule),
      keys,
      timers: timers.flatMap(({ turn, tag, slot, value, dueMs }) =>
        turn === plan.index
          ? [
              {
                violation: tag,
                key: numbers.get(slot) as number,
                part: sequence.partOf(tag, value),
                dueMs: dueMs - plan.rule.settleMs,
              },
            ]
          : [],
      ),
    }
  })
}

/** The states of sequences that this core has, too; their own must be empty. */
function loadSequences(core: Core, saved: readonly SavedSequence[]): void {
  const byRule = new Map(saved.map((s) => [s.rule, s]))
  for (const sequence of core.sequences.sequences) {
    const own = byRule.get(sequenceKey(sequence.plan.rule))
    if (!own) continue
    const nowMs = core.context.streamMs - sequence.plan.rule.settleMs
    const slots = own.keys.map((key) => {
      const slot = core.slotOfKey(sequence.plan, key.values)
      loadKey(sequence, slot, key)
      sequence.keep(slot, nowMs)
      return slot
    })
    for (const { violation, key, part, dueMs } of own.timers) {
      sequence.setTimer(violation, slots[key], part, dueMs)
    }
  }
}

/** Sequences of this core whose state is among `saved` take no events until they are loaded. */
function freezeSequences(core: Core, saved: readonly SavedSequence[], frozen: boolean): void {
  const kept = new Set(saved.map((s) => s.rule))
  for (const { plan } of core.sequences.sequences) {
    if (kept.has(sequenceKey(plan.rule))) core.sequences.frozen[plan.index] = frozen ? 1 : 0
  }
}

function saveKey({ plan, states, partials, answers }: Sequence, slot: number, values: SavedKey['values']): SavedKey {
  const isRemembered = states.isRemembered(slot)
  return {
    values,
    newestMs: isRemembered ? states.newestMs(slot) : null,
    firsts: plan.rule.steps.flatMap((_, step) =>
      isRemembered && states.isSeen(slot, step)
        ? [
            {
              step,
              timeMs: states.firstMs(slot, step),
              source: states.sourceOf(slot, step),
              offset: states.offsetOf(slot, step),
            },
          ]
        : [],
    ),
    stood: plan.violations.flatMap((_, v) => (isRemembered && states.hasStood(slot, v) ? [v] : [])),
    askedMs: states.isAsked(slot) ? states.askedMs(slot) : null,
    answers: plan.each.map((_, e) => answers.all(states.answers(slot, e))),
    partials: plan.matches.flatMap((_, match) => {
      const list: SavedKey['partials'][number][] = []
      for (let record = states.head(slot, match); record >= 0; record = partials.next(record)) {
        const blockedMs = partials.blockedMs(record)
        list.push({ match, blockedMs: Number.isFinite(blockedMs) ? blockedMs : null, parts: partials.parts(record) })
      }
      return list
    }),
  }
}

function loadKey({ states, partials, answers }: Sequence, slot: number, key: SavedKey): void {
  for (const { step, timeMs, source, offset } of key.firsts) states.occur(slot, step, timeMs, source, offset)
  if (key.newestMs !== null) states.setNewest(slot, key.newestMs)
  for (const violation of key.stood) states.setStood(slot, violation)
  if (key.askedMs !== null) states.ask(slot, key.askedMs)
  key.answers.forEach((spans, e) => {
    states.setAnswers(slot, e, answers.load(spans))
  })
  const last = new Map<number, number>()
  for (const { match, blockedMs, parts } of key.partials) {
    const record = partials.add()
    if (blockedMs !== null) partials.block(record, blockedMs)
    for (const { timeMs, source, offset } of parts) partials.take(record, timeMs, source, offset)
    const before = last.get(match)
    if (before === undefined) states.setHead(slot, match, record)
    else partials.link(before, record)
    last.set(match, record)
  }
}

function valuesOf(core: Core, space: number, slot: number, strings: StringTable): (string | number)[] {
  const { keys } = core.layout.spaces[space]
  return Array.from({ length: keys.arity }, (_, i) => strings.value(keys.part(slot, i)))
}
