import type { TemplateFormat, TemplatePart } from '../../model/rule.ts'
import { Abstain, evaluate, type Result, type Scope } from './expression.ts'

/** The sentence of an alert: texts as they are, values in their format, what is not there as "unknown". */
export function renderTemplate(parts: readonly TemplatePart[], scope: Scope): string {
  return parts
    .map((part) => ('text' in part ? part.text : formatted(evaluate(part.expression, scope), part.format, part.digits)))
    .join('')
}

function formatted(value: Result, format: TemplateFormat, digits: number): string {
  if (value === null || value instanceof Abstain) return 'unknown'
  if (Array.isArray(value)) return value.map((v) => formatted(v, format, digits)).join(', ')
  if (typeof value !== 'number') return String(value)
  switch (format) {
    case 'plain':
      return plain(value)
    case 'fixed':
      return withoutMinusZero(value.toFixed(digits))
    case 'percent':
      return `${withoutMinusZero((value * 100).toFixed(digits))}%`
    case 'duration':
      return duration(value)
  }
}

/** Six decimals without trailing zeros; six digits of a number smaller than that. */
function plain(value: number): string {
  const short = Number(value.toFixed(6))
  return String(short === 0 ? Number(value.toPrecision(6)) : short)
}

function withoutMinusZero(text: string): string {
  return Number(text) === 0 ? text.replace('-', '') : text
}

/** 3900000 -> `1h 5m`: the two largest units next to each other, in whole seconds; less than one in milliseconds. */
function duration(valueMs: number): string {
  const size = Math.abs(valueMs)
  const sign = valueMs < 0 ? '-' : ''
  if (size < 1_000) return size === 0 ? '0s' : `${sign}${Math.round(size)}ms`
  const seconds = Math.round(size / 1_000)
  const amounts = [
    `${Math.floor(seconds / 86_400)}d`,
    `${Math.floor(seconds / 3_600) % 24}h`,
    `${Math.floor(seconds / 60) % 60}m`,
    `${seconds % 60}s`,
  ]
  const first = amounts.findIndex((a) => !a.startsWith('0'))
  const shown = amounts.slice(first, first + 2).filter((a) => !a.startsWith('0'))
  return sign + shown.join(' ')
}
