import type { Definition, RuleSet } from '../../model/rule.ts'
import { entryOf } from '../source/tree.ts'
import type { Document } from './documents.ts'

/** Refuses a rule or ranking that has the id and version of one in force, and another body. */
export function checkRaised(
  checked: readonly { readonly document: Document; readonly value: Definition | null }[],
  { rules, sequences, rankings, features }: RuleSet,
): void {
  const inForce = new Map(
    [...rules, ...sequences, ...rankings, ...features].map((d) => [`${d.id}@${d.version}`, d.hash]),
  )
  for (const { document, value } of checked) {
    if (!value) continue
    const hash = inForce.get(`${value.id}@${value.version}`)
    if (hash === undefined || hash === value.hash) continue
    const { node, idSpan, report } = document
    const message =
      `"${value.id}" version ${value.version} is in force with another body ` +
      `(hash ${hash}, here ${value.hash}): the version must be raised`
    report.error(
      'version-not-raised',
      entryOf(node, 'version')?.value.span ?? idSpan,
      message,
      `write version: ${value.version + 1}`,
    )
  }
}
