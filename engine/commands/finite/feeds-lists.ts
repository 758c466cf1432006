import type { Config } from '../../config.ts'
import { LocalControl } from '../../edge/local/control.ts'
import { sliceBlock } from '../../model/batch.ts'
import type { Block, RuleSource } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import { isFed } from '../../model/rule.ts'
import { compileRuleSet } from '../../rules/index.ts'
import { readRuleFiles } from '../rule-files.ts'
import { eachSpan } from './spans.ts'

/**
 * How blocks of a file become records of the local log: as they are, or where alerts feed lists as short as those of a
 * live log. Short ones cost four times as much where events are sparse, and eight times the space.
 */
export async function cutFor(config: Config): Promise<(block: Block) => readonly Block[]> {
  return (await feedsLists(config)) ? spans : (block) => [block]
}

function spans(block: Block): readonly Block[] {
  const parts: Block[] = []
  eachSpan(block, 0, block.length, (whole, from, to) => parts.push(sliceBlock(whole, from, to)))
  return parts
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
