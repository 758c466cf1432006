const PATTERN_LENGTH_MAX = 200
const REPEATS_MAX = 4
const COUNT_MAX = 100

/**
 * What is wrong with `pattern`, or null. Allowed are patterns whose matching time is harmless on any text: no
 * lookaround, no backreference, nothing repeated or alternative inside a repeated group, few unbounded repeats.
 */
export function regexFault(pattern: string): string | null {
  if (pattern.length > PATTERN_LENGTH_MAX) return `the pattern is longer than ${PATTERN_LENGTH_MAX} characters`
  const shape = shapeFault(pattern)
  if (shape !== null) return shape
  try {
    new RegExp(pattern, 'u')
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: \/.*\/u?: /s, '') : ''
    return `the pattern is not a regular expression: ${reason}`
  }
}

interface Group {
  repeats: boolean
  alternatives: boolean
}

function shapeFault(pattern: string): string | null {
  const open: Group[] = [{ repeats: false, alternatives: false }]
  let closed: Group | null = null // the group that ended just before `i`
  let unbounded = 0
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]
    const group = open[open.length - 1]
    const justClosed: Group | null = closed
    closed = null
    if (c === '\\') {
      const next = pattern[i + 1] ?? ''
      if (/[1-9k]/.test(next)) return 'backreferences are not allowed'
      i += 1
    } else if (c === '[') {
      i = classEnd(pattern, i)
    } else if (c === '(') {
      if (/^\(\?(?!:)/.test(pattern.slice(i))) return 'lookaround, named groups and flags are not allowed'
      open.push({ repeats: false, alternatives: false })
      if (pattern[i + 1] === '?') i += 2
    } else if (c === ')') {
      if (open.length > 1) {
        closed = open.pop()!
        const outer = open[open.length - 1]
        outer.repeats ||= closed.repeats
        outer.alternatives ||= closed.alternatives
      }
    } else if (c === '|') {
      group.alternatives = true
    } else if (c === '*' || c === '+' || c === '{') {
      const count = c === '{' ? /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(i)) : null
      if (c === '{' && !count) continue
      const most = count
        ? count[2] === undefined
          ? Number(count[1])
          : count[3]
            ? Number(count[3])
            : Infinity
        : Infinity
      if (most !== Infinity && most > COUNT_MAX) return `a repeat count is at most ${COUNT_MAX}`
      if (most > 1) {
        if (justClosed?.repeats) return 'nested repeats are not allowed'
        if (justClosed?.alternatives) return 'a repeated group may not hold alternatives'
        group.repeats = true
      }
      if (most > COUNT_MAX) unbounded += 1
      if (unbounded > REPEATS_MAX) return `more than ${REPEATS_MAX} unbounded repeats`
      if (count) i += count[0].length - 1
      if (pattern[i + 1] === '?') i += 1
    } else if (c === '?' && justClosed) {
      // an optional group: harmless
    }
  }
  return null
}

function classEnd(pattern: string, start: number): number {
  for (let i = start + 1; i < pattern.length; i++) {
    if (pattern[i] === '\\') i += 1
    else if (pattern[i] === ']') return i
  }
  return pattern.length
}
