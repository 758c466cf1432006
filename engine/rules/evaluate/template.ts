import type { Value } from '../../model/expression.ts'
import type { TemplateFormat, TemplatePart } from '../../model/rule.ts'
import { compileExpression } from './compile.ts'
import type { Scope } from './scope.ts'

/** A checked template -> a closure that writes it with the values of the moment. */
export function compileTemplate(parts: readonly TemplatePart[], scope: Scope): () => string {
  const writers = parts.map((part) => compilePart(part, scope))
  return () => {
    let out = ''
    for (const write of writers) out += write()
    return out
  }
}

function compilePart(part: TemplatePart, scope: Scope): () => string {
  if ('text' in part) {
    const { text } = part
    return () => text
  }
  const value = compileExpression(part.expression, scope)
  const { format, digits } = part
  return () => showValue(value(), format, digits)
}

/** What is not known, null or abstained, is shown as such. */
function showValue(value: Value, format: TemplateFormat, digits: number): string {
  if (value === null || value === undefined) return 'unknown'
  if (Array.isArray(value)) return value.map((v) => showValue(v, format, digits)).join(', ')
  if (typeof value !== 'number') return String(value)
  if (format === 'fixed') return withoutMinusZero(value.toFixed(digits))
  if (format === 'percent') return `${withoutMinusZero((value * 100).toFixed(digits))}%`
  return format === 'duration' ? showDuration(value) : showNumber(value)
}

/** At most six decimals, without the noise of doubles; a number smaller than that with six digits. */
export function showNumber(x: number): string {
  const short = String(Number(x.toFixed(6)))
  return (short === '0' || short === '-0') && x !== 0 ? String(Number(x.toPrecision(6))) : withoutMinusZero(short)
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** `1h 5m`: the two largest units, rounded to a second; below a second in milliseconds. */
export function showDuration(ms: number): string {
  if (ms < 0) return `-${showDuration(-ms)}`
  if (!Number.isFinite(ms)) return 'forever'
  if (ms > 0 && ms < 1_000) return `${Math.round(ms)}ms`
  let rest = Math.round(ms / 1_000) * 1_000
  const out: string[] = []
  for (const [unit, length] of UNITS) {
    const n = Math.floor(rest / length)
    if (n > 0) out.push(`${n}${unit}`)
    else if (out.length > 0) break
    rest -= n * length
    if (out.length === 2) break
  }
  return out.length === 0 ? '0s' : out.join(' ')
}

function withoutMinusZero(text: string): string {
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text
}
