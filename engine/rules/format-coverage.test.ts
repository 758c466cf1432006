import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'
import { DURATION, FUNCTIONS, METHODS } from './expression/functions.ts'
import { EXCEPTION_KEYS } from './shape/common.ts'
import { KINDS } from './shape/document.ts'
import { FEATURE_KEYS } from './shape/feature.ts'
import { LIST_KEYS, SOURCE_KEYS } from './shape/list.ts'
import { BASELINE_KEYS, RATIO_KEYS, RUNNING_KEYS, RUNNING_KINDS, TUMBLING_KEYS } from './shape/measures.ts'
import {
  CAP_KEYS,
  RANK_CHANGE_KEYS,
  RANKING_KEYS,
  RANKING_WINDOW_KEYS,
  SCORE_KEYS,
  SPARKLINE_KEYS,
} from './shape/ranking.ts'
import { EVIDENCE_KEYS, RULE_ALERT_KEYS, RULE_KEYS, SUSPECTS_KEYS } from './shape/rule.ts'
import {
  COMMON_KEYS,
  EXPECT_KEYS,
  FORBID_KEYS,
  MATCH_KEYS,
  SEQUENCE_KEYS,
  SEQUENCE_RULE_KEYS,
  STEP_KEYS,
} from './shape/sequence.ts'
import { ADVANCE_KEYS, EVENT_KEYS, EXPECTATION_KEYS, SUSPECT_KEYS, TEST_KEYS } from './shape/tests.ts'

/** Tests in which a row stands as `row: 'rule.unless'` or the like: each fails where the row is taken away. */
const FOLDER = packagePath('engine/commands/rule-test/format')
const CASES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(`${FOLDER}/${name}`, 'utf8'))
  .join('\n')

const below = (prefix: string, keys: object | readonly string[]): string[] =>
  (Array.isArray(keys) ? keys : Object.keys(keys)).map((key) => (prefix === '' ? key : `${prefix}.${key}`))

/** Every key of the format, as the checker and the schema have them. */
const ROWS = [
  ...below('', KINDS),
  ...below('rule', RULE_KEYS),
  ...below('rule.window', TUMBLING_KEYS),
  ...below('exceptions', EXCEPTION_KEYS),
  ...below('alert', RULE_ALERT_KEYS),
  ...below('alert.suspects', SUSPECTS_KEYS),
  ...below('alert.evidence', EVIDENCE_KEYS),
  ...below('', [...Object.keys(RUNNING_KINDS), ...Object.keys(RUNNING_KEYS)]),
  ...Object.entries(RUNNING_KINDS).flatMap(([kind, { keys }]) => below(kind, keys)),
  ...below('ratio', RATIO_KEYS),
  ...below('baseline', [...Object.keys(BASELINE_KEYS), 'mean', 'stddev', 'points']),
  ...below('', [...FUNCTIONS.keys(), ...METHODS.keys(), DURATION]),
  ...below('sequence', SEQUENCE_RULE_KEYS),
  ...below('sequence', SEQUENCE_KEYS),
  ...below('sequence.steps', STEP_KEYS),
  ...below('violations', { ...COMMON_KEYS, ...EXPECT_KEYS, ...FORBID_KEYS }),
  ...below('matches', { ...COMMON_KEYS, ...MATCH_KEYS }),
  ...below('ranking', RANKING_KEYS),
  ...below('ranking.window', RANKING_WINDOW_KEYS),
  ...below('ranking.score', SCORE_KEYS),
  ...below('ranking.score.cap', CAP_KEYS),
  ...below('ranking.columns', RANK_CHANGE_KEYS),
  ...below('ranking.columns.sparkline', SPARKLINE_KEYS),
  ...below('feature', FEATURE_KEYS),
  ...below('list', LIST_KEYS),
  ...below('list.source', SOURCE_KEYS),
  ...below('tests', TEST_KEYS),
  ...below('tests.events', { ...EVENT_KEYS, ...ADVANCE_KEYS }),
  ...below('tests.expect', Object.values(EXPECTATION_KEYS).flat()),
  ...below('tests.expect.suspects', SUSPECT_KEYS),
]

