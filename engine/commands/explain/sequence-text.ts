import { formatDuration } from '../../kit/duration.ts'
import type { SequenceMatch, SequenceStep, Violation } from '../../model/rule.ts'
import { expressionText } from './text.ts'

/** `device: account.login where event.status == "new_device"` */
export function stepText({ name, on, where }: SequenceStep): string {
  return `${name}: ${on.join(', ')}${where ? ` where ${expressionText(where)}` : ''}`
}

export function violationText(violation: Violation): string {
  const { name, severity } = violation
  const each = violation.kind === 'expect_each' ? 'each ' : ''
  const what =
    violation.kind === 'forbid'
      ? `${violation.forbid} before ${violation.before}`
      : `no ${violation.expect.join(' or ')} within ${formatDuration(violation.withinMs)} after ${each}${violation.after}`
  return `${name} (${severity}): ${what}`
}

export function matchText({ name, severity, order, without, withinMs }: SequenceMatch): string {
  const not = without.length > 0 ? ` without ${without.join(' or ')}` : ''
  return `${name} (${severity}): ${order.join(', then ')} within ${formatDuration(withinMs)}${not}`
}
