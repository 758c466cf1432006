import { formatDuration } from '../../kit/duration.ts'
import { SEVERITIES, type SequenceMatch, type Severity, type TemplatePart, type Violation } from '../../model/rule.ts'
import type { Names } from '../expression/names.ts'
import { MATCH_STEPS_MAX, NAMED_MAX } from '../shape/limits.ts'
import { COMMON_KEYS, EXPECT_KEYS, FORBID_KEYS, MATCH_KEYS } from '../shape/sequence.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import { durationOf, goodName, WINDOW_MAX_MS } from '../source/values.ts'
import type { Draft } from './definition.ts'
import type { Steps } from './steps.ts'
import { checkTemplate } from './template.ts'

/** Where violations and matches are checked. */
export interface SequenceContext {
  readonly draft: Draft
  readonly steps: Steps
  /** The key is one of a thing that lives once. */
  readonly once: boolean
  /** What `explain` may read. */
  readonly names: Names
  /** Stands for an `explain` that is left out. */
  readonly title: string
  /** Names of violations and matches so far. */
  readonly taken: Set<string>
}

export function checkViolations(context: SequenceContext): Violation[] {
  return checkNamed(context, 'violations', 'a violation', checkViolation)
}

export function checkMatches(context: SequenceContext): SequenceMatch[] {
  return checkNamed(context, 'matches', 'a match', checkMatch)
}

interface Common {
  readonly name: string
  readonly severity: Severity
  readonly explain: readonly TemplatePart[]
}

function checkNamed<T>(
  context: SequenceContext,
  key: string,
  what: string,
  check: (context: SequenceContext, map: MapNode, common: Common | null) => T | null,
): T[] {
  const { read } = context.draft
  const node = context.draft.value(key)
  const list = node && read.seq(node, key)
  if (!list) return []
  if (list.items.length > NAMED_MAX) read.fault('too-many', list, `${list.items.length} ${key}; at most ${NAMED_MAX}`)
  return list.items.flatMap((item) => {
    const map = read.map(item, what)
    if (!map) return []
    const known = key === 'violations' ? { ...EXPECT_KEYS, ...FORBID_KEYS } : MATCH_KEYS
    read.keys(map, Object.keys({ ...COMMON_KEYS, ...known }), `of ${what}`)
    return check(context, map, checkCommon(context, map, what)) ?? []
  })
}

function checkCommon({ draft, names, title, taken }: SequenceContext, map: MapNode, what: string): Common | null {
  const { read } = draft
  const at = placeOf(map)
  const nameNode = read.required(map, 'name', at, what)
  const name = nameNode && read.text(nameNode, 'name')
  if (nameNode && name !== null) {
    goodName(read, name, nameNode.span, what)
    if (taken.has(name)) read.fault('duplicate-name', nameNode, `a second violation or match "${name}"`)
    taken.add(name)
  }
  const severityNode = read.required(map, 'severity', at, what)
  if (severityNode?.kind === 'seq' || severityNode?.kind === 'map')
    read.fault('wrong-value', severityNode, `${what} has one severity: there are no measures to tell levels apart`)
  const severity = severityNode?.kind === 'scalar' ? read.oneOf(severityNode, 'severity', SEVERITIES) : null
  const explainNode = entryOf(map, 'explain')?.value
  const explainText = explainNode && read.scalar(explainNode, 'explain')
  const explain = explainText ? checkTemplate(explainText, names, read.report) : [{ text: title }]
  return name === null || severity === null || explain === null ? null : { name, severity, explain }
}

function checkViolation(context: SequenceContext, map: MapNode, common: Common | null): Violation | null {
  const { read } = context.draft
  const expects = map.entries.find((e) => Object.hasOwn(EXPECT_KEYS, e.key))
  const forbids = map.entries.find((e) => Object.hasOwn(FORBID_KEYS, e.key))
  if (expects && forbids) {
    const message = `a violation expects a step after another or forbids one before another: "${forbids.key}" does not go with "${expects.key}"`
    return read.fault('wrong-value', forbids.keySpan, message, 'write two violations')
  }
  if (expects) return checkExpect(context, map, common)
  if (forbids) return checkForbid(context, map, common)
  const hint = 'after, expect and within; or forbid and before'
  return read.fault('missing-key', placeOf(map), 'a violation says what should have happened', hint)
}

