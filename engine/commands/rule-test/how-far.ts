import type { Expression } from '../../model/expression.ts'
import type { Rule, RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { RuleTest } from '../../rules/index.ts'
import { expressionText } from '../explain/text.ts'
import { show } from './compare.ts'
import { type Played, play } from './play.ts'

const KEYS_MAX = 5

/**
 * How far a test's events got where none of the expected key was counted: what types they are of, which part of `where`
 * or `unless` keeps them out (each is played alone), or which keys they have.
 */
export function howFar(
  set: RuleSet,
  test: RuleTest,
  streams: readonly Stream[],
  { rule, played }: { readonly rule: Rule; readonly played: Played },
): string {
  const events = test.events().flatMap((step) => ('type' in step ? [step] : []))
  if (events.length === 0) return 'the test has no events'
  const read = events.filter((e) => rule.on.includes(e.type)).length
  const types = rule.on.join(', ')
  if (read === 0) return `none of ${events.length} events is of a type in "on": ${types}`
  const head = `${read} of ${events.length} events are of ${types}`
  if (played.measures.length > 0) {
    const keys = new Set(played.measures.map((m) => keyText(m.key)))
    const more = keys.size > KEYS_MAX ? ` and ${keys.size - KEYS_MAX} more` : ''
    return `${head}; ${played.measures.length} were counted, of other keys: ${[...keys].slice(0, KEYS_MAX).join('; ')}${more}`
  }
  const taken = (parts: Pick<Rule, 'where' | 'unless'>) => {
    const rules = set.rules.map((r) => (r === rule ? { ...r, ...parts } : r))
    const { measures, dropped } = play({ ...set, rules }, test, streams)
    return measures.length + dropped.nullKey
  }
  const told: string[] = []
  for (const part of rule.where ? partsOf(rule.where) : [])
    told.push(`where: ${expressionText(part)} holds for ${taken({ where: part, unless: null })}`)
  if (rule.unless)
    told.push(`unless: ${expressionText(rule.unless)} leaves ${taken({ where: null, unless: rule.unless })}`)
  const { late, duplicate, nullKey } = played.dropped
  if (nullKey > 0) told.push(`key: ${nullKey} have no ${rule.by.join(', ')}`)
  if (late > 0) told.push(`${late} came too late`)
  if (duplicate > 0) told.push(`${duplicate} have the id of one before`)
  return [head, ...told].join('; ')
}

/** What must all hold: the parts joined by `&&` at the top. */
function partsOf(where: Expression): Expression[] {
  return where.op === 'call' && where.fn === 'and' ? where.args.flatMap(partsOf) : [where]
}

function keyText(key: Readonly<Record<string, string | number | boolean | null>>): string {
  return Object.entries(key).map(([name, value]) => `${name} ${show(value)}`).join(', ') // biome-ignore format: one step
}
