import { talk } from '../exit.ts'

const SAID_MAX = 10

/** Records that cannot be read: the first are said aloud, the others counted. */
export class PassedOver {
  count = 0
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void = talk) {
    this.#say = say
  }

  add(where: string, reason: string): void {
    this.count += 1
    if (this.count <= SAID_MAX) this.#say(`${where}: passed over: ${reason}`)
    if (this.count === SAID_MAX) this.#say('further malformed records are only counted')
  }
}
