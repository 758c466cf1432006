import { type Stream, typeMatches } from '../../model/stream.ts'
import type { Draft, Lint } from '../check/definition.ts'
import { likelyType } from '../check/likely-type.ts'
import { partsOf } from '../check/measure-ranges.ts'
import { hasEvents, type RuleTest } from '../tests.ts'
import type { Document } from './documents.ts'
import type { CheckedFeature } from './features.ts'
import type { Checked } from './set.ts'

interface Everything {
  readonly checked: readonly Checked[]
  readonly features: readonly CheckedFeature[]
  readonly tests: readonly RuleTest[]
  readonly lists: readonly Document[]
  readonly streams: readonly Stream[]
}

/** Warnings of what is no fault, and yet hardly meant, over all documents. */
export function warnOfDoubtful({ checked, features, tests, lists, streams }: Everything, { whole }: Lint): void {
  const known = knownTypes(streams)
  for (const { draft, value } of checked) {
    const { report } = draft.read
    warnOfOwner(draft)
    warnOfTypes(draft, known)
    const isOwn = (t: RuleTest) => t.rule === draft.id && t.version === value?.version
    const isSound = value && report.errorCount === 0
    if (isSound && value.kind !== 'ranking' && !tests.some((t) => isOwn(t) && isQuiet(t))) {
      const message = `no test of "${draft.id}" says when it stays quiet`
      report.warning('no-quiet-test', draft.idSpan, message, 'add one with events and expect: []')
    }
  }
  for (const { draft } of features) {
    warnOfOwner(draft)
    warnOfTypes(draft, known)
  }
  const drafts = [...checked, ...features].map(({ draft }) => draft)
  const isComplete = whole && drafts.every(({ read }) => read.report.errorCount === 0)
  const uses = drafts.flatMap(({ readingUses, conditionUses }) => [readingUses, conditionUses])
  if (isComplete) warnOfUnread(features, new Set(uses.flatMap((u) => [...u.features])))
  const read = new Set(uses.flatMap((u) => [...u.lists]))
  for (const { id, idSpan, report } of lists) {
    if (isComplete && !read.has(id)) report.warning('unused', idSpan, `no rule reads the list "${id}"`)
  }
}

function warnOfOwner(draft: Draft): void {
  const { id, idSpan, read } = draft
  if (!draft.value('owner')) read.report.warning('no-owner', idSpan, `nobody owns "${id}"`, 'add owner:')
}

/** `read`: what expressions read, as `feature.measure`. */
function warnOfUnread(features: readonly CheckedFeature[], read: ReadonlySet<string>): void {
  for (const { draft, value } of features) {
    const names = value ? value.measures.map((m) => m.name) : []
    const parts = new Set(value?.measures.flatMap(partsOf))
    const unread = names.filter((name) => !read.has(`${draft.id}.${name}`))
    if (unread.length === names.length)
      draft.read.report.warning('unused', draft.idSpan, `no rule reads the feature "${draft.id}"`)
    else
      for (const name of unread) {
        const span = draft.measureSpans.get(name)
        if (span && !parts.has(name)) draft.read.report.warning('unused', span, `no rule reads "${draft.id}.${name}"`)
      }
  }
}

function isQuiet(test: RuleTest): boolean {
  return hasEvents(test) && test.expect?.length === 0 && !test.expectMuted?.length
}

/** Types that streams name one by one, or speak of in the documentation of their type field. */
function knownTypes(streams: readonly Stream[]): string[] {
  return streams.flatMap(({ type, types, fields }) => {
    if ('fixed' in type) return [type.fixed]
    const doc = fields.find((f) => f.name === type.field)?.doc ?? ''
    const documented = (doc.match(/[a-z0-9_]+\.[a-z0-9_.]*[a-z0-9_]/g) ?? []).filter((t) => typeMatches(types, t))
    return [...types.filter((t) => !t.endsWith('*')), ...documented]
  })
}

/** `order.*` admits anything: a type beside a known one is more likely that one, misspelt. */
function warnOfTypes({ read, typeNames, types }: Draft, known: readonly string[]): void {
  for (const { name, span } of typeNames) {
    if (known.includes(name) || !types.includes(name)) continue
    const meant = likelyType(name, known)
    if (meant === undefined) continue
    const message = `"${name}" is not a type that its stream speaks of, but looks like one`
    read.report.warning('unlikely-event-type', span, message, `did you mean "${meant}"?`)
  }
}
