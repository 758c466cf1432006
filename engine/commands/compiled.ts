import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import { type Compiled, type CompileOptions, compileRuleSet, formatIssues } from '../rules/index.ts'
import { talkLines } from './exit.ts'

export type Sound = Extract<Compiled, { ok: true }>

/** The rules of `files`; warnings are said aloud. EngineError RULES_INVALID with every fault and its place. */
export function compileOrRefuse(
  files: readonly RuleSource[],
  streams: readonly Stream[],
  overrides: Pick<CompileOptions, 'params'> = {},
): Sound {
  const compiled = compileRuleSet(files, { streams, ...overrides })
  if (!compiled.ok) throw new EngineError('RULES_INVALID', formatIssues(compiled.issues, files).trimEnd())
  if (compiled.issues.length > 0) talkLines(formatIssues(compiled.issues, files).trimEnd())
  return compiled
}