function checkExpect(context: SequenceContext, map: MapNode, common: Common | null): Violation | null {
  const { draft, steps } = context
  const { read } = draft
  const after = stepOf(context, map, 'after', 'a violation that expects')
  const expected = stepsOf(context, read.required(map, 'expect', placeOf(map), 'a violation that expects'), 'expect')
  const within = read.required(map, 'within', placeOf(map), 'a violation that expects')
  const withinMs = within && durationOf(read, within, 'within', 1, WINDOW_MAX_MS)
  if (within && withinMs !== null && withinMs >= steps.forgetAfterMs) {
    const message = `within is not shorter than "forget_after", ${formatDuration(steps.forgetAfterMs)}: all would be forgotten by then`
    read.fault('out-of-range', within, message, 'set forget_after of the sequence')
  }
  if (after !== null && expected?.includes(after)) {
    const message = `"${after}" is always there after "${after}": this can never be violated`
    read.fault('wrong-value', entryOf(map, 'expect')!.value, message)
  }
  const each = checkEach(context, map)
  if (!common || after === null || expected === null || withinMs === null) return null
  return { ...common, kind: each ? 'expect_each' : 'expect', after, expect: expected, withinMs }
}

/** Left out, it is doubtful where a key may well have several of the step: only the first one is followed. */
function checkEach({ draft, once }: SequenceContext, map: MapNode): boolean {
  const { read } = draft
  const node = entryOf(map, 'each')?.value
  if (!node) {
    if (draft.around.lint && !once) {
      const message = 'this asks after the first of a key\'s steps only, and "by" has no id of a thing that lives once'
      const hint =
        'write each: true to ask after each of them, each: false if only the first is meant, or add the id to by'
      read.report.warning('first-only', entryOf(map, 'after')?.keySpan ?? placeOf(map), message, hint)
    }
    return false
  }
  const scalar = read.scalar(node, 'each')
  if (scalar && typeof scalar.value !== 'boolean') read.fault('wrong-value', scalar, 'each is true or false')
  return scalar?.value === true
}

function checkForbid(context: SequenceContext, map: MapNode, common: Common | null): Violation | null {
  const forbid = stepOf(context, map, 'forbid', 'a violation that forbids')
  const before = stepOf(context, map, 'before', 'a violation that forbids')
  if (forbid !== null && forbid === before) {
    const message = `"${forbid}" cannot come before itself: this can never be violated`
    context.draft.read.fault('wrong-value', entryOf(map, 'before')!.value, message)
  }
  return common && forbid !== null && before !== null ? { ...common, kind: 'forbid', forbid, before } : null
}

function checkMatch(context: SequenceContext, map: MapNode, common: Common | null): SequenceMatch | null {
  const { read } = context.draft
  const order = checkOrder(context, map)
  const withoutNode = entryOf(map, 'without')?.value
  const without = withoutNode ? stepsOf(context, withoutNode, 'without') : []
  const within = read.required(map, 'within', placeOf(map), 'a match')
  const withinMs = within && durationOf(read, within, 'within', 1, WINDOW_MAX_MS)
  if (!common || order === null || without === null || withinMs === null) return null
  const { name, severity, explain } = common
  return { name, order, without, withinMs, severity, explain }
}

/** Steps one after the other; the same step may stand there several times. */
function checkOrder(context: SequenceContext, map: MapNode): string[] | null {
  const { read } = context.draft
  const node = read.required(map, 'order', placeOf(map), 'a match')
  const list = node && read.seq(node, 'order')
  if (!list) return null
  if (list.items.length === 0) return read.fault('wrong-value', list, 'order names at least one step')
  if (list.items.length > MATCH_STEPS_MAX)
    read.fault('too-many', list, `${list.items.length} steps; at most ${MATCH_STEPS_MAX} in a match`)
  const names = list.items.map((item) => {
    const name = read.text(item, 'order')
    return name !== null && isStep(context, name, item.span) ? name : null
  })
  return names.some((name) => name === null) ? null : (names as string[])
}

function stepOf(context: SequenceContext, map: MapNode, key: string, what: string): string | null {
  const { read } = context.draft
  const node = read.required(map, key, placeOf(map), what)
  const name = node && read.text(node, key)
  return node && name !== null && isStep(context, name, node.span) ? name : null
}

/** One step or a list of them, each once. */
function stepsOf(context: SequenceContext, node: Node | null, key: string): string[] | null {
  const names = node && context.draft.read.names(node, key)
  if (!names) return null
  return names.filter(({ name, span }) => isStep(context, name, span)).map(({ name }) => name)
}

function isStep({ draft, steps }: SequenceContext, name: string, span: Span): boolean {
  const known = steps.steps.map((s) => s.name)
  if (known.includes(name)) return true
  if (!steps.complete) return false
  const type = steps.steps.find((s) => s.on.some((t) => t.name === name))
  const hint = type ? `the step is called "${type.name}"` : didYouMean(name, known)
  draft.read.fault('unknown-step', span, `"${name}" is not a step of this sequence`, hint)
  return false
}

function placeOf(map: MapNode): Span {
  return map.entries[0]?.keySpan ?? { start: map.span.start, end: map.span.start + 1 }
}
