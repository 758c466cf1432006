import assert from 'node:assert/strict'
import { isMap, isScalar, parseAllDocuments } from 'yaml'
import type { RuleSource } from '../model/block.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { compileRuleSet } from '../rules/index.ts'

/**
 * The part of the rule files that one exchange carries: a task compiles all that its log holds, so its log holds only
 * what its partition of the events can answer. Documents are cut out of their files as they were written; tests in files
 * of their own are left out. `files` must compile, and `set` be a part of what they say (assert).
 */
export function filesFor(files: readonly RuleSource[], set: RuleSet, streams: readonly Stream[]): RuleSource[] {
  const wanted = new Set([
    ...[...set.rules, ...set.sequences].map((d) => `rule ${d.id} ${d.version}`),
    ...set.rankings.map((d) => `ranking ${d.id} ${d.version}`),
  ])
  const parts = files.flatMap((file) => {
    if (file.data) return [file]
    const { path, text } = file
    const documents = documentsOf(text).filter(({ name }) => name === 'list' || wanted.has(name))
    return documents.length === 0 ? [] : [{ path, text: documents.map((d) => d.text).join('\n---\n') }]
  })
  const compiled = compileRuleSet(parts, { streams })
  assert(compiled.ok, 'a part of the rule files compiles as the whole does')
  const hashes = ({ rules, sequences, rankings }: RuleSet) => [...rules, ...sequences, ...rankings].map((d) => d.hash)
  assert.deepEqual(hashes(compiled.set), hashes(set), 'cut out, a document is the same')
  return parts
}

function documentsOf(text: string): { name: string; text: string }[] {
  return parseAllDocuments(text, { logLevel: 'silent' }).flatMap((document) => {
    const { contents, range } = document
    if (!isMap(contents) || !range) return []
    const plain = (key: string) => {
      const node = contents.get(key, true)
      return isScalar(node) ? String(node.value) : undefined
    }
    const kind = ['rule', 'ranking', 'list'].find((key) => contents.has(key))
    if (!kind) return []
    const name = kind === 'list' ? kind : `${kind} ${plain(kind)} ${plain('version')}`
    return [{ name, text: text.slice(contents.range?.[0] ?? range[0], range[1]) }]
  })
}
