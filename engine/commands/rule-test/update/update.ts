import type { RuleSource } from '../../../model/block.ts'
import type { Stream } from '../../../model/stream.ts'
import { compileRuleSet, type RuleTest } from '../../../rules/index.ts'
import { runRuleTest, type TestResult, type Verdict } from '../run.ts'
import { type Correction, correctionsOf, rowOf } from './corrections.ts'
import { lineDiff } from './line-diff.ts'
import { changeRows, type Place, placeOf, type RowChanges, setCount } from './rewrite.ts'

const ADDED_MAX = 50

export interface Updated {
  /** By path: the files that change, with their new text. */
  readonly files: ReadonlyMap<string, string>
  /** What changes, test by test. */
  readonly diffs: readonly { readonly test: RuleTest; readonly diff: string }[]
  /** Tests whose expectations cannot be put right by writing what came out. */
  readonly left: readonly RuleTest[]
}

/** New texts in which the expectations of the failed tests say what came out. Nothing is written here. */
export function updateExpectations(
  files: readonly RuleSource[],
  failed: readonly TestResult[],
  streams: readonly Stream[],
): Updated {
  const wanted = failed.filter((result) => result.failed.every(isWritable))
  const first = rewritten(files, wanted)
  const isRight = passes(files, first.files, streams)
  const sound = wanted.filter((result) => isRight(result.test))
  const done = sound.length === wanted.length ? first : rewritten(files, sound)
  return { ...done, left: failed.filter((result) => !sound.includes(result)).map((result) => result.test) }
}

function rewritten(files: readonly RuleSource[], results: readonly TestResult[]): Omit<Updated, 'left'> {
  const texts = new Map<string, string>()
  const diffs: Updated['diffs'][number][] = []
  for (const { test, failed } of results) {
    const original = files.find((file) => file.path === test.file)!.text
    const before = texts.get(test.file) ?? original
    const place = placeOf(original, test.name, test.line)
    if (!place) continue
    const after = failed.reduce((text, verdict) => corrected(text, place, test, verdict), before)
    if (after === before) continue
    texts.set(test.file, after)
    diffs.push({ test, diff: lineDiff(before, after) })
  }
  return { files: texts, diffs }
}

function corrected(text: string, place: Place, test: RuleTest, { of, pairs }: Verdict): string {
  if (of === 'expect_abstained') return setCount(text, place, of, Number(pairs[0]!.lines[0]!.actual))
  return changeRows(text, place, of, rowChanges(test, pairs))
}

/** Pairs come in the order of the rows, and after them what no row expected. */
function rowChanges(test: RuleTest, pairs: Verdict['pairs']): RowChanges {
  const corrected = new Map<number, Correction[]>()
  const dropped = new Set<number>()
  const added: object[] = []
  pairs.forEach((pair, row) => {
    if (pair.ok) return
    if (!pair.expectation) added.push(rowOf(test, pair.actual!))
    else if (pair.actual) corrected.set(row, correctionsOf(test, pair))
    else dropped.add(row)
  })
  return { corrected, dropped, added }
}

function isWritable({ pairs }: Verdict): boolean {
  return pairs.filter((pair) => !pair.expectation).length <= ADDED_MAX
}

/** Whether a test passes in the new texts: they are read and played as those of the disk would be. */
function passes(
  files: readonly RuleSource[],
  changed: ReadonlyMap<string, string>,
  streams: readonly Stream[],
): (test: RuleTest) => boolean {
  const compiled = compileRuleSet(
    files.map((file) => ({ ...file, text: changed.get(file.path) ?? file.text })),
    { streams },
  )
  if (!compiled.ok) return () => false
  return ({ rule, version, name, file }) => {
    const now = compiled.tests.find(
      (t) => t.rule === rule && t.version === version && t.name === name && t.file === file,
    )
    return now !== undefined && runRuleTest(compiled.set, now, streams).ok
  }
}
