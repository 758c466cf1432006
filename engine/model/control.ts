import type { ListControl, RuleSource } from './block.ts'
import type { ListItem, NamedList, RuleSet } from './rule.ts'

/** A rule set that engines are to run, as it was put where they find it. */
export interface PutRules {
  readonly files: readonly RuleSource[]
  /** `textHash` of the configured files that were put there last; null = none were. */
  readonly configured: string | null
  readonly atMs: number
}

/** What engines have made of what was put: read it, not yet, none runs; or refused it, with what is known of why. */
export type Reception = 'taken' | 'waiting' | 'no engine' | { readonly refused: string }

/** Asks how it stands now: 'waiting' may become something else. */
export type Asked = () => Promise<Reception>

/**
 * The rules and lists of an engine, for a process beside it: shown, and changed for what is read from then on. Two
 * implementations: in the local log a change has its place among the events and one task takes it; the control topics of
 * a Kafka group hold the last word of each thing, and all its engines take it.
 */
export interface ControlStore {
  /** Who takes what is put, as in `no engine … runs`. */
  readonly engine: string
  /** The set that was put last, whether an engine has come to it or not; without files where none ever was. */
  last(): Promise<Omit<PutRules, 'atMs'>>
  /** As of the last look: that set will be lost, and is worth putting again. */
  readonly isSpoilt: boolean
  /** The files that are in force, as far as it can be seen from beside; empty: none so far. */
  inForce(): Promise<readonly RuleSource[]>
  /** Of a set that is there already, only what configured it is news. */
  put(rules: PutRules): Promise<Asked>
  /** What is on lists of the rule set now, by name. */
  items(set: RuleSet, lists: readonly NamedList[]): Promise<ReadonlyMap<string, readonly ListItem[]>>
  /** Changes a list of the rule set. */
  change(set: RuleSet, change: ListControl): Promise<Asked>
}
