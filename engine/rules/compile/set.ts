import type { RuleSource } from '../../model/block.ts'
import { featureNamesIn, featuresRead } from '../../model/features-read.ts'
import type { Definition, Feature, Ranking, Rule, RuleSet, Scalar, SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { type CostDoubt, Draft, type Lint, type Surroundings } from '../check/definition.ts'
import { checkRanking } from '../check/ranking.ts'
import { checkRule, type Note, type TestNames } from '../check/rule.ts'
import { checkSequence, isSequence } from '../check/sequence.ts'
import { readSteps } from '../check/steps.ts'
import { checkTests, type Tested } from '../check/tests.ts'
import { TEST_FILE_KEYS } from '../shape/document.ts'
import type { TestedKind } from '../shape/tests.ts'
import type { RuleIssue } from '../source/issues.ts'
import { parseFile } from '../source/parse.ts'
import { Reader } from '../source/read.ts'
import { didYouMean } from '../source/suggest.ts'
import type { SourceText } from '../source/text.ts'
import { entryOf } from '../source/tree.ts'
import type { RuleTest } from '../tests.ts'
import { type Document, readDocuments } from './documents.ts'
import { checkFeatures, checkNames } from './features.ts'
import { bodyHash, hashOf } from './hash.ts'
import { warnOfDoubtful } from './lint.ts'
import { checkFeeds, checkLists, type ListItems, outside } from './lists.ts'
import { checkRaised } from './versions.ts'

export interface CompileOptions {
  readonly streams: readonly Stream[]
  /** Rule id -> param -> value, in place of the file's: from `--set`, or a test. */
  readonly params?: Readonly<Record<string, Readonly<Record<string, Scalar>>>>
  /** List id -> items, in place of the file's. */
  readonly lists?: ListItems
  /** Warn of what is doubtful too: no owner, no quiet test, conditions that are always the same, … */
  readonly lint?: Lint
  /** What this set would take the place of: a rule of it may come back with another body only under another version. */
  readonly inForce?: RuleSet
}

/** Something that the author may want to know and that is no fault, not even with `--deny-warnings`. */
export interface RuleNote {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly rule: string
  readonly message: string
}

export type Compiled =
  | {
      readonly ok: true
      readonly set: RuleSet
      readonly tests: readonly RuleTest[]
      /** Of definitions that are off: there is nothing to run them on. */
      readonly testsOff: readonly RuleTest[]
      /** Warnings only. */
      readonly issues: readonly RuleIssue[]
      readonly notes: readonly RuleNote[]
    }
  | { readonly ok: false; readonly issues: readonly RuleIssue[] }

/** A checked document; `value` is null where it has a fault. */
export interface Checked {
  readonly document: Document
  readonly draft: Draft
  readonly value: Rule | SequenceRule | Ranking | null
  readonly names: TestNames
}

/**
 * Rule files -> the set that an engine runs, or every fault in them, in the order of the files. Never throws for what
 * stands in a file.
 */
export function compileRuleSet(files: readonly RuleSource[], options: CompileOptions): Compiled {
  const issues: RuleIssue[] = []
  const read = (run: boolean) =>
    files.filter((f) => !f.data && (f.runs !== 'elsewhere') === run).map((f) => parseFile(f, issues))
  const [parsed, elsewhere] = [read(true), read(false)]
  const documents = readDocuments(parsed, issues)
  const foreign = readDocuments(elsewhere, issues)
  const ofKind = (kind: string) => documents.filter((d) => d.kind === kind)
  const { lists, types } = checkLists(ofKind('list'), files, options.lists ?? {}, issues)
  const incomplete = parsed.some((p) => !p.complete)
  const base: Surroundings = {
    streams: options.streams,
    lists: types,
    features: new Map(),
    incomplete,
    params: options.params ?? {},
    lint: options.lint ?? null,
  }
  const { features, names } = checkFeatures([...ofKind('feature'), ...foreign], base)
  const around = { ...base, features: names }
  const notes: RuleNote[] = []
  const alerting = documents.filter((d) => d.kind === 'rule' || d.kind === 'ranking')
  const checked = alerting.map((d) => checkDocument(d, around, notes))
  checkNames(features, alerting)
  checkOverrides([...checked, ...features], options, issues, incomplete)
  if (!incomplete) checkFeeds(ofKind('list'), new Set(ofKind('rule').map((d) => d.id)))
  const accepted = checkVersions(checked)
  if (options.inForce) checkRaised([...checked, ...features], options.inForce)
  const tests = [
    ...checked.flatMap((c) => ownTests(c, around)),
    ...ofKind('for').flatMap((d) => testsFor(d, checked, around)),
  ]
  if (options.lint)
    warnOfDoubtful({ checked, features, tests, lists: ofKind('list'), streams: options.streams }, options.lint)

  issues.sort(byPlace(files))
  if (issues.some((i) => i.severity === 'error')) return { ok: false, issues }
  const running = accepted.flatMap((c) => (c.value && c.value.mode !== 'off' ? [c.value] : []))
  const rules = running.filter((r): r is Rule => r.kind === 'rule')
  const rankings = running.filter((r): r is Ranking => r.kind === 'ranking')
  const sequences = running.filter((r): r is SequenceRule => r.kind === 'sequence')
  const known = features.flatMap(({ document, value }) => (value ? [{ value, here: !foreign.includes(document) }] : []))
  const published = known.flatMap(({ value, here }) => (here ? [value] : []))
  const shared = files.some((f) => f.runs) && sharedBy([...running, ...published], known)
  const bodies = [...running, ...published].map((r) => [r.kind, r.id, r.hash, r.mode, sorted(r.params)])
  const hash = hashOf([bodies, lists, ...(shared ? [shared.features.map((f) => f.hash)] : [])])
  const runningKeys = new Set(running.map((r) => `${r.id}@${r.version}`))
  const isRunning = (t: RuleTest) => runningKeys.has(`${t.rule}@${t.version}`)
  const [runnable, testsOff] = [tests.filter(isRunning), tests.filter((t) => !isRunning(t))]
  const set: RuleSet = { hash, rules, sequences, rankings, lists, features: published, ...(shared ? { shared } : {}) }
  const doubts = options.lint?.costs?.(set) ?? []
  for (const doubt of doubts) {
    const of = [...accepted, ...features].find(({ value }) => value?.id === doubt.id && value.version === doubt.version)
    if (of) tellCost(doubt, of.draft, notes)
  }
  if (doubts.length > 0) issues.sort(byPlace(files))
  return { ok: true, set, tests: runnable, testsOff, issues, notes }
}

/** The features that `definitions` read themselves. */
function sharedBy(definitions: readonly Definition[], known: readonly { readonly value: Feature }[]) {
  const read = featureNamesIn(definitions)
  return { features: known.flatMap(({ value }) => (read.has(value.id) ? [value] : [])) }
}

/** The set with nothing but the rule or ranking of `test`, what it reads, and the test's params, lists and features. */
export function ruleSetForTest(set: RuleSet, test: RuleTest): RuleSet {
  const mine = (d: { id: string; version: number }) => d.id === test.rule && d.version === test.version
  const set1 = <D extends Rule | SequenceRule | Ranking>(d: D): D => ({ ...d, params: { ...d.params, ...test.params } })
  const rules = set.rules.filter(mine).map(set1).map(withSamplesOf)
  const rankings = set.rankings.filter(mine).map(set1)
  const sequences = set.sequences.filter(mine).map(set1)
  const features = set.features.map((f) =>
    Object.hasOwn(test.features, f.id)
      ? { ...f, where: null, unless: null, lets: [], measures: [], fixed: test.features[f.id] }
      : f,
  )
  const lists = set.lists.map((l) =>
    Object.hasOwn(test.lists, l.id) ? { ...l, items: [...new Set(test.lists[l.id])] } : l,
  )
  return {
    hash: hashOf([set.hash, test.rule, test.version, test.params, test.lists, test.features]),
    rules,
    sequences,
    rankings,
    lists,
    features: featuresRead([...rules, ...sequences, ...rankings], features),
  }
}

/** The least samples of its ratios as its params have them now. */
function withSamplesOf(rule: Rule): Rule {
  const measures = rule.measures.map((m) => {
    if (m.kind !== 'ratio' || !m.atLeastParams) return m
    const now = Object.entries(m.atLeastParams).map(([name, param]) => [name, rule.params[param]])
    return { ...m, atLeast: { ...m.atLeast, ...Object.fromEntries(now) } }
  })
  return { ...rule, measures }
}

function checkDocument(document: Document, around: Surroundings, notes: RuleNote[]): Checked {
  const { kind, id, node, idSpan, report } = document
  const hash = bodyHash(node)
  if (kind === 'ranking') {
    const draft = new Draft('ranking', document, around)
    const { ranking, names } = checkRanking(draft)
    return { document, draft, value: ranking && { ...ranking, hash }, names }
  }
  if (isSequence(node)) {
    const steps = readSteps(new Reader(report), node, idSpan)
    const types = steps.steps.flatMap((s) => s.on)
    const draft = new Draft('sequence', document, around, types)
    const { sequence, names } = checkSequence(draft, steps)
    return { document, draft, value: sequence && { ...sequence, hash }, names }
  }
  const draft = new Draft('rule', document, around)
  const { rule, names, note } = checkRule(draft)
  if (note) notes.push(noteAt(note, id, report.source))
  return { document, draft, value: rule && { ...rule, hash }, names }
}

function tellCost({ code, message, hint, isNote }: CostDoubt, draft: Draft, notes: RuleNote[]): void {
  const { report } = draft.read
  if (isNote) notes.push(noteAt({ span: draft.idSpan, message }, draft.id, report.source))
  else report.warning(code, draft.idSpan, message, hint)
}

function noteAt({ span, message }: Note, rule: string, source: SourceText): RuleNote {
  const { line, column } = source.position(span.start)
  return { file: source.path, line, column, rule, message }
}

/** The same id twice: as another version, or not at all. */
function checkVersions(checked: readonly Checked[]): Checked[] {
  const accepted: Checked[] = []
  for (const c of checked) {
    const { id, idSpan, report } = c.document
    const others = accepted.filter((a) => a.document.id === id)
    const otherKind = others.find((o) => o.document.kind !== c.document.kind)
    const version = plainVersion(c.document)
    const same = others.find((o) => plainVersion(o.document) === version)
    const isLive = plainMode(c.document) === 'live'
    const live = isLive ? others.find((o) => plainMode(o.document) === 'live') : undefined
    if (otherKind) {
      report.error(
        'duplicate-definition',
        idSpan,
        `"${id}" is the name of a ${otherKind.document.kind} in ${place(otherKind)}`,
      )
    } else if (same && bodyHash(same.document.node) === bodyHash(c.document.node)) {
      report.error(
        'duplicate-definition',
        idSpan,
        `"${id}" version ${version} stands in ${place(same)} already`,
        'remove one of them',
      )
    } else if (same) {
      const message = `"${id}" version ${version} has another body in ${place(same)}`
      report.error('duplicate-definition', idSpan, message, 'raise the version with every change of behaviour')
    } else if (live) {
      const message = `two live versions of "${id}": ${version}, and ${plainVersion(live.document)} in ${place(live)}`
      report.error('two-live-versions', idSpan, message, 'set mode: shadow or off for one of them')
    }
    accepted.push(c)
  }
  return accepted
}

function plainVersion(document: Document): string {
  const node = entryOf(document.node, 'version')?.value
  return node?.kind === 'scalar' ? node.text : '?'
}

function plainMode(document: Document): string {
  const node = entryOf(document.node, 'mode')?.value
  return node?.kind === 'scalar' ? node.text : 'live'
}

function place({ document }: Checked): string {
  const { source } = document.report
  return `${source.path}:${source.position(document.idSpan.start).line}`
}

function ownTests(c: Checked, around: Surroundings): RuleTest[] {
  const node = entryOf(c.document.node, 'tests')?.value
  return node ? checkTests(node, tested(c, around), c.document.report) : []
}

/** `for: rule_id` with `tests:`; of several versions the live one is meant, else the last. */
function testsFor(document: Document, checked: readonly Checked[], around: Surroundings): RuleTest[] {
  const { id, idSpan, node, report } = document
  const read = new Reader(report)
  read.keys(node, Object.keys(TEST_FILE_KEYS), 'of a test file')
  const tests = read.required(node, 'tests', idSpan, 'a test file')
  const versions = checked.filter((c) => c.document.id === id)
  const target = versions.find((c) => plainMode(c.document) === 'live') ?? versions[versions.length - 1]
  if (target) return tests ? checkTests(tests, tested(target, around), report) : []
  if (around.incomplete) return []
  const hint = didYouMean(
    id,
    checked.map((c) => c.document.id),
  )
  report.error('unknown-rule', idSpan, `there is no rule or ranking "${id}" in the files given`, hint)
  return []
}

function tested({ draft, document, names }: Checked, around: Surroundings): Tested {
  const { streams, lists, features, incomplete } = around
  const version = Number(plainVersion(document))
  const kind = draft.kind as TestedKind // features have no tests
  const types = around.lint ? draft.types : []
  return { kind, id: draft.id, version, names, params: draft.params, streams, types, lists, features, incomplete }
}

function checkOverrides(
  checked: readonly { readonly document: Document }[],
  options: CompileOptions,
  issues: RuleIssue[],
  incomplete: boolean,
): void {
  const ids = new Set(checked.map((c) => c.document.id))
  for (const id of Object.keys(options.params ?? {})) {
    if (ids.has(id) || incomplete) continue
    issues.push(outside('unknown-rule', `there is no rule "${id}" to set params of`, didYouMean(id, ids)))
  }
}

function sorted(params: Readonly<Record<string, Scalar>>): [string, Scalar][] {
  return Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))
}

function byPlace(files: readonly RuleSource[]): (a: RuleIssue, b: RuleIssue) => number {
  const order = new Map(files.map((f, i) => [f.path, i]))
  const rank = (i: RuleIssue) => order.get(i.file) ?? -1
  return (a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column
}
