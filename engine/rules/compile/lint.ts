import { type Stream, typeMatches } from '../../model/stream.ts'
import type { Draft, Lint } from '../check/definition.ts'
import { editDistance } from '../source/suggest.ts'
import type { RuleTest } from '../tests.ts'
import type { Document } from './documents.ts'
import type { Checked } from './set.ts'

/** Warnings of what is no fault, and yet hardly meant, over all documents. */
export function warnOfDoubtful(
  checked: readonly Checked[],
  tests: readonly RuleTest[],
  lists: readonly Document[],
  streams: readonly Stream[],
  { whole }: Lint,
): void {
  const known = knownTypes(streams)
  for (const { draft, value } of checked) {
    const { report } = draft.read
    if (!draft.value('owner')) report.warning('no-owner', draft.idSpan, `nobody owns "${draft.id}"`, 'add owner:')
    warnOfTypes(draft, known)
    const isOwn = (t: RuleTest) => t.rule === draft.id && t.version === value?.version
    const isSound = value && report.errorCount === 0
    if (isSound && value.kind !== 'ranking' && !tests.some((t) => isOwn(t) && isQuiet(t))) {
      const message = `no test of "${draft.id}" says when it stays quiet`
      report.warning('no-quiet-test', draft.idSpan, message, 'add one with expect: []')
    }
  }
  const read = new Set(checked.flatMap(({ draft }) => [...draft.readingUses.lists, ...draft.conditionUses.lists]))
  const isComplete = whole && checked.every(({ draft }) => draft.read.report.errorCount === 0)
  for (const { id, idSpan, report } of lists) {
    if (isComplete && !read.has(id)) report.warning('unused', idSpan, `no rule reads the list "${id}"`)
  }
}

function isQuiet({ expect, expectMuted }: RuleTest): boolean {
  return expect?.length === 0 && !expectMuted?.length
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
    const family = name.slice(0, name.lastIndexOf('.') + 1)
    const meant = known
      .filter((k) => k.startsWith(family))
      .find((k) => isNear(name.slice(family.length), k.slice(family.length)))
    if (meant === undefined) continue
    const message = `"${name}" is not a type that its stream speaks of, but looks like one`
    read.report.warning('unlikely-event-type', span, message, `did you mean "${meant}"?`)
  }
}

/** One edit apart, two in a longer word, or cut short: `creatd`, `create` for `created`. */
function isNear(word: string, known: string): boolean {
  const edits = word.length <= 5 ? 1 : 2
  return editDistance(word, known, edits + 1) <= edits || (word.length >= 3 && known.startsWith(word))
}
