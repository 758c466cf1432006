import type { Stream } from './stream.ts'

/**
 * Names under which records have what goes into fields of text, and into no other: those of the fields, their aliases in
 * the schema, and the mapping's columns. Times and types are left out.
 */
export function textNames(streams: readonly Stream[]): string[] {
  const texts = new Set<string>()
  const others = new Set<string>()
  for (const { fields, timeField, type, avro, mapping } of streams) {
    const isText = (name: string) =>
      name !== timeField &&
      !('field' in type && name === type.field) &&
      fields.find((f) => f.name === name)?.kind === 'string'
    const schema = avro as { readonly fields: readonly { name: string; aliases?: readonly string[] }[] } | null
    const names = [
      ...fields.map(({ name }) => [name, name] as const),
      ...(schema?.fields ?? []).flatMap(({ name, aliases = [] }) => aliases.map((alias) => [alias, name] as const)),
      ...Object.entries(mapping?.columns ?? {}),
    ]
    for (const [name, field] of names) (isText(field) ? texts : others).add(name)
  }
  return [...texts].filter((name) => !others.has(name))
}
