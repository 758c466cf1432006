import { RE2JS, RE2JSException } from 're2js'

const PATTERN_LENGTH_MAX = 200
const PROGRAM_SIZE_MAX = 250

export type Pattern = { readonly ok: true; test(text: string): boolean } | { readonly ok: false; fault: string }

/**
 * A pattern of `matches()`, in RE2's syntax. Its time on a text is at most the length of the text times the size of its
 * program, whatever the pattern; the second of them is limited here.
 */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > PATTERN_LENGTH_MAX) return fault(`the pattern is longer than ${PATTERN_LENGTH_MAX} characters`)
  try {
    const program = RE2JS.compile(pattern)
    const size = program.programSize()
    if (size > PROGRAM_SIZE_MAX)
      return fault(`the pattern comes to ${size} steps, ${PROGRAM_SIZE_MAX} are allowed: repeat less`)
    return { ok: true, test: (text) => program.test(text) }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const reason = error.message.replace(/^error parsing regexp: /, '')
    return fault(`the pattern is not a regular expression of RE2: ${reason}`)
  }
}

function fault(text: string): Pattern {
  return { ok: false, fault: text }
}
