import type { Config } from '../../config.ts'
import { LocalControl } from '../../edge/local/control.ts'
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
export async function cutFor(config: Config): Promise<(batch: Batch) => readonly Batch[]> {
  return (await feedsLists(config)) ? spansOf : (batch) => [batch]
}

/** By the rules that the log ends with, or by the configured ones, which a start may put in force; in doubt, too. */
async function feedsLists(config: Config): Promise<boolean> {
  try {
    return [await lastOf(config), readRuleFiles(config.rules)].some((files) => {
      const compiled = compileRuleSet(files, config)
      return !compiled.ok || compiled.set.lists.some(isFed)
    })
  } catch (error) {
    if (error instanceof EngineError) return true
    throw error
  }
}

async function lastOf({ data, streams }: Config): Promise<readonly RuleSource[]> {
  const control = new LocalControl(data, streams)
  try {
    return (await control.last()).files
  } finally {
    control.close()
  }
}
