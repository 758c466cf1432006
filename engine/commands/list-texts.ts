import type { Config } from '../config.ts'
import { printable } from '../kit/printable.ts'
import type { Reception } from '../model/control.ts'
import { EngineError } from '../model/errors.ts'
import { itemFault, itemOf } from '../model/list-item.ts'
import type { ListItem, NamedList, RuleSet } from '../model/rule.ts'
import { compileRuleSet } from '../rules/index.ts'
import { didYouMean } from '../rules/source/suggest.ts'
import { EXIT, type ExitCode, say, talk } from './exit.ts'

/** Without a name, all. EngineError USAGE where the rules have no such list. */
export function listsToShow(set: RuleSet, name: string | undefined): readonly NamedList[] {
  return name === undefined ? set.lists : [known(set, name)]
}

/** A list on standard output: its items, or with the others a line. */
export function print(list: NamedList, items: readonly ListItem[], name: string | undefined, json: boolean): void {
  say(lineOf(list, items, json, name === undefined))
}

function lineOf({ id, kind, source }: NamedList, items: readonly ListItem[], json: boolean, short: boolean): string {
  if (json) return `${JSON.stringify({ list: id, kind, source: source ?? null, items })}\n`
  if (!short) return items.map((item) => `${printable(String(item))}\n`).join('')
  const from =
    source === undefined
      ? ''
      : `, from ${'path' in source ? source.path : 'topic' in source ? `topic ${source.topic}` : `alerts of ${source.rule}`}`
  return `${id}: ${kind}, ${items.length} items${from}\n`
}

/** What became of a change. */
interface Told {
  readonly what: 'add' | 'remove'
  readonly name: string
  readonly items: readonly ListItem[]
  /** What was on the list. */
  readonly before: readonly ListItem[]
  readonly engine: string
}

export function tell(reception: Reception, { what, name, items, before, engine }: Told): ExitCode {
  const count = `${items.length} ${items.length === 1 ? 'item' : 'items'}`
  const done = `${count} ${what === 'add' ? 'added to' : 'removed from'} ${name}`
  const idle = items.filter((item) => before.includes(item) === (what === 'add'))
  const was = `${what === 'add' ? 'there already' : 'not there'}: ${idle.join(', ')}`
  if (reception === 'taken') talk(`${done}: in force${idle.length > 0 ? ` (${was})` : ''}`)
  else if (reception === 'no engine') talk(`${done}: no ${engine}, its next start will take it`)
  else talk(`${done}: the engine has not come to it yet; it will, in order`)
  return reception === 'taken' || reception === 'no engine' ? EXIT.fine : EXIT.failed
}

/** EngineError USAGE where the rules have no such list, or it is what a file says. */
export function changeable(set: RuleSet, name: string): NamedList {
  const list = known(set, name)
  if (list.source?.kind !== 'file') return list
  throw new EngineError('USAGE', `${name} is what ${list.source.path} says: change that, then lapwing rules push`)
}

/** EngineError USAGE where one is none. What is on a list already may be removed, whatever it is. */
export function itemsFor({ id, of }: NamedList, what: 'add' | 'remove', texts: readonly string[]): ListItem[] {
  return texts.map((text) => {
    const fault = what === 'remove' && of === 'string' ? null : itemFault(text, of)
    if (fault !== null)
      throw new EngineError('USAGE', `${id} holds ${of}s: ${JSON.stringify(text.slice(0, 40))} ${fault}`)
    return itemOf(text, of)
  })
}

/** EngineError RULES_INVALID. */
export function setOf(files: Parameters<typeof compileRuleSet>[0], streams: Config['streams']): RuleSet {
  const compiled = compileRuleSet(files, { streams })
  if (compiled.ok) return compiled.set
  throw new EngineError('RULES_INVALID', 'the rule set in force does not compile with this configuration')
}

function known({ lists }: RuleSet, name: string): NamedList {
  const list = lists.find(({ id }) => id === name)
  if (list) return list
  const hint = didYouMean(
    name,
    lists.map(({ id }) => id),
  )
  throw new EngineError('USAGE', `the rules in force have no list "${name}"${hint === null ? '' : `: ${hint}`}`)
}
