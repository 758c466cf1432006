import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { RuleTest } from '../../rules/index.ts'
import { compareAlerts, compareRankings, type Pair } from './compare.ts'
import { howFar } from './how-far.ts'
import { eventsOfKey, nearestMoment } from './nearest.ts'
import { play, playMuted } from './play.ts'

/** What one key of a test (`expect`, `expect_muted`, `expect_abstained`) came to. */
export interface Verdict {
  readonly of: 'expect' | 'expect_muted' | 'expect_abstained'
  readonly pairs: readonly Pair[]
  /** The measures at the moment nearest to firing, where an alert is missing. */
  readonly nearest: string | null
}

export interface TestResult {
  readonly test: RuleTest
  readonly ok: boolean
  /** Those that are wrong. */
  readonly failed: readonly Verdict[]
}

export function runRuleTest(set: RuleSet, test: RuleTest, streams: readonly Stream[]): TestResult {
  const played = play(set, test, streams)
  const isTested = (d: { id: string; version: number }) => d.id === test.rule && d.version === test.version
  const rule = set.rules.find(isTested)
  const sequence = set.sequences.find(isTested)
  const verdicts: Verdict[] = []
  if (test.expect !== null) {
    const pairs =
      rule || sequence
        ? compareAlerts(test, test.expect, played.alerts)
        : compareRankings(test, test.expect, played.rankings)
    const missing = pairs.find((p) => p.expectation && p.lines.every((l) => l.actual === null))?.expectation
    let nearest: string | null = null
    if (missing && rule)
      nearest = nearestMoment(test, rule, missing, played.measures) ?? howFar(set, test, streams, { rule, played })
    else if (missing && sequence) nearest = eventsOfKey(test, sequence, missing)
    verdicts.push({ of: 'expect', pairs, nearest })
  }
  if (test.expectMuted !== null) {
    const muted = playMuted(set, test, streams, played.alerts)
    verdicts.push({ of: 'expect_muted', pairs: compareAlerts(test, test.expectMuted, muted), nearest: null })
  }
  if (test.expectAbstained !== null) {
    const [expected, actual] = [String(test.expectAbstained), String(played.abstained)]
    const line = { name: 'evaluations', expected, actual, ok: expected === actual }
    verdicts.push({
      of: 'expect_abstained',
      pairs: [{ expectation: null, actual: null, lines: [line], ok: line.ok }],
      nearest: null,
    })
  }
  const failed = verdicts.filter((v) => v.pairs.some((p) => !p.ok))
  return { test, ok: failed.length === 0, failed }
}
