import type { Expression } from '../../model/expression.ts'
import type { Rule } from '../../model/rule.ts'
import { rankingOf, ruleOf, sequenceOf } from '../build.ts'
import type { Deal } from '../deals.ts'
import type { Case } from '../generate.ts'

/** A case as text: what differs from the defaults of `ruleOf` and `rankingOf`, then one event or mark a line. */
export function describeCase({ startMs, set, stream, entries, finite, until, measures, cut, faultSeed }: Case): string {
  const { latenessMs, dedupeMs, idField } = stream
  const start = new Date(startMs).toISOString()
  const lines = [
    `start ${start}`,
    `stream ${json({ latenessMs, dedupeMs, idField })}, run ${json({ finite, until, measures, cut, faultSeed })}`,
  ]
  for (const rule of set.rules) lines.push(`rule ${json(unlike(rule, ruleOf({ windowMs: rule.windowMs })))}`)
  for (const sequence of set.sequences) lines.push(`sequence ${json(unlike(sequence, sequenceOf()))}`)
  for (const ranking of set.rankings) lines.push(`ranking ${json(unlike(ranking, rankingOf()))}`)
  for (const feature of set.features)
    lines.push(`feature ${json(unlike(feature, ruleOf({ windowMs: feature.windowMs })))}`)
  for (const entry of entries)
    if (entry.kind === 'mark')
      lines.push(`+${entry.upToMs - startMs} mark of ${entry.sourcePartition}, listing ${entry.sources.join(' ')}`)
    else {
      lines.push(`block of ${entry.partition}`)
      for (const deal of entry.deals) lines.push(`  ${describeDeal(deal, startMs)}`)
    }
  return lines.join('\n')
}

function describeDeal({ timeMs, offset, id, type, ...fields }: Deal, startMs: number): string {
  const values = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'bigint' ? value : json(value)}`,
  )
  return `+${timeMs - startMs} #${offset} ${id} ${type} ${values.join(' ')}`
}

function unlike<T extends object>(value: T, usual: object): Partial<Rule> {
  const before = new Map(Object.entries(usual).map(([name, v]) => [name, json(v)]))
  return Object.fromEntries(Object.entries(value).filter(([name, v]) => name === 'id' || before.get(name) !== json(v)))
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, v) => (isExpression(v) ? show(v) : v))
}

function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && 'op' in value
}

/** `and(ge(m0, 2), eq(key.shop, 's1'))` */
function show(expression: Expression): string {
  switch (expression.op) {
    case 'literal':
      return typeof expression.value === 'string' ? `'${expression.value}'` : String(expression.value)
    case 'field':
      return `event.${expression.name}`
    case 'key':
      return `key.${expression.name}`
    case 'param':
      return `params.${expression.name}`
    case 'let':
    case 'measure':
      return expression.name
    case 'in':
      return `${show(expression.value)} in ${JSON.stringify(expression.items)}`
    case 'inList':
      return `${show(expression.value)} in lists.${expression.list}`
    case 'feature':
      return `features.${expression.feature}[${show(expression.key)}].${expression.measure}`
    case 'call':
      return `${expression.fn}(${expression.args.map(show).join(', ')})`
  }
}
