import { own } from '../../kit/own.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet, Scalar } from '../../model/rule.ts'

/** One run of a sweep: what is shown of it, and rule id -> param -> value for the compiler. */
export interface Setting {
  readonly values: Readonly<Record<string, Scalar>>
  readonly params: Readonly<Record<string, Readonly<Record<string, Scalar>>>>
}

/**
 * Every combination of `--set p=1,2` and `--set rule.p=…`; a bare name means that param of every rule that has it.
 * EngineError USAGE when no rule has it.
 */
export function settingsOf(texts: readonly string[], set: RuleSet): Setting[] {
  let settings: Setting[] = [{ values: {}, params: {} }]
  for (const text of texts) {
    const [name, list] = split(text)
    const owners = ownersOf(name, set)
    const param = name.slice(name.indexOf('.') + 1)
    settings = settings.flatMap((setting) =>
      list.split(',').map((value): Setting => {
        const scalar = scalarOf(value.trim())
        const params = Object.fromEntries(owners.map((id) => [id, { ...own(setting.params, id), [param]: scalar }]))
        return { values: { ...setting.values, [name]: scalar }, params: { ...setting.params, ...params } }
      }),
    )
  }
  return settings
}

function split(text: string): [name: string, list: string] {
  const at = text.indexOf('=')
  if (at <= 0 || at === text.length - 1) throw new EngineError('USAGE', `--set ${text}: param=value[,value…] is wanted`)
  return [text.slice(0, at).trim(), text.slice(at + 1)]
}

function ownersOf(name: string, { rules, rankings, features }: RuleSet): string[] {
  const [rule, param] = name.includes('.') ? name.split('.') : [null, name]
  const all = [...rules, ...rankings, ...features].filter(
    (d) => (rule === null || d.id === rule) && Object.hasOwn(d.params, param!),
  )
  if (all.length > 0) return [...new Set(all.map((d) => d.id))]
  const known = [
    ...new Set([...rules, ...rankings, ...features].flatMap((d) => Object.keys(d.params).map((p) => `${d.id}.${p}`))),
  ]
  const choice = known.length === 0 ? 'no rule has params' : `there are ${known.join(', ')}`
  throw new EngineError('USAGE', `--set ${name}: no rule has that param; ${choice}`)
}

function scalarOf(text: string): Scalar {
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  return text !== '' && Number.isFinite(number) ? number : text
}
