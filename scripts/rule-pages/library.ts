import { isMap, type Pair, parseAllDocuments, type Scalar } from 'yaml'
import { compileOrRefuse } from '../../engine/commands/compiled.ts'
import { readRuleFiles } from '../../engine/commands/rule-files.ts'
import { play } from '../../engine/commands/rule-test/play.ts'
import { defaultConfig } from '../../engine/config.ts'
import { packagePath } from '../../engine/kit/package-path.ts'
import type { RuleSource } from '../../engine/model/block.ts'
import { featuresRead } from '../../engine/model/features-read.ts'
import type { AlertRecord, RankingRecord } from '../../engine/model/output.ts'

/** Folders with rules that ship; those of the first are in force where nothing else is configured. */
export const FOLDERS = ['rules', 'library'] as const

/** One rule or ranking as a page shows it. */
export interface Entry {
  readonly id: string
  readonly kind: 'rule' | 'ranking'
  /** The first tag; rankings without one are of the family `rankings`. */
  readonly family: string
  /** From the root of the repository. */
  readonly path: string
  readonly title: string
  /** The comment above the document, as one paragraph. */
  readonly comment: string
  readonly owner: string
  readonly mode: string
  readonly runbook: string | null
  readonly tags: readonly string[]
  /** What is counted and asked, as it stands in the file. */
  readonly yaml: string
  /** The features that it reads, each as it stands in its file. */
  readonly features: readonly string[]
  readonly exceptions: readonly { readonly name: string; readonly until: string; readonly reason: string }[]
  readonly tests: readonly string[]
  /** What the first test that expects something brings. */
  readonly sample: { readonly test: string; readonly output: AlertRecord | RankingRecord }
}

const LEFT_OUT = ['rule', 'ranking', 'version', 'title', 'owner', 'mode', 'tags', 'runbook', 'exceptions', 'tests']

/** Every rule and ranking that ships, played once; EngineError when one does not compile. */
export function readLibrary(): Entry[] {
  const { streams } = defaultConfig()
  const files = readRuleFiles(FOLDERS.map(packagePath))
  const { set, tests } = compileOrRefuse(files, streams)
  const definitions = [...set.rules, ...set.sequences, ...set.rankings]
  const features = featureTexts(files)
  return files.flatMap(({ path, text, data }) => {
    if (data) return []
    return parseAllDocuments(text).flatMap((document): Entry[] => {
      const { contents } = document
      const kind = document.has('rule') ? 'rule' : 'ranking'
      if (!isMap(contents) || !document.has(kind)) return []
      const plain = document.toJS()
      const own = tests.filter((t) => t.rule === plain[kind])
      const test = own.find((t) => (t.expect?.length ?? 0) > 0)
      if (!test) throw new Error(`${path}: no test of ${plain[kind]} expects anything`)
      const { alerts, rankings } = play(set, test, streams)
      const pairs = contents.items as Pair<Scalar<string>>[]
      return [
        {
          id: plain[kind],
          kind,
          family: plain.tags?.[0] ?? 'rankings',
          path,
          title: plain.title,
          comment: commentAbove(text.slice(0, contents.range?.[0])),
          owner: plain.owner,
          mode: plain.mode ?? 'live',
          runbook: plain.runbook ?? null,
          tags: plain.tags ?? [],
          yaml: pairs
            .map(({ key }, i) => ({ key, end: pairs[i + 1]?.key.range?.[0] ?? contents.range?.[1] }))
            .filter(({ key }) => !LEFT_OUT.includes(key.value))
            .map(({ key, end }) => text.slice(key.range?.[0], end).trimEnd())
            .join('\n'),
          features: featuresRead(
            definitions.filter((d) => d.id === plain[kind]),
            set.features,
          ).map(({ id }) => features.get(id)!),
          exceptions: plain.exceptions ?? [],
          tests: own.map((t) => t.name),
          sample: { test: test.name, output: (alerts[0] ?? rankings[0]) as AlertRecord | RankingRecord },
        },
      ]
    })
  })
}

function featureTexts(files: readonly RuleSource[]): Map<string, string> {
  const documents = files.flatMap(({ text, data }) =>
    data ? [] : parseAllDocuments(text).map(({ contents }) => ({ text, contents })),
  )
  return new Map(
    documents.flatMap(({ text, contents }) => {
      if (!isMap(contents) || !contents.has('feature')) return []
      const [from, to] = contents.range!
      return [[String(contents.get('feature')), text.slice(from, to).trimEnd()]]
    }),
  )
}

/** The lines of the last comment in `text`, joined, without what editors read. */
function commentAbove(text: string): string {
  const lines = text.trimEnd().split('\n')
  const first = lines.findLastIndex((line) => !line.startsWith('#')) + 1
  return lines
    .slice(first)
    .filter((line) => !line.startsWith('# yaml-language-server:'))
    .map((line) => line.replace(/^#\s?/, ''))
    .join(' ')
}
