import type { Config } from '../../config.ts'
import { RulesBeside } from '../../edge/local/rules.ts'
import type { Batch, RuleSource } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import { isFed } from '../../model/rule.ts'
import { compileRuleSet } from '../../rules/index.ts'
import { readRuleFiles } from '../rule-files.ts'
import { spansOf } from './spans.ts'

/**
 * How batches of a file become records of the local log: as they are, or where alerts feed lists as short as those of a
 * live log.
 */
export function cutFor(config: Config): (batch: Batch) => readonly Batch[] {
  return feedsLists(config) ? spansOf : (batch) => [batch]
}

/** By the rules that the log ends with, or by the configured ones, which a start may put in force; in doubt, too. */
function feedsLists(config: Config): boolean {
  return [() => lastOf(config), () => readRuleFiles(config.rules)].some((read) => {
    try {
      const compiled = compileRuleSet(read(), config)
      return !compiled.ok || compiled.set.lists.some(isFed)
    } catch (error) {
      if (error instanceof EngineError) return true
      throw error
    }
  })
}

function lastOf({ data, streams }: Config): readonly RuleSource[] {
  const beside = new RulesBeside(data, streams)
  try {
    return beside.last()
  } finally {
    beside.close()
  }
}