/** Another row's test that fails without this one as well. */
const SAME: Readonly<Record<string, string>> = {
  'rule.rule': 'rule',
  'rule.exceptions': 'exceptions',
  'rule.alert': 'alert.cooldown',
  'rule.tests': 'tests.expect',
  'percentile.p': 'percentile',
  'ratio.ratio': 'ratio',
  'baseline.baseline': 'baseline',
  'baseline.mean': 'baseline',
  'sequence.version': 'sequence.rule',
  'sequence.mode': 'sequence.rule',
  'sequence.sequence': 'sequence.steps',
  'sequence.alert': 'sequence.alert.cooldown',
  'sequence.violations': 'violations.after',
  'sequence.matches': 'matches.order',
  'sequence.tests': 'violations.name',
  'matches.name': 'tests.expect.violation',
  'matches.severity': 'violations.severity', // one reader for both
  'matches.explain': 'violations.explain',
  'ranking.ranking': 'ranking',
  'ranking.window': 'ranking.window.sliding',
  'ranking.score': 'ranking.score.weights',
  'ranking.tests': 'ranking',
  'ranking.columns.sparkline.sparkline': 'ranking.columns.sparkline',
  'feature.feature': 'feature',
  'list.list': 'list',
  'tests.events': 'tests.events.at',
  'tests.events.type': 'rule.on',
  'tests.expect.suspects.value': 'alert.suspects',
  'tests.expect.suspects.events': 'alert.suspects',
}

/** Rows without effect on a rule's alerts, or with one that a rule test cannot see: a file, and what shows it there. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, text: string]>> = {
  'rule.owner': ['engine/rules/testdata/doubtful.txt', 'warning[no-owner]'],
  'sequence.owner': ['engine/rules/testdata/doubtful.txt', 'warning[no-owner]'],
  'ranking.owner': ['engine/rules/testdata/doubtful.txt', 'warning[no-owner]'],
  'rule.tags': ['engine/rules/testdata/every-key.good.yaml', 'tags: [a, b]'],
  'sequence.tags': ['engine/rules/testdata/every-key.good.yaml', 'tags: [a, b]'],
  'ranking.tags': ['engine/rules/testdata/every-key.good.yaml', 'tags: [a, b]'],
  'rule.runbook': ['engine/rules/testdata/every-key.good.yaml', 'runbook: https://'],
  'sequence.runbook': ['engine/rules/testdata/every-key.good.yaml', 'runbook: https://'],
  'ranking.runbook': ['engine/rules/testdata/every-key.good.yaml', 'runbook: https://'],
  'feature.owner': ['engine/rules/testdata/features-unread.txt', 'warning[no-owner]'],
  'feature.tags': ['engine/rules/testdata/features.good.yaml', 'tags: [pricing, market]'],
  'feature.runbook': ['engine/rules/testdata/features.good.yaml', 'runbook: https://'],
  'ranking.title': ['engine/rules/testdata/missing-key.txt', '"title:"'],
  'alert.about': ['engine/task/lists.test.ts', 'what goes on the list is what the alert is about'],
  'list.kind': ['engine/rules/testdata/list.txt', 'kind is one of allow, deny, watch'],
  'list.title': ['engine/rules/testdata/every-key.good.yaml', 'title: Watched shops'],
  'list.owner': ['engine/rules/testdata/every-key.good.yaml', 'owner: risk'],
  'list.source': ['engine/rules/compile/set.test.ts', 'a list reads its items from a file'],
  'list.source.file': ['engine/rules/compile/set.test.ts', 'a list reads its items from a file'],
  'list.source.column': ['engine/rules/compile/set.test.ts', 'column: shop }'],
  'list.source.topic': ['engine/task/lists.test.ts', 'source: { topic: trusted }'],
  'list.source.alerts': ['engine/task/lists.test.ts', 'alerts feed a list, right after the record'],
  'list.source.ttl': ['engine/task/lists.test.ts', 'for the time that it says'],
  'tests.name': ['engine/rules/testdata/duplicate-name.txt', 'a second test "quiet"'],
}
/** Written by a loop of the cases: `tests.expect.${key}`. */
const LOOPED = /^tests\.expect\.(at|key|severity|measure|folded|suspects|explain_contains)$/

function proof(row: string): string | null {
  const elsewhere = ELSEWHERE[row]
  if (elsewhere) {
    const [file, text] = elsewhere
    return readFileSync(packagePath(file), 'utf8').includes(text) ? file : null
  }
  const name = LOOPED.test(row) ? `['${row.slice('tests.expect.'.length)}', ` : `'${SAME[row] ?? row}'`
  const before = LOOPED.test(row) ? '' : '(?:row: |\\(\\s*)'
  return new RegExp(before + name.replace(/[.[]/g, '\\$&')).test(CASES) ? FOLDER : null
}

test('every key of the format has a test that fails without it', () => {
  expect(ROWS.filter((row) => proof(row) === null)).toEqual([])
  expect(new Set(ROWS).size).toBeGreaterThan(120)
})

test('nothing is listed that the format does not have', () => {
  const known = new Set(ROWS)
  expect([...Object.keys(SAME), ...Object.keys(ELSEWHERE)].filter((row) => !known.has(row))).toEqual([])
})
