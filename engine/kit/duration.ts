const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/**
 * Milliseconds of `500ms`, `5s`, `2m`, `24h`, `7d`, or several with falling units (`1h30m`); null if it is none.
 * Digits may have a fraction (`1.5h`) if whole milliseconds come out. No sign, no blanks; `0s` is 0.
 */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return null
  let totalMs = 0
  let lastUnitMs = Number.POSITIVE_INFINITY
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    const unitMs = UNIT_MS[unit!]!
    if (unitMs >= lastUnitMs) return null
    lastUnitMs = unitMs
    const ms = Number(amount) * unitMs
    const whole = Math.round(ms)
    if (Math.abs(ms - whole) > 1e-6) return null
    totalMs += whole
  }
  return Number.isSafeInteger(totalMs) ? totalMs : null
}

/** The shortest text that `parseDuration` reads as `ms` again: `1h`, `1h30m`, `250ms`. Fractions of a ms are cut off. */
export function formatDuration(ms: number): string {
  let rest = Math.trunc(Math.abs(ms))
  if (rest === 0) return '0s'
  let text = ms < 0 ? '-' : ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const amount = Math.floor(rest / UNIT_MS[unit]!)
    if (amount === 0) continue
    text += `${amount}${unit}`
    rest -= amount * UNIT_MS[unit]!
  }
  return text
}
