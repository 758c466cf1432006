import type { DeadLetterReason } from '../model/errors.ts'

/** Further ones of a file are only counted: a file that is something else altogether would fill the log. */
const LETTERS_MAX = 1_000

/** A record of an input that could not be read. */
export interface UnreadLetter {
  readonly kind: 'dead_letter'
  readonly reason: DeadLetterReason
  /** `events.jsonl:4` */
  readonly input: string
  readonly detail: string
  /** At most 200 characters of it. */
  readonly text: string
}

/** Malformed records of one file, until they are taken. */
export class UnreadLetters {
  #waiting: UnreadLetter[] = []
  #seen = 0

  add(input: string, detail: string, text: string): void {
    this.#seen += 1
    if (this.#seen <= LETTERS_MAX) this.#waiting.push({ kind: 'dead_letter', reason: 'MALFORMED', input, detail, text })
  }

  take(): readonly UnreadLetter[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }
}
