import assert from 'node:assert/strict'
import { isMap, isScalar, parseAllDocuments } from 'yaml'
import type { RuleSource } from '../model/block.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { compileRuleSet } from '../rules/index.ts'
import type { Exchange } from './exchange.ts'

/**
 * The part of the rule files that one exchange carries: a task compiles all that its log holds, so its log holds only
 * what its partition of the events can answer. Documents are cut out of their files as they were written; tests in files
 * of their own are left out. Features that the part reads and that run in another exchange stand there marked as such.
 * `files` must compile, and the exchange be one of what they say (assert).
 */
export function filesFor(files: readonly RuleSource[], exchange: Exchange, streams: readonly Stream[]): RuleSource[] {
  const { set, known } = exchange
  const here = namesOf(set)
  const elsewhere = new Set(known.filter((f) => !set.features.includes(f)).map((f) => `feature ${f.id} ${f.version}`))
  const parts = files.flatMap((file): RuleSource[] => {
    if (file.data) return [file]
    const documents = documentsOf(file.text)
    const cut = (wanted: (name: string) => boolean, runs: 'here' | 'elsewhere'): RuleSource[] => {
      const texts = documents.filter(({ name }) => wanted(name)).map((d) => d.text)
      return texts.length === 0 ? [] : [{ path: file.path, text: texts.join('\n---\n'), runs }]
    }
    return [
      ...cut((name) => name === 'list' || here.has(name), 'here'),
      ...cut((name) => elsewhere.has(name), 'elsewhere'),
    ]
  })
  const compiled = compileRuleSet(parts, { streams })
  assert(compiled.ok, 'a part of the rule files compiles as the whole does')
  assert.deepEqual(hashesOf(compiled.set), hashesOf(set), 'cut out, a document is the same')
  return parts
}

function namesOf({ rules, sequences, rankings, features }: RuleSet): Set<string> {
  return new Set([
    ...[...rules, ...sequences].map((d) => `rule ${d.id} ${d.version}`),
    ...rankings.map((d) => `ranking ${d.id} ${d.version}`),
    ...features.map((d) => `feature ${d.id} ${d.version}`),
  ])
}

function hashesOf({ rules, sequences, rankings, features }: RuleSet): string[] {
  return [...rules, ...sequences, ...rankings, ...features].map((d) => d.hash)
}

function documentsOf(text: string): { name: string; text: string }[] {
  return parseAllDocuments(text, { logLevel: 'silent' }).flatMap((document) => {
    const { contents, range } = document
    if (!isMap(contents) || !range) return []
    const plain = (key: string) => {
      const node = contents.get(key, true)
      return isScalar(node) ? String(node.value) : undefined
    }
    const kind = ['rule', 'ranking', 'feature', 'list'].find((key) => contents.has(key))
    if (!kind) return []
    const name = kind === 'list' ? kind : `${kind} ${plain(kind)} ${plain('version')}`
    return [{ name, text: text.slice(contents.range?.[0] ?? range[0], range[1]) }]
  })
}
