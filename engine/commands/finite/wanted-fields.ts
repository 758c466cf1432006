import type { Projection } from '../../edge/files/batch.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'

/**
 * The fields that a rule set may look at, and those that every event is known by: a reader of history may leave the
 * others out. A definition names each field it uses, so whatever text stands anywhere in it counts as a name.
 */
export function wantedFields(
  { rules, sequences, rankings, features }: RuleSet,
  streams: readonly Stream[],
): Projection {
  const names = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value === 'string') names.add(value)
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        names.add(name)
        walk(inner)
      }
    }
  }
  for (const definition of [...rules, ...sequences, ...rankings, ...features]) walk(definition)
  const known = new Set(streams.flatMap((s) => [s.idField, s.timeField, 'field' in s.type ? s.type.field : null]))
  return (_stream, field) => names.has(field) || known.has(field)
}
